"""One cluster for all tests here, and one API server for those that need no node."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cluster.fixtures import api_server, cluster

__all__ = ["api_server", "cluster"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the built Kubernetes."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
