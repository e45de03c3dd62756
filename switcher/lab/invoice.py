"""The run's money by the users' own tariffs: exact bills over spans of attachments on networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from switcher.lab.blueprint import ATTACHMENT, NAMESPACE, PHYSICAL_NETWORKS, Blueprint
from switcher.lab.money import Interval, Span, clairvoyant_spans, spent_spans, unmoved_spans
from switcher.lab.report import Money
from switcher.lab.shaper import UplinkPoint
from switcher.lab.story import SHED, Story
from switcher.lab.watch import Watch
from switcher.objects.load import load
from switcher.objects.model import Tariff
from switcher.tariff.bill import bill
from switcher.tariff.samples import Stay


def amount(tariffs: Sequence[Tariff], spans: Sequence[Span], start: float, end: float) -> Decimal:
    """The bill of these spans. Raises BadInputError when the tariffs need more than attachments."""
    stays = [
        Stay(
            attachment=f"{NAMESPACE}/{span.workload}:{ATTACHMENT}",
            network=span.physical_network,
            start=moment(span.start),
            end=moment(span.end),
        )
        for span in spans
    ]
    return bill(tariffs, [], (moment(start), moment(end)), stays).total


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as a time."""
    return datetime.fromtimestamp(seconds, UTC)


class Accountant:
    """Reckons a run's money from the objects as they were written at its start."""

    def __init__(self, blueprint: Blueprint, story: Story, objects: Path) -> None:
        self._blueprint = blueprint
        self._story = story
        self._tariffs = load([objects]).tariffs

    def so_far(self, watch: Watch, now: float) -> tuple[Decimal, Decimal]:
        """Spent, and if nothing had moved, from the start until now."""
        start = self._story.start
        spent = spent_spans(self._blueprint, list(watch.switches.values()), start, now)
        unmoved = unmoved_spans(self._blueprint, start, now)
        return amount(self._tariffs, spent, start, now), amount(self._tariffs, unmoved, start, now)

    def whole(self, watch: Watch, end: float, points: Sequence[UplinkPoint], demand_bps: Mapping[str, float]) -> Money:
        """The three amounts of a whole run."""
        start = self._story.start
        spent, unmoved = self.so_far(watch, end)
        intervals = find_intervals(self._blueprint, self._story, points, end)
        clairvoyant = clairvoyant_spans(self._blueprint, intervals, demand_bps)
        return Money(
            spent=spent,
            if_nothing_had_moved=unmoved,
            clairvoyant=amount(self._tariffs, clairvoyant, start, end),
        )


def find_intervals(blueprint: Blueprint, story: Story, points: Sequence[UplinkPoint], end: float) -> list[Interval]:
    """The run cut where a price or the foreign load changes; the room is shed x capacity less the mean foreign load."""
    cuts = {story.start, end, *(at for at in (story.load_at, story.price_at) if at is not None and at < end)}
    edges = sorted(cuts)
    return [
        Interval(
            start=start,
            end=stop,
            prices={network.name: story.price(network, start) for network in PHYSICAL_NETWORKS},
            room_bps={
                (node.name, network.name): float(SHED) * network.capacity_bps
                - _foreign(points, (node.name, network.name), start, stop)
                for node in blueprint.nodes
                for network in PHYSICAL_NETWORKS
            },
        )
        for start, stop in pairwise(edges)
    ]


def _foreign(points: Sequence[UplinkPoint], uplink: tuple[str, str], start: float, end: float) -> float:
    seen = [
        point.foreign_bps
        for point in points
        if (point.node, point.physical_network) == uplink and start <= point.at - point.seconds and point.at <= end
    ]
    return sum(seen) / len(seen) if seen else 0.0
