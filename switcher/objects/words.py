"""The closed sets of words of a tariff (api.md, Objects)."""

from __future__ import annotations

from enum import StrEnum


class PeriodUnit(StrEnum):
    """How long a billing period is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Per(StrEnum):
    """The time that a fixed price is for."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Each(StrEnum):
    """What a fixed price is due for."""

    NETWORK = "network"
    NODE = "node"
    ATTACHMENT = "attachment"


class Direction(StrEnum):
    """Which bytes count. ``max``: the larger of the two; ``maxOfPercentiles``: of each direction's percentile."""

    IN = "in"
    OUT = "out"
    SUM = "sum"
    MAX = "max"
    MAX_OF_PERCENTILES = "maxOfPercentiles"


class Mode(StrEnum):
    """How tiers are read."""

    GRADUATED = "graduated"
    ALL_UNITS = "allUnits"
    STEP_FEE = "stepFee"


class Unit(StrEnum):
    """Units of volume, in bytes."""

    MB = "MB"
    GB = "GB"
    TB = "TB"
    MIB = "MiB"
    GIB = "GiB"
    TIB = "TiB"

    @property
    def bytes(self) -> int:
        """How many bytes one unit is."""
        return UNIT_BYTES[self]


UNIT_BYTES = {
    Unit.MB: 10**6,
    Unit.GB: 10**9,
    Unit.TB: 10**12,
    Unit.MIB: 2**20,
    Unit.GIB: 2**30,
    Unit.TIB: 2**40,
}


class RateUnit(StrEnum):
    """Units of a percentile, in bits per second."""

    KBPS = "kbps"
    MBPS = "Mbps"
    GBPS = "Gbps"

    @property
    def bps(self) -> int:
        """How many bits per second one unit is."""
        return {"kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9}[self.value]


class Weekday(StrEnum):
    """Days of the week, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEK = tuple(Weekday)
