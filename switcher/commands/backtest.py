"""``switcher backtest``: what policies, tariffs and networks would have cost on the site's own past."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from switcher.adapters.store.history import SqlHistory
from switcher.backtest.case import Case, make_case
from switcher.backtest.compare import Asked, Comparison, compare
from switcher.backtest.contenders import OURS, refuse_unknown
from switcher.backtest.editions import Editions, editions_of, with_candidates
from switcher.backtest.files import read_files
from switcher.backtest.kept import Kept, kept_objects
from switcher.backtest.past import Past, past_of
from switcher.backtest.reach import newcomers
from switcher.backtest.record import Record, Span
from switcher.backtest.stored import read_history
from switcher.commands.backtest_report import as_document, print_report
from switcher.commands.files import CHARTS, refuse_unwritable
from switcher.commands.options import AsJson
from switcher.commands.progress import Told, progress
from switcher.commands.spans import read_span
from switcher.commands.together import Together
from switcher.errors import BadInputError, Problem
from switcher.tariff import Exchange
from switcher.tariff.unrated import refuse_unrated


def backtest(
    history: Annotated[str, typer.Option(metavar="DB|CSV", help="A database's URL or file, a CSV file or directory.")],
    period: Annotated[str, typer.Option(metavar="START/END", help="Two times with a zone; END is exclusive.")],
    config: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The objects; default: as the database has them.")
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME...", help="Policies of the configuration, or what others do; default: ours."),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="More policies.")] = None,
    what_if: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR|FILE", help="Objects laid over the configuration: one more case. May be repeated."),
    ] = None,
    slot: Annotated[str, typer.Option(metavar="DURATION", help="Decisions are made so often.")] = "5m",
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="A chart: .png or .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play a past period again: what was paid, had nothing moved, had a policy decided, and what nobody can beat.

    Example: switcher backtest --config /etc/switcher/objects --history /var/lib/switcher/history.db
    --period 2026-11-01T00:00:00Z/2026-12-01T00:00:00Z --policy ours sd-wan --what-if night.yaml --plot november.png
    """
    inputs, laid = Together(), what_if or ()
    inputs.read(refuse_unwritable, "--plot", plot, CHARTS)
    inputs.read(_refuse_absent, history)
    span = inputs.read(read_span, period, slot)
    names = [*(policy or ()), *(more or ())] or [OURS]
    with progress() as told, _source(history) as source:
        asked_of = _objects(inputs, config, laid, source, span)
        for _, editions in asked_of:
            inputs.read(refuse_unknown, names, editions.policies)
            if span is not None:
                book = editions.billed
                inputs.read(refuse_unrated, book.tariffs, (span.start, span.end), None, Exchange.of(book))
        record = inputs.read(_record, source, span) if isinstance(source, Path) and span is not None else None
        inputs.accept()
        assert span is not None  # noqa: S101 - told to the type checker
        past = past_in(record or _record(source, span), span, told)
        cases = _cases(past, asked_of)
        asked = Asked(policies=names, draw=plot is not None, stopwatch=time.perf_counter, told=told)
        found = [compare(past, case, asked) for case in cases]
    if as_json:
        typer.echo(as_document(past, found))
    else:
        print_report(past, found)
    if plot is not None:
        _draw(found, plot)


def _refuse_absent(history: str) -> None:
    """It is read only once the period is right."""
    if "://" not in history and not Path(history).exists():
        raise BadInputError([Problem(history, 0, "", "cannot be read: No such file or directory")])


@contextmanager
def _source(history: str) -> Iterator[SqlHistory | Path]:
    """An open database, or where the CSV files are."""
    path = Path(history)
    if "://" not in history and not _is_database(path):
        yield path
        return
    opened = SqlHistory.open(history if "://" in history else f"sqlite:///{path.absolute()}")
    try:
        yield opened
    finally:
        opened.close()


def _objects(
    inputs: Together, config: Path | None, what_if: Sequence[Path], source: SqlHistory | Path, span: Span | None
) -> list[tuple[str, Editions]]:
    """The objects of each case that are right, by its name."""
    base = inputs.read(_base, config, source, span)
    if base is None:
        return []
    cases = [
        ("", inputs.read(editions_of, base, [])),
        *((_name(path), inputs.read(editions_of, base, [path])) for path in what_if),
    ]
    return [(name, editions) for name, editions in cases if editions is not None]


def _base(config: Path | None, source: SqlHistory | Path, span: Span | None) -> Path | Kept | None:
    """Where the objects are, or what the history kept; None: the period is wrong, which says when."""
    if config is not None:
        return config
    if isinstance(source, SqlHistory):
        return None if span is None else kept_objects(source, span)
    raise BadInputError([Problem("--config", 0, "", "is needed where the history is CSV files")])


def _record(source: SqlHistory | Path, span: Span) -> Record:
    return read_files(source, span) if isinstance(source, Path) else read_history(source, span)


def past_in(record: Record, span: Span, told: Told) -> Past:
    """The record's past. Raises BadInputError where nothing was there, or more than can be played."""
    try:
        return past_of(record, span, lambda done, of: told("reading", done, of))
    except ValueError as error:
        raise BadInputError([Problem("--period", 0, "", str(error))]) from error


def _is_database(path: Path) -> bool:
    """SQLite's files say so themselves."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _name(path: Path) -> str:
    return path.stem if path.suffix else path.name


def _cases(past: Past, asked_of: Sequence[tuple[str, Editions]]) -> list[Case]:
    """A what-if's physical networks that no node had are offered everywhere, and to every policy.

    Where nothing says what the nodes had, the configuration's own are offered everywhere too.
    """
    before = {item.name for item in newcomers(past, asked_of[0][1])}
    cases = []
    for name, editions in asked_of:
        more = newcomers(past, editions)
        fresh = [item for item in more if item.name not in before]
        offered = fresh if past.record.networks else more
        cases.append(make_case(past, with_candidates(editions, fresh), name, offered))
    return cases


def _draw(found: list[Comparison], path: Path) -> None:
    from switcher.backtest.chart import draw_chart  # noqa: PLC0415 - a second of imports that only a chart needs

    draw_chart(found, path)
