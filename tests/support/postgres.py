"""A PostgreSQL server of the tests' own: a private directory, a unix socket, no network, no privileges."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import create_engine, text

PROGRAMS = Path("/usr/lib/postgresql")
NOBODY = 65534


class UnavailableError(Exception):
    """Why there is no server here; the tests that need one are skipped with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A server; each test gets a database of its own."""

    home: Path
    """Short: a socket's path has at most 107 bytes."""
    programs: Path
    user: int | None
    durable: bool = False
    """Whether what is committed survives a power cut: of interest to benchmarks alone."""

    def fresh_database(self, tablespace: str = "pg_default") -> str:
        """The URL of a new, empty database."""
        name = f"history_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TABLESPACE {tablespace}")
        return self._url(name)

    def tablespace(self, directory: Path) -> str:
        """The name of a new place for databases: an empty directory."""
        if self.user is not None:
            os.chown(directory, self.user, self.user)
        name = f"space_{uuid.uuid4().hex}"
        self.execute(f"CREATE TABLESPACE {name} LOCATION '{directory}'")
        return name

    def execute(self, statement: str) -> None:
        """Run a statement of an administrator."""
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        sync = "on" if self.durable else "off"
        options = f"-c listen_addresses= -c unix_socket_directories={self.home} -c fsync={sync} -c max_connections=50"
        self._pg_ctl("-l", self.home / "log", "-o", options, "start")

    def stop(self) -> None:
        """End it at once, as a crash would."""
        self._pg_ctl("-m", "immediate", "stop")

    def create(self) -> None:
        """Make its directory."""
        if self.user is not None:
            os.chown(self.home, self.user, self.user)
        data, program = self.home / "data", self.programs / "initdb"
        _run([program, "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "--locale=C.UTF-8"], self.user)

    def _pg_ctl(self, *words: str | Path) -> None:
        _run([self.programs / "pg_ctl", "-D", self.home / "data", "-w", *words], self.user)

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://tests@/{database}?host={self.home}"


@contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """A server until the end of the block. Raises UnavailableError where none can run."""
    if (lack := missing()) is not None:
        raise UnavailableError(lack)
    home = Path(tempfile.mkdtemp(prefix="genie-pg-"))
    try:
        server = Postgres(home=home, programs=_programs()[-1], user=_user(), durable=durable)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
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
