"""Small random questions for a bill: contracts of every kind, around changes of the clock, with untidy rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from switcher.tariff import Sample, Stay
from tests.oracle.bill import Question

GB = 10**9
LONG_AGO = "2024-01-01T00:00:00Z"
DAYS = ("2026-03-28", "2026-04-23", "2026-10-03", "2026-10-24", "2026-10-29", "2026-12-30", "2027-02-27", "2028-02-28")
"""Before changes of the clock in all zones below, and at ends of months and years."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo")
FULL_HOURS = ("UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Scale:
    """How long things are where a billing period is of one unit."""

    unit: str
    step: timedelta
    most_steps: int
    zones: Sequence[str]


SCALES = (
    Scale("hour", 15 * MINUTE, 14, FULL_HOURS),
    Scale("day", 15 * MINUTE, 300, ZONES),
    Scale("week", 30 * MINUTE, 700, ZONES),
    Scale("month", 60 * MINUTE, 900, FULL_HOURS),
    Scale("year", 360 * MINUTE, 400, ("UTC",)),
)
prices = st.integers(0, 400).map(lambda cents: f"{cents / 100:.2f}")
quantities = st.integers(0, 600).map(lambda tenths: f"{tenths / 10:.1f}")


def rfc(at: datetime) -> str:
    """A time as documents have it."""
    return at.isoformat().replace("+00:00", "Z")


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Everything that a bill is asked with; now and then it must be refused."""
    scale = draw(st.sampled_from(SCALES))
    first = datetime.fromisoformat(draw(st.sampled_from(DAYS))).replace(tzinfo=UTC)
    start = first + draw(st.integers(0, int(timedelta(days=2) / scale.step))) * scale.step
    end = start + draw(st.integers(1, scale.most_steps)) * scale.step
    classes = draw(st.sampled_from([(None,), (None,), ("x", "y")]))
    maker = Maker(draw, scale, start, end, classes)
    documents = maker.contract("k", "USD")
    settlement = None
    if draw(st.booleans()):
        currency = draw(st.sampled_from(["USD", "EUR"]))
        documents += maker.contract("other", currency)
        if currency == "EUR":
            documents += maker.rates()
            settlement = draw(st.sampled_from(["USD", "JPY", "EUR"]))
    return Question(
        documents=documents,
        rows=maker.rows(),
        period=(start, end),
        step=scale.step,
        stays=maker.stays() if draw(st.integers(0, 9)) else None,
        known_at=first + timedelta(days=draw(st.integers(-30, 3))) if draw(st.booleans()) else None,
        settlement=settlement,
    )


@dataclass(frozen=True)
class Maker:
    """Draws the parts of one question."""

    draw: st.DrawFn
    scale: Scale
    start: datetime
    end: datetime
    classes: Sequence[str | None]

    def contract(self, name: str, currency: str) -> list[dict[str, Any]]:
        """One to three price lists that replace each other."""
        unit: dict[str, Any] = {"unit": self.scale.unit}
        most = {"week": 7, "month": 31, "year": 366}.get(self.scale.unit)
        if most is not None and self.draw(st.booleans()):
            unit["anchor"] = self.draw(st.integers(1, most))
        common = {
            "contract": name,
            "currency": currency,
            "timezone": self.draw(st.sampled_from(self.scale.zones)),
            "billingPeriod": unit,
        }
        networks = self.draw(st.sampled_from([["p"], ["p", "q"]]))
        count = self.draw(st.sampled_from([1, 1, 2, 3]))
        seen: dict[tuple[str, str], dict[str, Any]] = {}
        for number in range(count):
            # Now and then a list drops a network that another one has, or takes one in.
            named = self.draw(st.sampled_from([networks, networks, networks, ["p"], ["q"], ["p", "q"]]))
            spec = {
                **common,
                "physicalNetworks": named,
                **self.validity(number),
                "charges": self.charges(count == 1),
                **self.bounds(3000),
            }
            seen[spec["validFrom"], spec.get("recordedAt", "")] = spec
        return [
            {"kind": "Tariff", "metadata": {"name": f"{name}-{number}"}, "spec": spec}
            for number, spec in enumerate(seen.values())
        ]

    def validity(self, number: int) -> dict[str, str]:
        """When a list is valid, and since when it is known."""
        inside = (self.end - self.start) // self.scale.step
        found = {"validFrom": LONG_AGO}
        if number:
            found["validFrom"] = rfc(self.start + self.draw(st.integers(-3, inside)) * self.scale.step)
            if self.draw(st.booleans()):
                found["recordedAt"] = rfc(self.start - timedelta(days=self.draw(st.integers(-2, 20))))
        if number or not self.draw(st.integers(0, 9)):
            later = datetime.fromisoformat(found["validFrom"]) if number else self.start
            if self.draw(st.booleans()):
                found["validTo"] = rfc(later + self.draw(st.integers(1, inside + 1)) * self.scale.step)
        return found

    def bounds(self, most: int) -> dict[str, str]:
        """A minimum, a maximum, both or (mostly) none."""
        least = self.draw(st.integers(0, most))
        both = {"minimum": str(least), "maximum": str(least + self.draw(st.integers(0, most)))}
        names = self.draw(st.sampled_from([(), (), (), ("minimum",), ("maximum",), ("minimum", "maximum")]))
        return {name: both[name] for name in names}

    def charges(self, alone: bool) -> list[dict[str, Any]]:
        """One to three charges, on every class that rows have; quantities bounded only where a list is alone."""
        found: list[dict[str, Any]] = []
        kinds = [self.fixed, lambda _: self.volume(alone, _), self.percentile, self.quota]
        for number in range(self.draw(st.integers(1, 3))):
            charge = self.draw(st.sampled_from(kinds))(self.draw(st.sampled_from(self.classes)))
            found.append({"name": f"c{number}", **charge})
        if self.classes != (None,):
            free = {"direction": "in", "unit": "TB", "tiers": [{"price": "0"}]}
            found += [{"name": name, "volume": {**free, "destination": name}} for name in self.classes if name]
        return found

    def schedule(self) -> dict[str, Any]:
        """Windows on edges of steps, or (often) none."""
        if self.draw(st.booleans()):
            return {}
        a_day = timedelta(days=1) // self.scale.step
        entries = []
        for _ in range(self.draw(st.integers(1, 2))):
            begin, finish = (self.draw(st.integers(0, a_day - 1)) for _ in range(2))
            entry: dict[str, Any] = {"from": self.clock(begin), "to": self.clock(finish if finish != begin else a_day)}
            if self.draw(st.booleans()):
                entry["days"] = self.draw(st.sampled_from([["sat"], ["sun"], ["fri", "thu"], ["mon", "tue", "wed"]]))
            entries.append({**entry, self.draw(st.sampled_from(["multiply", "price"])): self.draw(prices)})
        return {"schedule": entries}

    def clock(self, steps: int) -> str:
        """A time of day."""
        minutes = steps * self.scale.step // MINUTE
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def fixed(self, _: str | None) -> dict[str, Any]:
        """A sum for time."""
        per = self.draw(st.sampled_from(["hour", "day", "month"]))
        numbers = sorted(self.draw(st.sets(st.integers(2, 4), max_size=2)))
        charge = {
            "price": self.draw(prices),
            "per": per,
            "each": self.draw(st.sampled_from(["network", "node", "attachment"])),
            "nth": [{"from": number, "multiply": self.draw(prices)} for number in numbers],
        }
        return {"fixed": {**charge, **(self.schedule() if per == "hour" else {})}}

    def tiers(self) -> list[dict[str, str]]:
        """One to four tiers, rising and falling."""
        tops = sorted(self.draw(st.sets(st.integers(1, 600), max_size=3)))
        return [*({"upTo": str(top), "price": self.draw(prices)} for top in tops), {"price": self.draw(prices)}]

    def volume(self, bounded: bool, destination: str | None) -> dict[str, Any]:
        """A price for what flows, of each mode."""
        mode = self.draw(st.sampled_from(["graduated", "graduated", "allUnits", "stepFee"]))
        charge = {
            "direction": self.draw(st.sampled_from(["in", "out", "sum", "max"])),
            "unit": self.draw(st.sampled_from(["GB", "GiB"])),
            "mode": mode,
            "tiers": self.tiers(),
            **self.of_class(destination),
            **(self.schedule() if mode == "graduated" else {}),
            **(self.bounds(400) if bounded else {}),
        }
        return {"volume": charge}

    def percentile(self, destination: str | None) -> dict[str, Any]:
        """A price for the level."""
        minutes = self.draw(st.integers(1, 3)) * self.scale.step // MINUTE
        charge: dict[str, Any] = {
            "q": self.draw(st.sampled_from(["50", "75", "95", "99.5", "100"])),
            "sample": f"{minutes}m",
            "direction": self.draw(st.sampled_from(["in", "out", "sum", "max", "maxOfPercentiles"])),
            "missing": self.draw(st.sampled_from(["zero", "skip"])),
            "unit": "Mbps",
            "commit": self.draw(quantities),
            **self.of_class(destination),
        }
        if self.draw(st.booleans()):
            charge["overage"] = self.draw(prices)
        if self.draw(st.booleans()):
            return {"percentile": {**charge, "price": self.draw(prices)}}
        mode = self.draw(st.sampled_from(["graduated", "allUnits", "stepFee"]))
        return {"percentile": {**charge, "mode": mode, "tiers": self.tiers()}}

    def quota(self, destination: str | None) -> dict[str, Any]:
        """A price that includes a quantity."""
        ways = ({"block": "30.5", "price": "7"}, {"overage": self.draw(prices)}, {"throttle": "1Mbps"}, {"stop": True})
        beyond = self.draw(st.sampled_from(ways))
        charge = {
            "included": self.draw(quantities),
            "unit": "GB",
            "direction": self.draw(st.sampled_from(["in", "out", "sum", "max"])),
            "price": self.draw(prices),
            "beyond": beyond,
            **self.of_class(destination),
            **(self.schedule() if "overage" in beyond else {}),
        }
        return {"quota": charge}

    def of_class(self, destination: str | None) -> dict[str, str]:
        """The field, where there is a class."""
        return {} if destination is None else {"destination": destination}

    def rates(self) -> list[dict[str, Any]]:
        """Rates out of and into all currencies, of which some come too late."""
        found = []
        for source, target in (("EUR", "USD"), ("EUR", "JPY"), ("USD", "JPY"), ("USD", "EUR")):
            for days in self.draw(st.sets(st.integers(-40, 1), min_size=1, max_size=2)):
                date = (self.start + timedelta(days=days)).date().isoformat()
                rate = f"{self.draw(st.integers(1, 300)) / 100:.2f}"
                found.append(
                    {"kind": "ExchangeRate", "spec": {"from": source, "to": target, "rate": rate, "date": date}}
                )
        return found

    def rows(self) -> list[Sample]:
        """Rows that begin and end anywhere, one after another for each network, node and direction."""
        found: list[Sample] = []
        length = max((self.end - self.start) // MINUTE, 60)
        nodes = ("n1", "n2") if self.draw(st.integers(0, 9)) else (None,)
        keys = [(net, node, way) for net in ("p", "q") for node in nodes for way in ("in", "out")]
        for network, node, direction in self.draw(st.lists(st.sampled_from(keys), unique=True, max_size=4)):
            at = self.start + self.draw(st.integers(-length // 4, length)) * MINUTE
            for _ in range(self.draw(st.integers(1, 3))):
                until = at + self.draw(st.integers(1, length)) * MINUTE
                found.append(
                    Sample(
                        start=at,
                        end=until,
                        network=network,
                        direction=direction,
                        bytes=Decimal(self.draw(st.sampled_from([0, 1, GB, 7 * GB, 100 * GB])))
                        * self.draw(st.integers(1, 5)),
                        destination=self.draw(st.sampled_from(self.classes)),
                        node=node,
                    )
                )
                at = until + self.draw(st.integers(0, length)) * MINUTE
        return found

    def stays(self) -> list[Stay]:
        """Attachments that come and go."""
        found = []
        length = max((self.end - self.start) // MINUTE, 60)
        for name in self.draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3)):
            at = self.start + self.draw(st.integers(-length // 4, length)) * MINUTE
            until = at + self.draw(st.integers(1, length)) * MINUTE
            network = self.draw(st.sampled_from(["p", "q"]))
            found.append(Stay(attachment=name, network=network, start=at, end=until))
        return found
