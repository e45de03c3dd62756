"""A PostgreSQL server of the tests' own: a private directory, a unix socket, no network, no privileges."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import create_engine, text

PROGRAMS = Path("/usr/lib/postgresql")
NOBODY = 65534


class UnavailableError(Exception):
    """Why there is no server here; the tests that need one are skipped with it."""


class Postgres:
    """A running server; each test gets a database of its own."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets

    def fresh_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"history_{uuid.uuid4().hex}"
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://tests@/{database}?host={self._sockets}"


@contextmanager
def running() -> Iterator[Postgres]:
    """A server until the end of the block. Raises UnavailableError where none can run."""
    if (lack := missing()) is not None:
        raise UnavailableError(lack)
    programs, user = _programs()[-1], _user()
    home = Path(tempfile.mkdtemp(prefix="genie-pg-"))  # short: a socket's path has at most 107 bytes
    try:
        if user is not None:
            os.chown(home, user, user)
        data = home / "data"
        _run([programs / "initdb", "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "--locale=C.UTF-8"], user)
        options = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off -c max_connections=50"
        _run([programs / "pg_ctl", "-D", data, "-l", home / "log", "-w", "-o", options, "start"], user)
        try:
            yield Postgres(home)
        finally:
            _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def missing() -> str | None:
    """What is not installed here, in words; None: nothing."""
    if find_spec("psycopg") is None:
        return "the PostgreSQL driver psycopg is not installed"
    if not _programs():
        return "the PostgreSQL server is not installed (Debian: apt install postgresql)"
    return None


def _programs() -> list[Path]:
    return [initdb.parent for initdb in sorted(PROGRAMS.glob("*/bin/initdb"))]


def _user() -> int | None:
    """Whom the server runs as; None: as we are. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    mapped = Path("/proc/self/uid_map").read_text().split()
    if mapped != ["0", "0", "4294967295"]:
        raise UnavailableError("root of a user namespace has no other user to run PostgreSQL as")
    return NOBODY


def _run(command: list[str | Path], user: int | None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # pg_ctl's child keeps it open: a pipe would never end
        stderr=subprocess.STDOUT,
        check=False,
        cwd="/",
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if done.returncode != 0:
        raise UnavailableError(f"{Path(command[0]).name} failed with {done.returncode}")
