"""Whole ticks on a history of many attachments, each phase timed: run by test_whole_tick.py in a process of its own.

`python -m tests.bench.whole_tick FILE NODES ATTACHMENTS [busy|frozen] [moves=COUNT]` makes the history, if it is not
there, and ticks on it. It prints one JSON object: seconds of processor time by phase, and the most memory that was
resident; ``prepared``: what a controller reads before it is ready. After the first tick the default budget is spent for
an hour, and the others are calm; ``busy``: a budget that lets one in a hundred move at every tick, so that everyone's
best place is computed anew each time; ``frozen``: one that lets nobody move for it; ``moves``: so many were made in the
day before.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from cni.wire import (
    AttachmentReport,
    AttachmentSample,
    Batch,
    NetworkReport,
    UplinkSample,
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
from tests.bench.agents import Agents
from tests.bench.past_moves import add_moves
from tests.support.scenes import book, per_gb, policy

NETWORKS, SAMPLES, SECONDS, START = 10, 3, 10, 1_800_000_000
"""Networks on every node; samples of every attachment and uplink; seconds of each; the first one's start."""
WINDOW = timedelta(seconds=SAMPLES * SECONDS)
EVERY = timedelta(seconds=31)
TICKS = 6
"""The first is cold, and moves a tenth of everyone; the next one sees every node report anew."""

BUDGETS = {
    "calm": {"moves": "10%", "per": "1h"},
    "busy": {"moves": "1%", "per": "30s"},
    "frozen": {"moves": "0"},
}


def fill(url: str, nodes: int, attachments: int, moves: int = 0) -> None:
    """Batches of every node through the real ingestion: log-normal demands, cheap networks too small for all.

    ``moves``: so many in the day before.
    """
    upgrade(url)
    history, rng = SqlHistory.open(url), Random(1)
    for number in range(nodes):
        history.ingest(_batch(f"node-{number:05}", number, attachments, rng))
    history.close()
    add_moves(url, moves, START, NETWORKS)


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


def prices(how: str = "calm") -> Book:
    """A price per GB on every network, and one policy for all, with a budget for savings."""
    lists = [per_gb(f"phynet{number}", f"0.0{3 + number % 7}{number}") for number in range(NETWORKS)]
    return book(*lists, policy(moveCost="0.0001", budgets=[{**BUDGETS[how], "reasons": ["Savings"]}]))


def cycle(history: SqlHistory, hands: Agents, objects: Book, clock: list[datetime]) -> Cycle:
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


def main(file: str, nodes: int, attachments: int, how: str, moves: int) -> None:
    """Ticks, then one more by phases."""
    url = f"sqlite:///{file}"
    if not Path(file).exists():
        fill(url, nodes, attachments, moves)
    history, objects = SqlHistory.open(url), prices(how)
    clock = [datetime.fromtimestamp(START, UTC) + WINDOW]
    agents = Agents(history, url, NETWORKS)
    ticks, found = cycle(history, agents, objects, clock), []
    started = time.process_time()
    history.prepare(clock[0])
    before = round(time.process_time() - started, 3)
    for _ in range(TICKS):
        found.append(_tick(ticks))
        begin, clock[0] = clock[0], clock[0] + EVERY
        agents.report(history, begin.timestamp(), clock[0].timestamp())
    by_phase = phases(history, objects, clock[0])
    history.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"prepared": before, "ticks": found, "phases": by_phase, "peak_mb": round(peak)}))


def _tick(ticks: Cycle) -> dict[str, float]:
    started = time.process_time()
    decision = ticks.tick()
    seconds = time.process_time() - started
    assert decision is not None
    return {"seconds": round(seconds, 3), "moves": len(decision.moves), "stays": len(decision.stays)}


if __name__ == "__main__":
    past = sum(int(word.removeprefix("moves=")) for word in sys.argv[4:] if word.startswith("moves="))
    budget = next((word for word in sys.argv[4:] if word in BUDGETS), "calm")
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), budget, past)
