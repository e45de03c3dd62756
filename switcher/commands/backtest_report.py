"""The comparison in words: a table, or one JSON document. Cost is never shown without the overload beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from switcher.backtest.compare import Comparison, Row
from switcher.backtest.past import Past
from switcher.commands.tables import show, written_time

COLUMNS = (
    "case", "policy", "bill", "moves cost", "total", "R", "overload %", "overload min", "moves", "moves/workload/week",
    "returns %",
)  # fmt: skip
MOST_GAPS = 10
"""Named one by one in the table's notes; JSON has all."""
BOUND = "bound"
LEAST_EXCESS = 0.1
"""Per cent: less is clocks that differ by a little."""


def as_document(past: Past, found: Sequence[Comparison]) -> str:
    """JSON; money as decimal strings."""
    document = {
        "currency": found[0].case.paid.currency,
        "period": {"start": written_time(past.span.start), "end": written_time(past.span.end)},
        "slot_seconds": past.span.slot.total_seconds(),
        "attachments": len(past.ids),
        "cases": [_case(one) for one in found],
        "gaps": [
            {"what": gap.what, "start": written_time(gap.start), "end": written_time(gap.end)} for gap in past.gaps
        ],
        "notes": list(_notes(past)),
    }
    return json.dumps(document, indent=2)


def _case(one: Comparison) -> dict[str, Any]:
    bound = one.bound
    return {
        "name": one.case.name,
        "foreign_bill": f"{one.foreign:f}",
        "rows": [_row(row) for row in one.rows],
        "bound": {
            "added": plain(Decimal(str(bound.money))),
            "exact_prices": bound.exact,
            "no_room_percent": bound.no_room_percent,
        },
        "notes": list(one.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    told = row.account
    return {
        "policy": row.policy,
        "bill": f"{row.bill:f}",
        "added": f"{told.bill:f}",
        "move_money": plain(told.move_money),
        "penalties": plain(told.penalties),
        "total": plain(row.total),
        "r": row.ratio,
        "overloaded_percent": told.overloaded_percent,
        "overloaded_minutes": told.overloaded_minutes,
        "moves": told.moves,
        "moves_per_workload_week": told.moves_per_workload_week,
        "returns_percent": told.returns_percent,
        "decision_p50_ms": told.p50_ms,
        "decision_p99_ms": told.p99_ms,
    }


def print_report(past: Past, found: Sequence[Comparison]) -> None:
    """The table on stdout; gaps and notes on stderr."""
    rows = [line for one in found for line in _lines(one)]
    columns = COLUMNS if len(found) > 1 else COLUMNS[1:]
    show(rows, columns, as_json=False, nothing="")
    for gap in past.gaps[:MOST_GAPS]:
        print(f"no samples of {gap.what} from {written_time(gap.start)} to {written_time(gap.end)}", file=sys.stderr)
    if len(past.gaps) > MOST_GAPS:
        print(f"and {len(past.gaps) - MOST_GAPS} gaps more: --json has all", file=sys.stderr)
    for note in dict.fromkeys([*_notes(past), *(note for one in found for note in _bound_notes(one))]):
        print(note, file=sys.stderr)


def _lines(one: Comparison) -> Iterator[Mapping[str, object]]:
    currency, case = one.case.paid.currency, one.case.name or "as it is"
    for row in one.rows:
        told = row.account
        yield {
            "case": case,
            "policy": row.policy,
            "bill": f"{row.bill:f} {currency}",
            "moves cost": cents(told.move_money),
            "total": cents(row.total),
            "R": None if row.ratio is None else f"{row.ratio:.3f}",
            "overload %": f"{told.overloaded_percent:.2f}",
            "overload min": f"{told.overloaded_minutes:.0f}",
            "moves": told.moves,
            "moves/workload/week": f"{told.moves_per_workload_week:.2f}",
            "returns %": f"{told.returns_percent:.1f}",
        }
    due = one.foreign + Decimal(str(one.bound.money))
    shown, ratio = f"{cents(due)} {currency}", "1.000" if one.bound.money > 0 else None
    yield {"case": case, "policy": BOUND, "bill": shown, "total": cents(due), "R": ratio}


def _notes(past: Past) -> Iterator[str]:
    yield from past.record.notes
    if past.excess_percent >= LEAST_EXCESS:
        yield (
            f"{past.excess_percent:.1f} % of what attachments carried was not counted on their uplinks at that time:"
            " the background is taken as none there"
        )
    unknown = int((~past.known_facts).sum())
    if unknown:
        whose = f"the labels of {unknown} of {len(past.ids)} attachments"
        yield f"{whose} are not known: selectors see their namespace only"


def _bound_notes(one: Comparison) -> Iterator[str]:
    yield from one.notes
    if not one.bound.exact:
        yield "the bound counts some tiers, quotas or percentiles at less than they may add: R may be too high"
    if one.bound.no_room_percent > 0:
        yield f"{one.bound.no_room_percent:.2f} % of the traffic finds no room under shed whatever is done"


def plain(amount: Decimal) -> str:
    """Without trailing zeros."""
    return f"{amount.normalize():f}" if amount else "0"


def cents(amount: Decimal) -> str:
    """To the cent."""
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"
