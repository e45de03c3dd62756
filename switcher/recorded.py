"""The rows of a bill, from the history: as coarse as the tariffs allow, refused where they would not be exact.

A bill is exact when none of its edges lies inside a row (keeping.py). What is needed and deleted already is a problem
with its times, never a bill that is a little wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from switcher.errors import BadInputError, Problem
from switcher.keeping import EPOCH, MOMENT, STEPS, Resolution, resolution_for
from switcher.model import Uplink
from switcher.objects.tariffs import Tariff
from switcher.objects.words import Each
from switcher.ports import PlacementSpan, SlotBytes, UsageRow
from switcher.tariff import Invoice, Sample, Stay, billing_period
from switcher.tariff.invoice import Gap
from switcher.tariff.lists import by_contract, timeline
from switcher.tariff.periods import Span, billing_periods, joined

MINUTE = STEPS[Resolution.MINUTES]


class Kept(Protocol):
    """What is read of the history."""

    def kept_from(self, *, nodes: bool) -> Mapping[Resolution, datetime]:
        """Since when whole networks, or each node's uplinks, are kept at each resolution."""

    def usage(self, start: datetime, end: datetime) -> Sequence[UsageRow]:
        """Samples of uplinks."""

    def slot_totals(self, start: datetime, end: datetime, slot: timedelta) -> Mapping[str, SlotBytes]:
        """Sums of whole networks."""

    def uplink_slots(self, start: datetime, end: datetime, slot: timedelta) -> Iterator[tuple[Uplink, SlotBytes]]:
        """Sums of uplinks."""

    def silences(self, start: datetime, end: datetime) -> Mapping[str, Sequence[Span]]:
        """When no uplink of a network was sampled, as far as that is known."""

    def placement_spans(self, start: datetime, end: datetime) -> Sequence[PlacementSpan]:
        """Where attachments were."""


def recorded(history: Kept, tariffs: Sequence[Tariff], period: Span, now: datetime) -> tuple[list[Sample], list[Stay]]:
    """Samples and stays for the bill of a period, until ``now``. Raises BadInputError when it would not be exact."""
    whole = _whole_periods(tariffs, period)
    ends = [end for tariff in tariffs for end in _ends_inside_minutes(tariff, whole)]
    needed = {resolution_for(tariff, whole[0]) for tariff in tariffs}
    finest = Resolution.SAMPLES if ends else next(one for one in Resolution if one in needed or one is Resolution.HOURS)
    why = f": a price list begins or ends inside a minute, at {ends[0].isoformat()}" if ends else ""
    _require(history, finest, whole[0], why, nodes=False)
    return list(_samples(history, tariffs, whole, finest)), _stays(
        history.placement_spans(*whole), (whole[0], min(whole[1], now))
    )


def with_gaps(invoice: Invoice, history: Kept, tariffs: Sequence[Tariff]) -> Invoice:
    """The bill with the gaps inside its rows too: what flows is priced then, and no uplink was sampled."""
    period = invoice.start, invoice.end
    gaps: dict[str, list[Span]] = {}
    for gap in invoice.gaps:
        gaps.setdefault(gap.network, []).append((gap.start, gap.end))
    silent, priced = history.silences(*period), _priced(tariffs, period)
    for network in silent.keys() & priced.keys():
        both = ((max(a[0], b[0]), min(a[1], b[1])) for a in silent[network] for b in priced[network])
        gaps.setdefault(network, []).extend(span for span in both if span[0] < span[1])
    found = (
        Gap(network=network, start=start, end=end) for network in sorted(gaps) for start, end in joined(gaps[network])
    )
    return replace(invoice, gaps=tuple(found))


def _priced(tariffs: Sequence[Tariff], period: Span) -> Mapping[str, Sequence[Span]]:
    """By network, when some list has a price for what flows."""
    found: dict[str, list[Span]] = {}
    for lists in by_contract(tariffs).values():
        for stretch in timeline(lists, *period):
            if stretch.tariff is not None and stretch.tariff.spec.metered:
                for network in stretch.tariff.spec.physical_networks:
                    found.setdefault(network, []).append((stretch.start, stretch.end))
    return {network: [*joined(spans)] for network, spans in found.items()}


def _require(history: Kept, needed: Resolution, since: datetime, why: str, *, nodes: bool) -> None:
    """Refuse what is deleted already: of whole networks, or (``nodes``) of each node's uplinks."""
    kept = history.kept_from(nodes=nodes)[needed]
    if kept > since:
        of_nodes = " of each node" if nodes else ""
        text = f"the bill needs {needed.value}{of_nodes} from {since.isoformat()} on{why}"
        text += f"; they are kept from {kept.isoformat()} on, and without them it would not be exact"
        raise BadInputError([Problem("the history", 0, "", text)])


def _whole_periods(tariffs: Sequence[Tariff], period: Span) -> Span:
    """From the start of the first billing period that is touched to the end of the last, in whole hours of UTC."""
    starts = [billing_period(tariff, period[0])[0] for tariff in tariffs]
    ends = [billing_period(tariff, period[1] - MOMENT)[1] for tariff in tariffs]
    hour = STEPS[Resolution.HOURS]
    start, end = min(starts, default=period[0]), max(ends, default=period[1])
    return EPOCH + (start - EPOCH) // hour * hour, EPOCH - (EPOCH - end) // hour * hour


def _ends_inside_minutes(tariff: Tariff, whole: Span) -> Iterator[datetime]:
    for end in (tariff.spec.valid_from, tariff.spec.valid_to):
        if end is not None and whole[0] < end < whole[1] and (end - EPOCH) % MINUTE:
            yield end


def _samples(history: Kept, tariffs: Sequence[Tariff], whole: Span, finest: Resolution) -> Iterator[Sample]:
    if finest is Resolution.SAMPLES:
        for row in history.usage(*whole):
            span = row.start, row.start + timedelta(seconds=row.seconds)
            yield from _both(row.physical_network, span, (row.in_bytes, row.out_bytes), node=row.node)
        return
    slot = STEPS[finest]
    present = _Presence.of(history, tariffs, whole, finest)
    for name, carried in history.slot_totals(*whole, slot).items():
        for number, *amounts in zip(carried.slots, carried.in_bytes, carried.out_bytes, strict=True):
            start = whole[0] + number * slot
            yield from _both(name, (start, start + slot), (amounts[0], amounts[1]), nodes=present.taken(name, start))


@dataclass(frozen=True, slots=True)
class _Presence:
    """Which nodes used a network, where a price is due for each: in steps in which no billing period begins.

    What flowed is read of all nodes together, a row for each network and slot; of each node there is only whether.
    """

    origin: datetime
    step: timedelta
    nodes: dict[tuple[str, int], set[str | None]]
    """By network and step."""

    @classmethod
    def of(cls, history: Kept, tariffs: Sequence[Tariff], whole: Span, finest: Resolution) -> _Presence:
        """Read before what flowed: a node that comes meanwhile then has its row all the same."""
        priced = [tariff for tariff in tariffs if _by_node(tariff)]
        starts = [start - EPOCH for tariff in priced for start, _ in billing_periods(tariff, *whole)]
        hourly = not any(start % STEPS[Resolution.HOURS] for start in starts)
        found = cls(whole[0], STEPS[Resolution.HOURS if hourly else finest], {})
        if priced:
            _require(history, Resolution.HOURS if hourly else finest, whole[0], "", nodes=True)
            for uplink, carried in history.uplink_slots(*whole, found.step):
                for number in carried.slots:
                    found.nodes.setdefault((uplink.physical_network, number), set()).add(uplink.node)
        return found

    def taken(self, network: str, start: datetime) -> frozenset[str]:
        """The nodes of the step that a row begins in, for the first row of it; then none."""
        found = self.nodes.pop((network, (start - self.origin) // self.step), set())
        return frozenset(node for node in found if node is not None)


def _by_node(tariff: Tariff) -> bool:
    return any(charge.fixed is not None and charge.fixed.each is Each.NODE for charge in tariff.spec.charges)


def _both(
    network: str,
    span: Span,
    amounts: tuple[int, int],
    node: str | None = None,
    nodes: frozenset[str] | None = None,
) -> Iterator[Sample]:
    for direction, amount in zip(("in", "out"), amounts, strict=True):
        bytes_ = Decimal(amount)
        yield Sample(
            start=span[0], end=span[1], network=network, direction=direction, bytes=bytes_, node=node, nodes=nodes
        )


def _stays(spans: Iterable[PlacementSpan], whole: Span) -> list[Stay]:
    found = []
    for span in spans:
        start, end = max(span.start, whole[0]), min(span.end or whole[1], whole[1])
        if span.physical_network is not None and start < end:
            name = f"{span.node} {span.workload}:{span.attachment}"
            found.append(Stay(attachment=name, network=span.physical_network, start=start, end=end))
    return found
