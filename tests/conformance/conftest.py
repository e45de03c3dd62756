"""A node to judge: a real agent behind the real binary, with real plugins and one that does as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.node import Node, node


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    """The networks blue (a bridge), red (a macvlan) and told (scripted); the agent runs."""
    with node(tmp_path) as made:
        furnish(made)
        made.start()
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The same, for tests that leave it as it was."""
    with node(tmp_path_factory.mktemp("node")) as made:
        furnish(made)
        made.start()
        yield made


def furnish(made: Node) -> None:
    """Write the networks' configurations."""
    bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipam": made.host_local("10.1.0.0/24")}
    made.network("10-blue.conflist", bridge)
    made.network("20-red.conflist", {"type": "macvlan", "master": "eth2", "ipam": made.host_local("10.2.0.0/24")})
    made.network("30-told.conflist", {"type": "scripted"}, cniVersion="1.1.0")
