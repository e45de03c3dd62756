"""Every history that must behave the same: in memory, on SQLite, and on PostgreSQL where it is installed.

Where it is not, one test says so by being skipped: ``test_migrations.py::test_postgresql_is_tested_too``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from tests.support.batches import at
from tests.support.memory_history import MemoryHistory
from tests.support.postgres import Postgres, UnavailableError, missing, running

LEARNED = at(99)
"""What the histories' clock says."""
DATABASES = ["sqlite"] if missing() else ["sqlite", "postgresql"]
AnyHistory = SqlHistory | MemoryHistory


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        with running() as server:
            yield server
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new SQLite history; tests take copies, which is quicker than to migrate for each."""
    file = tmp_path_factory.mktemp("history") / "history.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return _fresh(request, tmp_path, request.param)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A history of this program's version, open; for what only its tables tell."""
    upgrade(url)
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture(params=["memory", *DATABASES])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], AnyHistory]]:
    """Opens the test's history, again at each call, as a restarted controller would."""
    if request.param == "memory":
        held = MemoryHistory(lambda: LEARNED)
        yield lambda: held
        return
    url = ready(request, tmp_path, request.param)
    opened: list[Database] = []

    def again() -> SqlHistory:
        opened.append(Database(url))
        return SqlHistory(opened[-1], lambda: LEARNED)

    yield again
    for database in opened:
        database.close()


@pytest.fixture
def history(reopen: Callable[[], AnyHistory]) -> AnyHistory:
    return reopen()


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A history on SQLite, of this program's version and empty."""
    return ready(request, tmp_path, "sqlite")


def ready(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> str:
    url = _fresh(request, tmp_path, backend)
    if backend == "sqlite":
        copyfile(request.getfixturevalue("migrated"), tmp_path / "history.db")
    else:
        upgrade(url)
    return url


def _fresh(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> str:
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.fresh_database()
