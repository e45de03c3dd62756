"""``switcher db``: the history's database: create and upgrade it, check it, say how large it is, prune it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from switcher.adapters.store import migrate
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import Row, as_text, show
from switcher.errors import BadInputError, Problem, SwitcherError
from switcher.objects.values import duration
from switcher.settings import load_settings

db = typer.Typer(
    name="db",
    help="The history's database.\n\nExample: switcher db stats --url sqlite:///history.db",
    no_args_is_help=True,
    add_completion=False,
)

Url = Annotated[
    str | None,
    typer.Option("--url", help="The database, such as sqlite:////var/lib/switcher/history.db; needs no settings."),
]


@db.command()
def upgrade(config: ConfigFile = DEFAULT_CONFIG, url: Url = None, as_json: AsJson = False) -> None:
    """Creates the history, or brings it to this version; harmless when it is there already.

    Example: switcher db upgrade --url sqlite:////var/lib/switcher/history.db
    """
    where = _url(config, url)
    revision = migrate.upgrade(where)
    _say({"database": Database(where).name, "revision": revision}, as_json=as_json)


@db.command()
def check(config: ConfigFile = DEFAULT_CONFIG, url: Url = None, as_json: AsJson = False) -> None:
    """Whether the history is there, of this version, and sound; exit 1 when it is not.

    Example: switcher db check --config /etc/switcher/config.yaml
    """
    where = _url(config, url)
    problems = _problems(where)
    row = {"database": Database(where).name, "revision": migrate.head(), "sound": not problems}
    if as_json:
        _say({**row, "problems": problems}, as_json=True)
    elif not problems:
        _say(row, as_json=False)
    if problems:
        raise SwitcherError("\n".join(problems))


def _problems(url: str) -> list[str]:
    try:
        with _opened(url) as history:
            return list(history.faults())
    except BadInputError:
        raise
    except SwitcherError as error:
        return [str(error)]


@db.command()
def stats(config: ConfigFile = DEFAULT_CONFIG, url: Url = None, as_json: AsJson = False) -> None:
    """Rows of each table, span of the samples, size, and what is held of each agent.

    Example: switcher db stats --json
    """
    with _opened(_url(config, url)) as history:
        found = history.stats()
    if as_json:
        typer.echo(json.dumps(asdict(found), default=as_text, indent=2))
        return
    rows: list[Row] = [{"table": name, "rows": count} for name, count in found.rows.items()]
    show(rows, ["table", "rows"], as_json=False, nothing="")
    states: list[Row] = [
        {
            "resolution": state.table,
            "slot": None if state.slot_seconds is None else f"{state.slot_seconds} s",
            "rows": state.rows,
            "oldest": state.oldest,
            "newest": state.newest,
            "kept from": state.kept_from,
            "rolled until": state.rolled_until,
            "partitions": state.partitions,
            "MB": None if state.size_bytes is None else state.size_bytes / 1e6,
        }
        for state in found.resolutions
    ]
    show(states, list(states[0]), as_json=False, nothing="")
    span = {"oldest sample": found.oldest_sample, "newest sample": found.newest_sample, "MB": found.size_bytes / 1e6}
    span["free MB"] = found.free_bytes / 1e6
    show([span], list(span), as_json=False, nothing="")
    agents: list[Row] = [
        {
            "agent": agent.identity,
            "node": agent.node,
            "last sequence": agent.last_sequence,
            "gaps": agent.gaps,
            "missed": agent.missed,
            "last seen": agent.last_seen,
        }
        for agent in found.agents
    ]
    columns = ["agent", "node", "last sequence", "gaps", "missed", "last seen"]
    show(agents, columns, as_json=False, nothing="no agent has sent anything yet")


@db.command()
def prune(
    keep: Annotated[
        str, typer.Option(metavar="DURATION", help="Samples that ended longer ago than this are deleted: 12h, 30d.")
    ],
    config: ConfigFile = DEFAULT_CONFIG,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Deletes old samples; hourly totals, placements, objects, decisions and moves stay.

    Example: switcher db prune --keep 30d
    """
    try:
        before = datetime.now(UTC) - duration(keep)
    except ValueError as error:
        raise BadInputError([Problem("--keep", 0, "", f"{keep!r} {error}")]) from error
    with _opened(_url(config, url)) as history:
        deleted = history.prune(before)
    _say({"before": before, "deleted": deleted}, as_json=as_json)


@db.command()
def export(
    period: Annotated[str, typer.Option(metavar="START/END", help="Two times with a zone; END is exclusive.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where the CSV files go; made if it is not there.")],
    slot: Annotated[str, typer.Option(metavar="DURATION", help="Attachments are summed over so long.")] = "5m",
    config: ConfigFile = DEFAULT_CONFIG,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Writes a period as the CSV files that `switcher backtest --history DIR` reads.

    Example: switcher db export --period 2026-11-01T00:00:00Z/2026-12-01T00:00:00Z --to november
    """
    # What a backtest needs is slow to load, and no other command of this group needs it.
    from switcher.backtest.export import export as write_files  # noqa: PLC0415
    from switcher.backtest.stored import read_history  # noqa: PLC0415
    from switcher.commands.spans import read_span  # noqa: PLC0415

    span = read_span(period, slot)
    with _opened(_url(config, url)) as history:
        rows = write_files(read_history(history, span), span, to)
    _say({"directory": str(to), **rows}, as_json=as_json)


def _say(row: Row, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(row, default=as_text, indent=2))
    else:
        show([row], list(row), as_json=False, nothing="")


def _url(config: ConfigFile, url: str | None) -> str:
    return url if url is not None else load_settings(config).database


@contextmanager
def _opened(url: str) -> Iterator[SqlHistory]:
    history = SqlHistory.open(url)
    try:
        yield history
    finally:
        history.close()
