"""One run: the story from its beginning to its report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from switcher.lab.accounting import (
    DropBudget,
    StreamTotals,
    join,
    lost_while_moving,
    overload_percent,
    read_documents,
)
from switcher.lab.bed import Bed
from switcher.lab.blueprint import PHYSICAL_NETWORKS
from switcher.lab.command import LabError
from switcher.lab.feed import Event, Feed
from switcher.lab.invoice import Accountant
from switcher.lab.leaks import Inventory
from switcher.lab.report import MoveRow, Report, move_rows, windows
from switcher.lab.story import DEARER, LOADED, NEW_PRICE, SHED, Story, foreign_bps
from switcher.lab.view import Moment, View
from switcher.lab.watch import wait_until

REFRESH_SECONDS = 0.25
WARM_SECONDS = 3.0
ATTACHED_SECONDS = 20.0


@dataclass
class Run:
    """A run on a bed. ``events`` is all that happened, for the chart."""

    bed: Bed
    view: View
    story: Story
    events: list[Event] = field(default_factory=list)
    ended: float = 0.0
    """When the story was over, before the lab is taken down."""

    def perform(self) -> Report:
        """Play the story to its end and account for it. Raises LabError when a process dies on the way."""
        self.play()
        self.view.close()
        self.bed.say("waiting for moves under way")
        unfinished = 0 if self.bed.settle() else len(self.bed.watch.in_flight())
        sending_ended = self.bed.stop_traffic()
        self.bed.say("detaching every workload")
        return self._account(sending_ended, unfinished, self.bed.detach())

    def play(self) -> None:
        """Go through the story; one without an end goes on until interrupted."""
        self.bed.begin(self.story)
        feed = Feed(self.bed.watch)
        accountant = Accountant(self.bed.blueprint, self.story, self.bed.state.objects)
        turns = self._turns()
        while self.story.seconds is None or time.time() < self.story.start + self.story.seconds:
            now = time.time()
            fresh = feed.fresh()
            while turns and turns[0].at <= now:
                fresh.append(turns.pop(0))
                if fresh[-1].at == self.story.load_at:
                    self.bed.load_foreign()
            self.events += fresh
            spent, unmoved = accountant.so_far(self.bed.watch, now)
            self.view.update(
                Moment(story=self.story, bed=self.bed, events=fresh, spent=spent, if_nothing_had_moved=unmoved)
            )
            self._watch_processes()
            time.sleep(REFRESH_SECONDS)
        self.ended = time.time()
        self.events += feed.fresh()

    def _turns(self) -> list[Event]:
        load, price = self.story.load_at, self.story.price_at
        if load is None or price is None:
            return []
        rates = {f"{foreign_bps(self.bed.blueprint, node.name) / 1e6:.0f}" for node in self.bed.blueprint.nodes}
        most = max(rates, key=float)
        return [
            Event(load, "story", f"foreign load: up to {most} Mbps more on {LOADED}, above shed"),
            Event(price, "story", f"the announced price of {DEARER} takes effect: {NEW_PRICE}"),
        ]

    def _watch_processes(self) -> None:
        for process in self.bed.dead():
            raise LabError(f"{process.name} died; its log ends:\n{process.last_words()}")

    def _account(self, sending_ended: float, unfinished: int, left: Inventory) -> Report:
        streams = join(read_documents(self.bed.state.path / "traffic"), sending_ended)
        rows = move_rows(self.bed.watch.moves, self.bed.watch.switches, streams)
        points = self.bed.sampler.points
        accountant = Accountant(self.bed.blueprint, self.story, self.bed.state.objects)
        seconds = self.ended - self.story.start
        return Report(
            moves=tuple(rows),
            streams=tuple(streams),
            lost_while_moving=self._lost(streams, rows),
            money=accountant.whole(self.bed.watch, self.ended, points, demands(streams, seconds)),
            overload_percent=overload_percent(
                [point for point in points if self.story.start <= point.at <= self.ended],
                {network.name: network.capacity_bps for network in PHYSICAL_NETWORKS},
                float(SHED),
            ),
            leaks=left,
            unfinished=unfinished,
            seconds=seconds,
        )

    def _lost(self, streams: Sequence[StreamTotals], rows: Sequence[MoveRow]) -> Mapping[tuple[str, str], int]:
        budget = DropBudget(self.bed.sampler.points)
        return lost_while_moving(streams, windows(rows, time.time()), budget, self.bed.blueprint)


def demands(streams: Sequence[StreamTotals], seconds: float) -> dict[str, float]:
    """What each workload sent or was sent, in bits per second, the direction that has more; headers included."""
    sizes = {"udp-bulk": 8_942, "udp-out": 242, "udp-in": 242}
    rates: dict[str, float] = {}
    for stream in streams:
        size = sizes.get(stream.protocol, 200)
        rates[stream.workload] = rates.get(stream.workload, 0.0) + stream.sent * size * 8 / max(seconds, 1.0)
    return rates


def begin(bed: Bed, view: View, seconds: float | None) -> Run:
    """Build the site, attach everybody, let traffic flow, and have the story begin now. Raises LabError."""
    bed.build()
    bed.start_controller(seconds)
    bed.attach()
    bed.start_traffic()
    everybody = len(bed.blueprint.workloads)
    if not wait_until(lambda: len(bed.watch.attachments) == everybody, ATTACHED_SECONDS):
        raise LabError(f"the agents report {len(bed.watch.attachments)} of {everybody} workloads as attached")
    time.sleep(WARM_SECONDS)
    return Run(bed=bed, view=view, story=Story(start=time.time(), seconds=seconds))
