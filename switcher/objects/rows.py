"""CSV tables, read with every problem of a file at once (api.md); of a bill's the stays and the exchange rates."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import PydanticCustomError

from switcher.errors import MOST_SHOWN, BadInputError, Problem, quoted
from switcher.objects.tariffs import ExchangeRate, ExchangeRateSpec
from switcher.objects.values import currency, day, decimal, moment, moment_of_samples, wrong
from switcher.tariff.samples import Stay

T = TypeVar("T")
KEPT = 4096
"""Texts whose value is kept: of one file's cells most are the same, and so are one value in memory."""
ROWS_AT_ONCE = 1000
RATE_COLUMNS = ("from", "to", "rate", "date")
STAY_COLUMNS = ("attachment", "network", "start", "end")
LONGEST_SECONDS = Decimal(10) ** 9
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PERIOD = "2026-12-01T00:00:00Z/2027-01-01T00:00:00Z"


@dataclass(slots=True)
class Row:
    """One row being read: values by column, and what is wrong with them."""

    file: str
    line: int
    cells: dict[str, str]
    problems: list[Problem] = field(default_factory=list)

    def take(self, column: str, parse: Callable[[str], T], otherwise: T) -> T:
        """The parsed cell; when it is wrong the problem is kept and ``otherwise`` stands in."""
        cell = self.cells.get(column, "").strip()
        try:
            if not cell:
                raise wrong("missing", "must not be empty")
            return parse(cell)
        except PydanticCustomError as error:
            self.problems.append(Problem(self.file, self.line, column, f"{quoted(cell)} {error.message()}"))
            return otherwise

    def optional(self, column: str) -> str | None:
        """The cell, or None when it or its column is absent."""
        return sys.intern(self.cells.get(column, "").strip()) or None


@dataclass(frozen=True, slots=True)
class Table:
    """Some rows of a file, as they were written; ``lines``: where each ends."""

    file: str
    header: Sequence[str]
    cells: list[list[str]]
    lines: list[int]

    def columns(self) -> dict[str, tuple[str, ...]] | None:
        """The cells by column; None: some row has more or fewer."""
        if any(len(cells) != len(self.header) for cells in self.cells):
            return None
        return dict(zip(self.header, zip(*self.cells, strict=True), strict=True))


def read_stays(path: Path) -> list[Stay]:
    """When which attachment was on which network. Raises BadInputError with every problem."""
    return read_table(path, STAY_COLUMNS, (), _stay)


def read_rates(path: Path, known: Sequence[ExchangeRate] = ()) -> list[ExchangeRate]:
    """Dated exchange rates, beside objects that are ``known``. Raises BadInputError with every problem."""
    first = {_key(each): (each.spec.rate, "an ExchangeRate object") for each in known}

    def make(row: Row) -> ExchangeRate | None:
        found = _rate(row)
        if found is not None:
            spec = found.spec
            other, where = first.setdefault(_key(found), (spec.rate, f"line {row.line}"))
            if other != spec.rate:
                what = f"two rates for {spec.source} to {spec.target} dated {spec.date.isoformat()}"
                text = f"{what}: {other} and {spec.rate}; {where} has the first"
                row.problems.append(Problem(row.file, row.line, "rate", text))
        return found

    return read_table(path, RATE_COLUMNS, (), make)


def _key(rate: ExchangeRate) -> tuple[str, str, date]:
    return rate.spec.source, rate.spec.target, rate.spec.date


def read_period(text: str, option: str = "--period") -> tuple[datetime, datetime]:
    """``START/END`` as two moments. Raises BadInputError."""
    begin, slash, finish = text.partition("/")
    if not slash:
        raise BadInputError([Problem(option, 0, "", f"{quoted(text)} must be START/END, like {PERIOD}")])
    row = Row(option, 0, {"start": begin, "end": finish})
    start, end = row.take("start", instant, EPOCH), row.take("end", instant, EPOCH)
    if not row.problems and end <= start:
        row.problems.append(Problem(option, 0, "", f"{quoted(text)} must end after it starts"))
    if row.problems:
        raise BadInputError(row.problems)
    return start, end


def read_moment(text: str, option: str) -> datetime:
    """One moment. Raises BadInputError."""
    try:
        return moment(text)
    except PydanticCustomError as error:
        raise BadInputError([Problem(option, 0, "", f"{quoted(text)} {error.message()}")]) from error


def read_currency(text: str, option: str) -> str:
    """A currency's code. Raises BadInputError."""
    try:
        return currency(text)
    except PydanticCustomError as error:
        raise BadInputError([Problem(option, 0, "", f"{quoted(text)} {error.message()}")]) from error


def _stay(row: Row) -> Stay:
    start, end = row.take("start", instant, None), row.take("end", instant, None)
    if start and end and end <= start:
        row.problems.append(Problem(row.file, row.line, "end", f"{quoted(row.cells['end'])} must be after start"))
    return Stay(
        attachment=row.take("attachment", str, ""),
        network=row.take("network", str, ""),
        start=start or EPOCH,
        end=end or EPOCH,
        file=row.file,
        line=row.line,
    )


def _rate(row: Row) -> ExchangeRate | None:
    source, target = row.take("from", currency, ""), row.take("to", currency, "")
    number, dated = row.take("rate", _positive, Decimal(1)), row.take("date", day, EPOCH.date())
    if source and source == target:
        row.problems.append(Problem(row.file, row.line, "to", f"{target!r} is the same currency as from"))
    if row.problems:
        return None
    return ExchangeRate(spec=ExchangeRateSpec(source=source, target=target, rate=number, date=dated))


def _positive(text: str) -> Decimal:
    number = decimal(text)
    if number <= 0:
        raise wrong("not_positive", "must be above zero")
    return number


@lru_cache(KEPT)
def instant(text: str) -> datetime:
    """A time with a zone, of a year that samples can be of."""
    return moment_of_samples(text)


@lru_cache(KEPT)
def seconds(text: str) -> timedelta:
    """The length of a row."""
    number = decimal(text)
    whole = number * 1_000_000
    if not 0 < number <= LONGEST_SECONDS:
        raise wrong("seconds", f"must be above zero and at most {LONGEST_SECONDS}")
    if whole != int(whole):
        raise wrong("seconds", "must not be finer than a microsecond")
    return timedelta(microseconds=int(whole))


def direction(text: str) -> str:
    """``in`` or ``out``."""
    if text not in ("in", "out"):
        raise wrong("direction", "is not one of in, out")
    return text


def byte_count(text: str) -> Decimal:
    """Bytes: not negative; parts of one are taken."""
    number = decimal(text)
    if number < 0:
        raise wrong("negative", "must not be negative")
    return number


def read_table(
    path: Path,
    columns: Sequence[str],
    optional: Sequence[str],
    make: Callable[[Row], Any],
    at_once: Callable[[Table], list[Any] | None] | None = None,
) -> list[Any]:
    """What ``make`` makes of each row. Raises BadInputError with every problem of the file.

    ``at_once`` makes the same of many rows, or None: one of them needs to be looked at by itself.
    """
    problems: list[Problem] = []
    found: list[Any] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                header = [name.strip() for name in next(reader, [])]
                problems += _header_problems(str(path), header, columns, optional)
                readable = {*columns} <= {*header} and len({*header}) == len(header)
                for table in _tables(reader, str(path), header) if readable else ():
                    made = at_once(table) if at_once else None
                    if made is not None:
                        found += made
                        continue
                    for row in _rows(table):
                        found.append(None if row.problems else make(row))
                        problems += row.problems
            except csv.Error as error:
                problems.append(Problem(str(path), reader.line_num, "", f"no valid CSV: {error}"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
        problems = [Problem(str(path), 0, "", f"cannot be read: {reason}")]
    if problems:
        raise BadInputError(problems)
    return found


def _tables(reader: Any, file: str, header: Sequence[str]) -> Iterator[Table]:
    """The rows by thousands. What comes before a row that is no CSV is still there; then raises csv.Error."""
    broken: csv.Error | None = None
    while broken is None:
        table = Table(file, header, [], [])
        try:
            for cells in islice(reader, ROWS_AT_ONCE):
                table.cells.append(cells)
                table.lines.append(reader.line_num)
        except csv.Error as error:
            broken = error
        if not table.cells:
            break
        yield table
    if broken is not None:
        raise broken


def _rows(table: Table) -> Iterator[Row]:
    for cells, line in zip(table.cells, table.lines, strict=True):
        if not any(cell.strip() for cell in cells):
            continue
        row = Row(table.file, line, dict(zip(table.header, cells, strict=False)))
        if len(cells) != len(table.header):
            text = f"{quoted(','.join(cells))} has {len(cells)} columns, the header has {len(table.header)}"
            row.problems.append(Problem(table.file, line, "", text))
        yield row


def _header_problems(
    file: str, header: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> Iterator[Problem]:
    known = [*columns, *optional]
    if not any(header):
        yield Problem(file, 1, "", f"the header is missing: {','.join(known)}")
        return
    for column in columns:
        if column not in header:
            yield Problem(file, 1, column, f"the column is missing from the header {quoted(','.join(header))}")
    for number, column in enumerate(header):
        if column not in known:
            near = get_close_matches(column, known, 1)
            hint = f", did you mean {near[0]!r}?" if near else f": known are {', '.join(known)}"
            yield Problem(file, 1, column[:MOST_SHOWN], f"unknown column {quoted(column)}{hint}")
        elif column in header[:number]:
            yield Problem(file, 1, column, f"the column {quoted(column)} is given twice")
