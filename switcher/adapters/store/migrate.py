"""The schema's version: bring a database up to date, or say why it cannot be used as it is.

Alembic is driven in code: no ``alembic.ini`` exists, and the tree ``migrations/`` is an installed package.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import migrations
from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import micros
from switcher.adapters.store.partitions import make_ahead
from switcher.adapters.store.vacuum import make_incremental
from switcher.errors import SwitcherError

ADVISORY_LOCK = 0x5357_4954
"""PostgreSQL: two upgrades at once wait for each other on this number. SQLite's write lock does that by itself."""


def upgrade(url: str) -> str:
    """Create or upgrade the database at ``url`` to this program's schema; the revision it then has.

    In one transaction: an interrupted upgrade leaves the old schema. Raises BadInputError for a malformed URL,
    TryLaterError when the database is away or cannot be written, SwitcherError when it is newer than the program.
    """
    database = Database(url)
    try:
        with database.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL lock_timeout = 0"))  # an upgrade may take its time
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            _refuse_newer(connection, database.name)
            command.upgrade(alembic_config(connection), "head")
            make_ahead(connection, micros(datetime.now(UTC)))
        make_incremental(database)
    finally:
        database.close()
    return head()


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings for one connection; what it would print goes nowhere."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this program works with."""
    found = ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()
    if found is None:
        raise SwitcherError("this installation has no migrations: install it again")
    return found


def revision(connection: Connection) -> str | None:
    """The revision that the database has; None: no history in it."""
    return MigrationContext.configure(connection).get_current_revision()


def require_head(connection: Connection, name: str) -> None:
    """Raises SwitcherError, which says what to do, unless the database ``name`` is at this program's revision."""
    _refuse_newer(connection, name)
    found = revision(connection)
    if found is None:
        raise SwitcherError(f"{name} has no history in it: run `switcher db upgrade`, which creates it")
    if found != head():
        raise SwitcherError(
            f"the history at {name} is at revision {found}, this program needs {head()}: run `switcher db upgrade`"
        )


def _refuse_newer(connection: Connection, name: str) -> None:
    found = revision(connection)
    known = {script.revision for script in ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()}
    if found is not None and found not in known:
        raise SwitcherError(
            f"the history at {name} is at revision {found}, which this program does not know:"
            " it was written by a newer version; install that one"
        )
