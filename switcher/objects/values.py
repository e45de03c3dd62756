"""Words of the objects as typed values: money, quantities, durations, rates, times.

Every parser takes the text that a user wrote and raises ``PydanticCustomError`` whose text says what is wanted; the
loader adds where it stands and what was written. A value that already has the right type is taken as it is.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Strict, StringConstraints
from pydantic_core import PydanticCustomError

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
DURATION = re.compile(r"([0-9]+(ms|s|m|h|d))+")
DURATION_PART = re.compile(r"([0-9]+)(ms|s|m|h|d)")
RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(bps|kbps|Mbps|Gbps|Tbps)")
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
WALL_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
NETWORK = re.compile(r"(cni:)?[^\s:/]+|(nad|logical):[^\s:/]+/[^\s:/]+")
NO_ZONE = re.compile(r"(posix|right)/|(localtime|posixrules|Factory)$")
"""Files beside the zones that are none: a machine's own setting, which differs, and copies, some with leap seconds."""
MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
BITS_PER_SECOND = {"bps": 1, "kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9, "Tbps": 10**12}
MOST = Decimal(10) ** 15
LONGEST = timedelta(days=3660)
YEARS = range(1970, 2201)


def wrong(kind: str, text: str) -> PydanticCustomError:
    """An error with constant text; ``kind`` is a word for programs."""
    return PydanticCustomError(kind, "{reason}", {"reason": text})


def decimal(value: Any) -> Decimal:
    """A finite decimal number from a string such as ``0.085``; bare numbers are refused, they lose digits."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise wrong("number", "must be a finite number")
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise wrong("bare_number", "is a bare number: money and quantities are strings, so that no digit is lost")
    if not isinstance(value, str) or not NUMBER.fullmatch(value.strip()):
        raise wrong("number", "must be a decimal number like 0.085: digits and at most one point")
    number = Decimal(value.strip())
    if abs(number) > MOST or len(value) > 40:
        raise wrong("absurd", "is absurdly large or long: at most 10^15 and 40 digits")
    return number


def _at_least_zero(value: Decimal) -> Decimal:
    if value < 0:
        raise wrong("negative", "must not be negative")
    return value


def _above_zero(value: Decimal) -> Decimal:
    if value <= 0:
        raise wrong("not_positive", "must be above zero")
    return value


def _fraction(value: Decimal) -> Decimal:
    if not 0 < value <= 1:
        raise wrong("fraction", 'must be a fraction above "0" and at most "1"')
    return value


def _percent(value: Decimal) -> Decimal:
    if not 0 < value <= 100:
        raise wrong("percent", 'must be a percentage above "0" and at most "100", without the sign')
    return value


def duration(value: Any) -> timedelta:
    """``90s``, ``5m``, ``1h``, ``2d``, ``80ms`` or several joined (``1h30m``)."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not DURATION.fullmatch(value):
        raise wrong("duration", "must be a duration like 90s, 5m, 1h or 2d")
    milliseconds = sum(int(count) * MILLISECONDS[unit] for count, unit in DURATION_PART.findall(value))
    if milliseconds > LONGEST / timedelta(milliseconds=1):
        raise wrong("absurd", "is absurdly long: at most 3660d")
    return timedelta(milliseconds=milliseconds)


def _longer_than_zero(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise wrong("not_positive", "must be longer than zero")
    return value


def rate(value: Any) -> float:
    """Bits per second from ``100Mbps`` and the like."""
    if isinstance(value, float):
        return value
    match = RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong("rate", "must be a rate with its unit: bps, kbps, Mbps, Gbps or Tbps, like 100Mbps")
    bits = float(Decimal(match[1]) * BITS_PER_SECOND[match[2]])
    if not 0 < bits <= 1e15:
        raise wrong("absurd", "must be above zero and at most 1000Tbps")
    return bits


def moment(value: Any) -> datetime:
    """An aware UTC datetime from RFC 3339; the zone is required."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if not isinstance(value, str) or not TIME.fullmatch(value.strip()):
        raise wrong("time", "must be a time with its zone (RFC 3339), like 2026-12-01T00:00:00+01:00")
    try:
        return datetime.fromisoformat(value.strip().upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise wrong("time", f"is no such time: {error}") from error


def moment_of_samples(value: Any) -> datetime:
    """A moment of a year that samples and decisions can be of."""
    at = moment(value)
    if at.year not in YEARS:
        raise wrong("absurd", f"must be from the year {YEARS[0]} to {YEARS[-1]}")
    return at


def day(value: Any) -> date:
    """A date from ``2026-12-01``."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise wrong("date", "must be a date like 2026-12-01")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise wrong("date", f"is no such date: {error}") from error


def wall_minutes(value: Any) -> int:
    """Minutes since midnight from ``22:00``; ``24:00`` is the day's end."""
    if isinstance(value, str) and WALL_TIME.fullmatch(value):
        hours, minutes = value.split(":")
        return int(hours) * 60 + int(minutes)
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong("wall_time", 'must be a time of day in quotes, like "22:00" (YAML reads a bare 22:00 as a number)')
    raise wrong("wall_time", 'must be a time of day in quotes from "00:00" to "24:00"')


def zone(value: str) -> str:
    """The name of an IANA time zone that is known here."""
    try:
        if NO_ZONE.match(value):
            raise LookupError(value)
        ZoneInfo(value)
    except (OSError, ValueError, LookupError) as error:
        raise wrong("timezone", "is no known time zone: write an IANA name like Europe/Berlin or UTC") from error
    return value


def currency(value: str) -> str:
    """A currency's code, as ISO 4217 has it."""
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise wrong("currency", "is no currency code: three capital letters (ISO 4217), like USD or EUR")
    return value


def _share(value: Any) -> str:
    """A count (``3``) or a percentage (``10%``), kept as text."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if (
        isinstance(text, str)
        and (match := re.fullmatch(r"(\d{1,9})(%?)", text))
        and (not match[2] or int(match[1]) <= 100)
    ):
        return text
    raise wrong("share", 'must be a count like "3" or a percentage like "10%"')


def _target(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise wrong("target", f"is no target: {error}") from error
    plain = bool(parts.hostname) and not (parts.path or parts.query or parts.fragment or parts.username)
    if plain and (parts.scheme, bool(port)) in {("tcp", True), ("ping", False)}:
        return value
    raise wrong("target", "must be tcp://host:port or ping://host")


def _network(value: str) -> str:
    if not NETWORK.fullmatch(value):
        raise wrong("network", "must be cni:name, nad:namespace/name, logical:namespace/name or a bare name")
    return value


Text = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=2000)]
Name = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=253, pattern=r"^[^\s]+$")]
NetworkName = Annotated[str, Strict(), AfterValidator(_network)]
Count = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Money = Annotated[Decimal, BeforeValidator(decimal), AfterValidator(_at_least_zero)]
Quantity = Money
PositiveQuantity = Annotated[Decimal, BeforeValidator(decimal), AfterValidator(_above_zero)]
Fraction = Annotated[Decimal, BeforeValidator(decimal), AfterValidator(_fraction)]
Percent = Annotated[Decimal, BeforeValidator(decimal), AfterValidator(_percent)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
PositiveDuration = Annotated[timedelta, BeforeValidator(duration), AfterValidator(_longer_than_zero)]
Rate = Annotated[float, BeforeValidator(rate)]
Time = Annotated[datetime, BeforeValidator(moment)]
Instant = Annotated[datetime, BeforeValidator(moment_of_samples)]
Day = Annotated[date, BeforeValidator(day)]
WallTime = Annotated[int, BeforeValidator(wall_minutes)]
Zone = Annotated[str, Strict(), AfterValidator(zone)]
Currency = Annotated[str, Strict(), AfterValidator(currency)]
Share = Annotated[str, BeforeValidator(_share)]
Target = Annotated[str, Strict(), AfterValidator(_target)]
