"""The worlds that the contract suite runs in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.cluster_api.api_world import ApiWorld, api_world
from tests.contract.cluster_api.worlds import ClusterWorld, FakeWorld, FilesWorld, ObjectsWorld
from tests.support.cluster import ApiServer
from tests.support.cluster.fixtures import api_server
from tests.support.cluster.programs import ROOT

__all__ = ["api_server"]

DEPLOY = ROOT / "config/deploy"


@pytest.fixture
def namespace() -> str:
    """A namespace of the test's own: worlds may be shared."""
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def server(api_server: ApiServer) -> ApiServer:
    """An API server with the agent's account, rights and policy."""
    api_server.kubectl.apply(DEPLOY / "rbac-agent.yaml", DEPLOY / "policy-agent.yaml")
    return api_server


@pytest.fixture
def api(server: ApiServer, tmp_path: Path, namespace: str) -> Iterator[ApiWorld]:
    """The real one, for what no other world has; tests that ask for it are marked ``cluster``."""
    with api_world(server, tmp_path, namespace) as made:
        yield made


API = pytest.param("api", marks=pytest.mark.cluster)


@pytest.fixture(params=["fake", API])
def world(request: pytest.FixtureRequest) -> ClusterWorld:
    """Every world with a cluster."""
    if request.param == "api":
        made: ApiWorld = request.getfixturevalue("api")
        return made
    return FakeWorld()


@pytest.fixture(params=["fake", "files", API])
def objects_world(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectsWorld:
    """Every world with objects."""
    if request.param == "api":
        made: ApiWorld = request.getfixturevalue("api")
        return made
    return FilesWorld(tmp_path) if request.param == "files" else FakeWorld()
