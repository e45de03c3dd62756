"""What is counted already of time whose samples are deleted, to the microsecond.

A slot that samples fill says so itself. Of a slot that they fill only in part, the parts are kept as rows of their own,
as long as any sums are. They are noted when the slot is rolled up, and when a late sample is added to it. So whatever
retention deletes: time that is counted lies in a slot that is full and still there, or in a part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Table, bindparam, delete, literal, select, union_all

from switcher.adapters.store.bulk import insert_rows
from switcher.adapters.store.intervals import Interval, merged
from switcher.adapters.store.slots import Level

AT_ONCE = 500
"""Series in one look-up: far below SQLite's limit for parameters."""


def counted(connection: Connection, levels: Sequence[Level], number: int, period: Interval) -> list[Interval]:
    """What of the period is in the sums of a series, as far as they are kept; in no order, and some of it twice."""
    parts = levels[0].parts
    owner, until = parts.primary_key.columns
    queries = [select(parts.c.start, until).where(owner == number, until > period[0], parts.c.start < period[1])]
    for level in levels:
        owner, slot = level.table.primary_key.columns
        inside = owner == number, slot > period[0] - level.step, slot < period[1]
        full = level.table.c.covered >= level.step
        queries.append(select(slot, (slot + literal(level.step)).label("until")).where(*inside, full))
    return [(start, end) for start, end in connection.execute(union_all(*queries))]


def note(connection: Connection, parts: Table, counted: Iterable[tuple[int, Interval]]) -> None:
    """Remember what is counted of series; intervals that touch become one row. Harmless when done twice."""
    new: defaultdict[int, list[Interval]] = defaultdict(list)
    for number, interval in counted:
        new[number].append(interval)
    numbers = sorted(new)
    for first in range(0, len(numbers), AT_ONCE):
        _note(connection, parts, {number: new[number] for number in numbers[first : first + AT_ONCE]})


def _note(connection: Connection, parts: Table, new: Mapping[int, Sequence[Interval]]) -> None:
    there, gone, fresh = _touching(connection, parts, new), [], []
    for number, intervals in new.items():
        known, all_ = there[number], set(merged([*there[number], *intervals]))
        gone += [{"its_owner": number, "its_until": until} for _, until in sorted(known - all_)]
        fresh += [(number, until, start) for start, until in sorted(all_ - known)]
    if gone:
        owner, until = parts.primary_key.columns
        its_row = owner == bindparam("its_owner"), until == bindparam("its_until")
        connection.execute(delete(parts).where(*its_row), gone)
    insert_rows(connection, parts, fresh)


def _touching(
    connection: Connection, parts: Table, new: Mapping[int, Sequence[Interval]]
) -> Mapping[int, set[Interval]]:
    """By series, the rows that lie in or beside the time of what is new."""
    first = min(interval[0] for intervals in new.values() for interval in intervals)
    last = max(interval[1] for intervals in new.values() for interval in intervals)
    owner, until = parts.primary_key.columns
    query = select(owner, parts.c.start, until).where(owner.in_(list(new)), until >= first, parts.c.start <= last)
    found: defaultdict[int, set[Interval]] = defaultdict(set)
    for number, start, end in connection.execute(query):
        found[number].add((start, end))
    return found
