"""How commands answer: a table on a terminal, tab-separated lines when piped, JSON when asked."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table

Row = Mapping[str, object]
BOX = 3
"""Columns of a terminal that a cell takes beyond its text."""


def show(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, nothing: str) -> None:
    """Print ``rows``; JSON has every key of them, a table only ``columns``. ``nothing``: said when there is none."""
    if as_json:
        print(json.dumps(list(rows), default=as_text, indent=2))
    elif not rows:
        print(nothing, file=sys.stderr)
    elif sys.stdout.isatty():
        write_table(columns, [[_text(row.get(column)) for column in columns] for row in rows])
    else:
        print("\t".join(columns))
        for row in rows:
            print("\t".join(_text(row.get(column)) for column in columns))


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """For a terminal: in boxes where it is wide enough, else one line for each row, of which nothing is cut off.

    A box that is too narrow would cut amounts short, and a price without its last digits is another price.
    """
    console, lines = Console(markup=False), [columns, *rows]
    widths = [max(cell_len(cell) for cell in cells) for cells in zip(*lines, strict=True)]
    if sum(widths) + BOX * len(widths) + 1 <= console.width:
        table = Table(*columns)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    for line in lines:
        cells = (set_cell_size(cell, width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case float():
            return _figures(value)
        case _:
            return str(value)


def _figures(value: float) -> str:
    """Three figures, never an exponent; whole numbers whole."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(2 - math.floor(math.log10(abs(value))), 0)}f}" if value % 1 else f"{value:.0f}"


def as_text(value: object) -> str:
    """For JSON: what it has no type for."""
    return written_time(value) if isinstance(value, datetime) else str(value)


def written_time(at: datetime) -> str:
    """A time as JSON has it: RFC 3339 in UTC, with a Z. It must know its zone."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
