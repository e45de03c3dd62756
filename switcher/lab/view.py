"""What a run shows while it runs: a live picture on a terminal, one line an event when piped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from switcher.lab.bed import Bed
from switcher.lab.blueprint import CURRENCY, PHYSICAL_NETWORKS, PhysicalNetwork
from switcher.lab.feed import Event
from switcher.lab.money import bare
from switcher.lab.story import DEARER, FILL, NEW_PRICE, SHED, Story

BAR_WIDTH = 30
EVENTS_SHOWN = 12
STYLES = {"story": "bold yellow", "move": "cyan", "done": "green", "trouble": "bold red"}
SLOTS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The lab now, for showing."""

    story: Story
    bed: Bed
    events: Sequence[Event]
    spent: Decimal
    if_nothing_had_moved: Decimal


class View(Protocol):
    """Shows a run."""

    def step(self, text: str) -> None:
        """Something about the building or taking down."""

    def update(self, moment: Moment) -> None:
        """The run goes on; ``moment.events`` are new."""

    def close(self) -> None:
        """No more updates."""


class PlainView:
    """One line an event."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, text: str) -> None:
        """See ``View.step``."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def update(self, moment: Moment) -> None:
        """See ``View.update``."""
        for event in moment.events:
            self.step(_line(event, moment.story))

    def close(self) -> None:
        """See ``View.close``."""


class LiveView:
    """Networks with price, utilisation and who is on them; below them what happened last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._events: deque[Text] = deque(maxlen=EVENTS_SHOWN)

    def step(self, text: str) -> None:
        """See ``View.step``."""
        self._console.print(f"  {text}", markup=False, highlight=False, style="dim")

    def update(self, moment: Moment) -> None:
        """See ``View.update``."""
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        for event in moment.events:
            self._events.append(Text(_line(event, moment.story), style=STYLES[event.kind], no_wrap=True))
        self._live.update(Group(_header(moment), _networks(moment), *self._events), refresh=True)

    def close(self) -> None:
        """See ``View.close``."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def choose(console: Console) -> View:
    """Live on a terminal, plain elsewhere."""
    return LiveView(console) if console.is_terminal else PlainView(console)


def _line(event: Event, story: Story) -> str:
    return f"{event.at - story.start:6.1f} s  {event.text}"


def _header(moment: Moment) -> Text:
    passed = time.time() - moment.story.start
    whole = "" if moment.story.seconds is None else f" of {moment.story.seconds:.0f}"
    return Text.assemble(
        (f"{passed:5.0f}{whole} s   ", "bold"),
        f"spent {moment.spent:.2f} {CURRENCY}, if nothing had moved {moment.if_nothing_had_moved:.2f}   ",
        (f"moving now: {len(moment.bed.watch.in_flight())}", "cyan"),
    )


def _networks(moment: Moment) -> Table:
    table = Table("network", "price", "node", f"utilisation ({FILL:.0%} fill, {SHED:.0%} shed)", "workloads")
    load = {(point.node, point.physical_network): point for point in moment.bed.sampler.latest()}
    on: dict[tuple[str, str], list[str]] = {}
    for workload in moment.bed.blueprint.workloads:
        report = moment.bed.watch.attachments.get(workload.name)
        if report is not None:
            text = workload.name + ("*" if workload.do_not_move else "")
            on.setdefault((workload.node, bare(report.network)), []).append(text)
    for network in PHYSICAL_NETWORKS:
        for index, node in enumerate(moment.bed.blueprint.nodes):
            point = load.get((node.name, network.name))
            share = 0.0 if point is None else point.load_bps / network.capacity_bps
            table.add_row(
                f"{network.name} {network.capacity}" if index == 0 else "",
                _price(network, moment.story, index),
                node.name,
                bar(share),
                " ".join(on.get((node.name, network.name), [])),
                end_section=index == len(moment.bed.blueprint.nodes) - 1,
            )
    return table


def _price(network: PhysicalNetwork, story: Story, row: int) -> str:
    if row == 0:
        return f"{story.price(network, time.time())} {CURRENCY}/h"
    if row == 1 and network.name == DEARER and story.price_at is not None:
        left = story.price_at - time.time()
        return f"{NEW_PRICE} in {left:.0f} s" if left > 0 else ""
    return ""


def bar(share: float) -> Text:
    """Utilisation as a bar with marks at fill and shed; red above shed, yellow above fill."""
    eighths = round(min(share, 1.0) * BAR_WIDTH * 8)
    full, part = divmod(eighths, 8)
    cells = ("█" * full + (SLOTS[part] if part else "")).ljust(BAR_WIDTH)
    style = "red" if share > SHED else "yellow" if share > FILL else "green"
    text = Text()
    for position, cell in enumerate(cells):
        marked = cell == " " and position in (int(FILL * BAR_WIDTH), int(SHED * BAR_WIDTH))
        text.append("┊" if marked else cell, style="dim" if marked else style)
    text.append(f" {share:5.1%}")
    return text
