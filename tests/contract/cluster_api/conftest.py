"""The worlds that the contract suite runs in."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.contract.cluster_api.worlds import ClusterWorld, FakeWorld, FilesWorld, ObjectsWorld


@pytest.fixture
def namespace() -> str:
    """A namespace of the test's own: worlds may be shared."""
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def world() -> ClusterWorld:
    return FakeWorld()


@pytest.fixture(params=["fake", "files"])
def objects_world(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectsWorld:
    if request.param == "files":
        return FilesWorld(tmp_path)
    return FakeWorld()
