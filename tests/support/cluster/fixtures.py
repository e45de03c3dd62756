"""The clusters as fixtures, for a ``conftest.py`` to import."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cluster import apiserver, boot
from tests.support.cluster.apiserver import ApiServer
from tests.support.cluster.node import Cluster
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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One node with everything, for all tests of this process: each leaves it as it was (``traces``)."""
    try:
        with boot.cluster() as made:
            made.api.install_crds()
            yield made
    except UnavailableError as error:
        pytest.skip(str(error))
