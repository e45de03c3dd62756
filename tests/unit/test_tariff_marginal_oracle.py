"""The marginal price is the difference of two bills, as the second computation has them, unrounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switcher.model import Usage
from switcher.objects.load import book_from_documents
from switcher.tariff import Flow, Quote, Sample, Stay, quote
from tests.oracle import bill as oracle
from tests.oracle import clock
from tests.oracle.bill import Question
from tests.oracle.questions import DAYS, SCALES, Maker

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)
PAST, BASE, EXTRA, BEFORE, BESIDE = "past", "base", "extra", "before", "beside"
NETWORK = {PAST: "p", BASE: "p", EXTRA: "p", BEFORE: "q", BESIDE: "q"}
DIRECTIONS = {"in": "in", "out": "out", "sum": "sum", "max": "sum"}
SHORT = [scale for scale in SCALES if scale.unit != "year"]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A load on top of others: what has flowed in the period, what goes on flowing, what is added in the window.

    What was before and is beside it on another network of the contract counts where they are a pool.
    """

    documents: list[dict[str, Any]]
    window: tuple[datetime, datetime]
    step: timedelta
    flows: dict[str, Flow]

    @property
    def spec(self) -> dict[str, Any]:
        return dict(self.documents[0]["spec"])

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The billing periods that the window touches, whole."""
        unit, zone = self.spec["billingPeriod"], self.spec["timezone"]
        last = self.window[1] - timedelta(seconds=1)
        return clock.period(unit, zone, self.window[0])[0], clock.period(unit, zone, last)[1]

    def said(self) -> Decimal:
        """The marginal price."""
        passed = Decimal(int((self.window[0] - self.span[0]).total_seconds()))
        past = self.flows[PAST].beside(self.flows[BEFORE]) if self.pooled else self.flows[PAST]
        used = Usage(in_bytes=Decimal(past.in_bps) / 8 * passed, out_bytes=Decimal(past.out_bps) / 8 * passed)
        usage = {self.spec["contract"]: used}
        asked = quote(book_from_documents(self.documents, "test"), "p", *self.window)
        assert isinstance(asked, Quote)
        found = asked.marginal(usage, self.flows[BASE], self.flows[EXTRA], beside=self._beside)
        assert isinstance(found, Decimal), found
        return found

    @property
    def pooled(self) -> bool:
        return "q" in self.spec["physicalNetworks"]

    def _beside(self, networks: frozenset[str]) -> Flow:
        assert "p" in networks
        return self.flows[BESIDE] if "q" in networks else Flow()

    def difference(self) -> Fraction:
        """The bill with the extra load less the one without."""
        others = (PAST, BASE, BEFORE, BESIDE) if self.pooled else (PAST, BASE)
        return self._bill((*others, EXTRA)) - self._bill(others)

    def _bill(self, names: tuple[str, ...]) -> Fraction:
        before, after = (self.span[0], self.window[0]), (self.window[0], self.span[1])
        spans = {PAST: before, BASE: after, EXTRA: self.window, BEFORE: before, BESIDE: after}
        rows = [row for name in names for row in _rows(name, self.flows[name], *spans[name])]
        stays = [
            Stay(attachment=f"{name}-{number}", network=NETWORK[name], start=start, end=end)
            for name, (start, end) in ((BASE, self.span), (EXTRA, self.window), (BESIDE, self.span))
            for number in range(self.flows[name].attachments if name in names else 0)
        ]
        asked = Question(documents=self.documents, rows=rows, period=self.span, step=self.step, stays=stays)
        return sum((due.exact for due in oracle.bill(asked)), Fraction(0))


def _rows(name: str, flow: Flow, start: datetime, end: datetime) -> list[Sample]:
    length = Decimal(int((end - start).total_seconds()))
    return [
        Sample(start=start, end=end, network=NETWORK[name], direction=way, bytes=Decimal(bps) / 8 * length, node=name)
        for way, bps in (("in", flow.in_bps), ("out", flow.out_bps))
        if length
    ]


@st.composite
def placements(draw: st.DrawFn, bounded: bool) -> Placement:
    """One contract; ``bounded``: with a minimum or maximum.

    Where the past must be priced again (bounds, the larger direction) it is taken at the list's plain prices: so those
    cases have one list without schedules.
    """
    scale = draw(st.sampled_from(SHORT))
    first = datetime.fromisoformat(draw(st.sampled_from(DAYS))).replace(tzinfo=UTC)
    start = first + draw(st.integers(0, 90)) * scale.step
    end = start + draw(st.integers(1, min(scale.most_steps, 60))) * scale.step
    maker = Maker(draw, scale, start, end, (None,))
    made = {document["spec"]["validFrom"]: document for document in maker.contract("k", "USD")}
    networks = draw(st.sampled_from([["p"], ["p", "q"]]))
    lists = list(made.values())[: 1 if bounded else 3]  # without recordedAt two of one moment would be refused
    shared = {"name": "quota", **going_on(draw, maker)} if draw(st.booleans()) else None
    for number, document in enumerate(lists):
        kept = ("contract", "currency", "timezone", "billingPeriod", "validFrom")
        spec = {key: document["spec"][key] for key in kept}
        charges = [movable(draw, maker, alone=len(lists) == 1) for _ in range(draw(st.integers(1, 2)))]
        named = [{"name": f"c{position}", **each} for position, each in enumerate(charges)]
        spec |= {"physicalNetworks": networks, "charges": [*named, *([shared] if shared else [])]}
        spec |= maker.bounds(3000) if bounded else {}
        lists[number] = {**document, "spec": plain(spec) if bounded or turns(spec) else spec}
    unit = int(scale.step.total_seconds()) * draw(st.sampled_from([1, 20])) * 8
    flow = st.integers(0, 400).map(lambda many: float(many * 10**9 // unit * 8))
    return Placement(
        documents=lists,
        window=(start, end),
        step=scale.step,
        flows={
            PAST: Flow(in_bps=draw(flow), out_bps=draw(flow)),
            BASE: Flow(attachments=draw(st.integers(0, 3)), in_bps=draw(flow), out_bps=draw(flow)),
            EXTRA: Flow(attachments=1, in_bps=draw(flow), out_bps=draw(flow)),
            BEFORE: Flow(in_bps=draw(flow), out_bps=draw(flow)),
            BESIDE: Flow(attachments=draw(st.integers(0, 3)), in_bps=draw(flow), out_bps=draw(flow)),
        },
    )


def movable(draw: st.DrawFn, maker: Maker, alone: bool) -> dict[str, Any]:
    """A sum for time or a price for what flows; the larger direction only where the list is alone."""
    if draw(st.booleans()):
        fixed = maker.fixed(None)["fixed"]
        return {"fixed": {**fixed, "each": draw(st.sampled_from(["network", "attachment"]))}}
    volume = maker.volume(alone, None)["volume"]
    return {"volume": volume if alone else {**volume, "direction": DIRECTIONS[volume["direction"]]}}


def going_on(draw: st.DrawFn, maker: Maker) -> dict[str, Any]:
    """A quota that goes on with blocks or overage."""
    quota = maker.quota(None)["quota"]
    blocks = {"block": "30.5", "price": "7"}
    beyond = quota["beyond"] if "overage" in quota["beyond"] else blocks
    return {"quota": {**quota, "beyond": beyond, "direction": draw(st.sampled_from(["in", "out", "sum"]))}}


def turns(spec: dict[str, Any]) -> bool:
    """Whether a charge counts the larger direction."""
    return any(charge.get("volume", {}).get("direction") == "max" for charge in spec["charges"])


def plain(spec: dict[str, Any]) -> dict[str, Any]:
    """The same without schedules."""
    charges = [
        {
            key: {name: field for name, field in value.items() if name != "schedule"} if key != "name" else value
            for key, value in charge.items()
        }
        for charge in spec["charges"]
    ]
    return {**spec, "charges": charges}


@settings(max_examples=80, deadline=None, suppress_health_check=QUIET)
@given(placement=placements(bounded=False))
def test_every_charge_and_lists_that_change(placement: Placement) -> None:
    assert abs(Fraction(placement.said()) - placement.difference()) < Fraction(1, 10**9)


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(placement=placements(bounded=True))
def test_a_minimum_and_a_maximum_of_the_bill(placement: Placement) -> None:
    assert abs(Fraction(placement.said()) - placement.difference()) < Fraction(1, 10**9)
