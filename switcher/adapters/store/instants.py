"""Times as the tables have them: whole microseconds since 1970 UTC, exact and the same on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PER_SECOND = 1_000_000
MINUTE = 60 * PER_SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def micros(moment: datetime) -> int:
    """An aware time as stored; exact."""
    return (moment - EPOCH) // MICROSECOND


def micros_of(seconds: float) -> int:
    """A time or duration of the wire as stored; exact to half a microsecond, which is finer than the float."""
    return round(seconds * PER_SECOND)


def moment_of(stored: int) -> datetime:
    """What :func:`micros` stored."""
    return EPOCH + stored * MICROSECOND
