"""A CSV file of samples: many rows at once where nothing is wrong with them, else one by one with what is (api.md)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from pathlib import Path

from pydantic_core import PydanticCustomError

from switcher.objects.rows import EPOCH, KEPT, Row, Table, byte_count, direction, instant, read_table, seconds
from switcher.objects.values import wrong
from switcher.tariff.samples import Sample

COLUMNS = ("start", "seconds", "network", "direction", "bytes")
OPTIONAL = ("destination", "node")
SURE_DIGITS = 15
"""A whole number of so many digits is not absurd."""


def read_samples(path: Path) -> list[Sample]:
    """The samples of a CSV file. Raises BadInputError with every problem."""
    return read_table(path, COLUMNS, OPTIONAL, one_sample, _many_samples)


def one_sample(row: Row) -> Sample:
    """The sample of a row; what is wrong with it is kept in the row."""
    start = row.take("start", instant, EPOCH)
    length = row.take("seconds", seconds, timedelta(0))
    return Sample(
        start=start,
        end=_end(start, length),
        network=row.take("network", sys.intern, ""),
        direction=row.take("direction", direction, ""),
        bytes=row.take("bytes", byte_count, Decimal(0)),
        destination=row.optional("destination"),
        node=row.optional("node"),
        file=row.file,
        line=row.line,
    )


def _many_samples(table: Table) -> list[Sample] | None:
    """The same of many rows, column by column; None where a cell has a problem, or blanks around a value."""
    columns = table.columns()
    if columns is None:
        return None
    nothing: Iterable[None] = repeat(None)
    try:
        starts = [*map(instant, columns["start"])]
        cells = zip(
            starts,
            map(_end, starts, map(seconds, columns["seconds"])),
            map(_name, columns["network"]),
            map(direction, columns["direction"]),
            _byte_counts(columns["bytes"]),
            map(_optional, columns["destination"]) if "destination" in columns else nothing,
            map(_optional, columns["node"]) if "node" in columns else nothing,
            table.lines,
            strict=False,  # what is not there is repeated without end
        )
        return [
            Sample(
                start=start,
                end=end,
                network=network,
                direction=way,
                bytes=count,
                destination=destination,
                node=node,
                file=table.file,
                line=line,
            )
            for start, end, network, way, count, destination, node, line in cells
        ]
    except PydanticCustomError:
        return None


def _byte_counts(cells: Sequence[str]) -> Iterable[Decimal]:
    """What ``byte_count`` makes of each: of plain whole numbers without looking at one after the other."""
    text = "".join(cells)
    plain = text.isascii() and text.isdigit() and all(cells) and max(map(len, cells)) <= SURE_DIGITS
    return map(Decimal if plain else byte_count, cells)


@lru_cache(KEPT)
def _end(start: datetime, length: timedelta) -> datetime:
    return start + length


@lru_cache(KEPT)
def _name(cell: str) -> str:
    if not (name := cell.strip()):
        raise wrong("missing", "must not be empty")
    return sys.intern(name)


@lru_cache(KEPT)
def _optional(cell: str) -> str | None:
    return sys.intern(cell.strip()) or None
