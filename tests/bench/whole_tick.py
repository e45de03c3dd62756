"""Whole ticks on a history of many attachments, each phase timed: run by test_whole_tick.py in a process of its own.

`python -m tests.bench.whole_tick FILE NODES ATTACHMENTS [busy]` makes the history, if it is not there, and ticks on it.
It prints one JSON object: seconds of processor time by phase, and the most memory that was resident. After the first
tick the default budget is spent for an hour, and the others are calm; ``busy``: a budget that lets one in a hundred
move at every tick, so that everyone's best place is computed anew each time.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from random import Random

import msgspec

from cni.wire import (
    AttachmentReport,
    AttachmentSample,
    Batch,
    NetworkReport,
    Outcome,
    Phase,
    SwitchOrder,
    SwitchStatus,
    UplinkSample,
    decode,
    status_of,
)
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.cycle import Cycle, Parts
from switcher.decide import Settings, decide_and_rank
from switcher.meters import Meters
from switcher.objects.model import Book
from switcher.observe import Sight, observe
from switcher.plan import plan
from switcher.record import record_decision
from switcher.terms import terms
from tests.support.scenes import book, per_gb, policy

NETWORKS, SAMPLES, SECONDS, START = 10, 3, 10, 1_800_000_000
"""Networks on every node; samples of every attachment and uplink; seconds of each; the first one's start."""
WINDOW = timedelta(seconds=SAMPLES * SECONDS)
EVERY = timedelta(seconds=31)
TICKS = 6
"""The first is cold, and moves a tenth of everyone; the next one sees every node report anew."""


def fill(url: str, nodes: int, attachments: int) -> None:
    """Batches of every node through the real ingestion: log-normal demands, cheap networks too small for all."""
    upgrade(url)
    history, rng = SqlHistory.open(url), Random(1)
    for number in range(nodes):
        history.ingest(_batch(f"node-{number:05}", number, attachments, rng))
    history.close()


def _batch(node: str, number: int, attachments: int, rng: Random) -> Batch:
    rates = [rng.lognormvariate(15, 1) / 8 for _ in range(attachments)]
    on = [rng.randrange(NETWORKS) for _ in range(attachments)]
    names = [f"shop-{(number + each) % 50}/web-{number:05}-{each:03}" for each in range(attachments)]
    used = [sum(rate for rate, place in zip(rates, on, strict=True) if place == each) for each in range(NETWORKS)]
    times = [START + sample * SECONDS for sample in range(SAMPLES)]
    begun = START - 86_400 * 2 - number
    return Batch(
        agent=f"{node}/a",
        node=node,
        sequence=1,
        sent_at=START + SAMPLES * SECONDS,
        uplinks=tuple(
            UplinkSample(
                physical_network=f"phynet{each}",
                start=start,
                seconds=SECONDS,
                in_bytes=int(0.4 * load * SECONDS),
                out_bytes=int(load * SECONDS),
                capacity_bps=sum(rates) * 8 / 5,
            )
            for each, load in enumerate(used)
            for start in times
        ),
        traffic=tuple(
            AttachmentSample(
                workload=name,
                attachment="net1",
                network=f"cni:net{place}",
                start=start,
                seconds=SECONDS,
                in_bytes=int(0.4 * rate * SECONDS),
                out_bytes=int(rate * SECONDS * rng.uniform(0.9, 1.1)),
            )
            for name, rate, place in zip(names, rates, on, strict=True)
            for start in times
        ),
        attachments=tuple(
            AttachmentReport(
                workload=name,
                attachment="net1",
                network=f"cni:net{place}",
                physical_network=f"phynet{place}",
                ifname="net1",
                addresses=(f"10.{number % 250}.{each % 250}.2/16",),
                since=begun,
                started=begun,
                labels={"app": f"app{each % 20}", "pod-template-hash": f"{each % 20 * 7919:x}"},
            )
            for each, (name, place) in enumerate(zip(names, on, strict=True))
        ),
        networks=tuple(
            NetworkReport(network=f"cni:net{each}", physical_network=f"phynet{each}", free_addresses=200)
            for each in range(NETWORKS)
        ),
    )


class Hands:
    """Agents that take every order, and report it as moved with their next batch."""

    def __init__(self, history: SqlHistory) -> None:
        self.orders: dict[str, list[SwitchOrder]] = {}
        self._sequences: Counter[str] = Counter()
        self._found: dict[str, bytes] = {}  # as JSON: what agents hold is not the controller's memory
        for node, known in groupby(history.attachments(), key=lambda known: known.node):
            self._found[node] = msgspec.json.encode([each.report for each in known])

    def order(self, node: str, order: SwitchOrder) -> None:
        """Taken."""
        self.orders.setdefault(node, []).append(order)

    def report(self, history: SqlHistory, at: float) -> None:
        """As agents do between two ticks: what became of each order, and all that the node now has."""
        for node, orders in self.orders.items():
            self._sequences[node] += 1
            found = {report.workload: report for report in decode(self._found[node], list[AttachmentReport])}
            for order in orders:
                found[order.workload] = msgspec.structs.replace(
                    found[order.workload],
                    network=order.target,
                    physical_network=f"phynet{order.target.removeprefix('cni:net')}",
                    since=at,
                )
            self._found[node] = msgspec.json.encode(list(found.values()))
            ended = tuple(
                msgspec.structs.replace(status_of(order, Phase.DONE, at), outcome=Outcome.MOVED, finished_at=at + 0.05)
                for order in orders
            )
            batch = Batch(
                agent=f"{node}/a",
                node=node,
                sequence=1 + self._sequences[node],
                sent_at=at + 0.05,
                switches=ended,
                attachments=tuple(found.values()),
            )
            history.ingest(batch)
        self.orders.clear()

    def switches(self, node: str) -> Sequence[SwitchStatus]:  # noqa: ARG002 - the port's signature
        """None is known."""
        return ()


def prices(*, busy: bool = False) -> Book:
    """A price per GB on every network, and one policy for all with the default budget or one for every tick."""
    limit = {"moves": "1%", "per": "30s"} if busy else {"moves": "10%", "per": "1h"}
    budget = {**limit, "reasons": ["Savings"]}
    lists = [per_gb(f"phynet{number}", f"0.0{3 + number % 7}{number}") for number in range(NETWORKS)]
    return book(*lists, policy(moveCost="0.0001", budgets=[budget]))


def cycle(history: SqlHistory, hands: Hands, objects: Book, clock: list[datetime]) -> Cycle:
    """The controller's own, with a clock that is set."""
    parts = Parts(
        history=history,
        hands=hands,
        book=lambda: objects,
        clock=lambda: clock[0],
        stopwatch=time.process_time,
        sight=Sight(window=WINDOW),
        settings=Settings(),
        meters=Meters(),
    )
    return Cycle(parts)


def phases(history: SqlHistory, objects: Book, now: datetime) -> dict[str, float]:
    """Seconds of each step of a tick, one after the other, as the cycle takes them."""
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        started = time.process_time()
        yield
        seconds[name] = round(time.process_time() - started, 3)

    gc.disable()
    on = terms(Settings(), objects)
    with timed("read"):
        seen = observe(history, objects, now, Sight(window=WINDOW))
    with timed("decide"):
        decision, _ = decide_and_rank(*seen, objects, on.settings)
    with timed("plan"):
        orders = plan(decision, seen[0], objects)
    with timed("record"):
        record_decision(history, decision, seen, on, orders)
    gc.enable()
    return seconds


def main(file: str, nodes: int, attachments: int, *, busy: bool) -> None:
    """Ticks, then one more by phases."""
    url = f"sqlite:///{file}"
    if not Path(file).exists():
        fill(url, nodes, attachments)
    history, objects = SqlHistory.open(url), prices(busy=busy)
    clock = [datetime.fromtimestamp(START, UTC) + WINDOW]
    hands = Hands(history)
    ticks, found = cycle(history, hands, objects, clock), []
    for _ in range(TICKS):
        found.append(_tick(ticks))
        hands.report(history, clock[0].timestamp() + 0.1)
        clock[0] += EVERY
    by_phase = phases(history, objects, clock[0])
    history.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ticks": found, "phases": by_phase, "peak_mb": round(peak)}))


def _tick(ticks: Cycle) -> dict[str, float]:
    started = time.process_time()
    decision = ticks.tick()
    seconds = time.process_time() - started
    assert decision is not None
    return {"seconds": round(seconds, 3), "moves": len(decision.moves), "stays": len(decision.stays)}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), busy=sys.argv[4:] == ["busy"])
