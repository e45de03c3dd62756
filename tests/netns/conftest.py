"""A site per test, in namespaces of its own; the test's thread is on the node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.netns import Node, Site, this_thread_in


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    built = Site(tmp_path)
    try:
        built.build()
        with this_thread_in(built.node):
            yield built
    finally:
        built.remove()


@pytest.fixture
def node(site: Site) -> Iterator[Node]:
    opened = Node.open(site)
    yield opened
    opened.close()
