"""The clusters as fixtures, for a ``conftest.py`` to import."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cluster import apiserver
from tests.support.cluster.apiserver import ApiServer
from tests.support.cluster.programs import UnavailableError


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """One API server for all tests of this process, with our kinds installed: use namespaces of your own."""
    try:
        with apiserver.api_server() as server:
            server.install_crds()
            yield server
    except UnavailableError as error:
        pytest.skip(str(error))
