"""One cluster for all tests here, and one API server for those that need no node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.cluster.fixtures import api_server, cluster
from tests.support.cluster.site import Site

__all__ = ["api_server", "cluster"]

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def known_site(cluster: Cluster) -> Site:
    """For all modules one, so that what it knows of a clean node is found out once."""
    return Site(cluster, {"forgetAfter": "2s", "delegateDeadline": "30s"})


@pytest.fixture(scope="module")
def genie_node(known_site: Site) -> Iterator[Site]:
    """The cluster's node with ``genie``, its agent and several networks, for the tests of one module."""
    with known_site.running():
        yield known_site


@pytest.fixture
def site(genie_node: Site) -> Iterator[Site]:
    """The same; nothing may be left after the test, and the agent must never have lacked a right."""
    yield genie_node
    genie_node.remove("--all")  # what a test that failed did not come to
    genie_node.expect_clean()
    assert not genie_node.genie.refusals()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the built Kubernetes."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
