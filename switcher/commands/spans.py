"""``--period`` and ``--slot``: the time that is played again."""

from __future__ import annotations

from datetime import timedelta

from switcher.backtest.record import Span
from switcher.errors import BadInputError, Problem
from switcher.objects.rows import read_period
from switcher.objects.values import duration

SHORTEST = timedelta(seconds=1)


def read_span(period: str, slot: str) -> Span:
    """The period in slots. Raises BadInputError with the problems of both."""
    problems: list[Problem] = []
    start = end = length = None
    try:
        start, end = read_period(period)
    except BadInputError as error:
        problems.extend(error.problems)
    try:
        length = duration(slot)
    except ValueError as error:
        problems.append(Problem("--slot", 0, "", f"{slot!r} {error}"))
    if length is not None and length < SHORTEST:
        problems.append(Problem("--slot", 0, "", f"{slot!r} must be at least {SHORTEST.seconds}s"))
    elif start and end and length and (end - start) % length:
        problems.append(Problem("--period", 0, "", f"{period!r} is no whole number of slots of {slot}"))
    if problems or start is None or end is None or length is None:
        raise BadInputError(problems)
    return Span(start=start, end=end, slot=length)
