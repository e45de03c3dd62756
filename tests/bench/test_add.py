"""What genie and the agent add to the delegates' own time: ADD and DEL, measured in alternation.

One and three interfaces, one container at a time and 32 at once. Every figure is one of both ways in the same rounds.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cni.kernel.spaces import inside
from tests.support.node import PLUGINS, Node, netns, node
from tests.support.shim import build_genie
from tests.support.waves import Run, Wave, wave

pytestmark = [pytest.mark.netns, pytest.mark.bench]

WARM_UP = 3
VERBS = ("ADD", "DEL")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path, sampleEvery="1s") as made:
        bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipam": made.host_local("10.1.0.0/16")}
        made.network("10-blue.conflist", bridge)
        made.start()
        yield made


@dataclass
class Figures:
    """Seconds of each container, and of each round from its first start to its last end."""

    each: list[float] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)

    def take(self, measured: Wave) -> None:
        self.each += measured.seconds
        self.rounds.append(measured.whole)


class Caller:
    """Calls the delegates alone, and genie, from inside the node's namespace, the same way."""

    def __init__(self, here: Node, interfaces: int) -> None:
        self.here = here
        self.names = [f"eth{number}" for number in range(interfaces)]
        self.annotation = ",".join(["blue"] * interfaces)
        self.genie = str(build_genie())
        plugin = json.loads((here.conf_dir / "10-blue.conflist").read_text())["plugins"][0]
        self.alone = here.path / "alone.json"
        self.alone.write_text(json.dumps({"cniVersion": "1.0.0", "name": "alone", **plugin}))
        self.whole = here.path / "whole.json"
        self.whole.write_text('{"cniVersion":"1.0.0","name":"pods","type":"genie"}')

    def delegates(self, verb: str, workload: str) -> list[Run]:
        """The delegate's own runs, one after the other."""
        env = self.here.environment(verb, workload, CNI_ARGS="IgnoreUnknown=1")
        names = self.names if verb == "ADD" else self.names[::-1]
        return [Run(f"{PLUGINS}/bridge", {**env, "CNI_IFNAME": name}, self.alone) for name in names]

    def through_genie(self, verb: str, workload: str) -> list[Run]:
        """The same through genie and the agent."""
        return [Run(self.genie, self.here.environment(verb, workload, self.annotation), self.whole)]


def measure(caller: Caller, rounds: int, parallel: int) -> dict[str, dict[str, Figures]]:
    """By verb and way; each round makes and ends ``parallel`` containers by each way, in alternating order."""
    found = {verb: {"alone": Figures(), "whole": Figures()} for verb in VERBS}
    ways = [("alone", caller.delegates), ("whole", caller.through_genie)]
    for number in range(WARM_UP + rounds):
        for way, runs in ways if number % 2 else ways[::-1]:
            workloads = [caller.here.workload() for _ in range(parallel)]
            for verb in VERBS:
                chains = [runs(verb, workload) for workload in workloads]
                measured = inside(netns(caller.here.name), lambda chains=chains: wave(chains, caller.here.path / "out"))
                if number >= WARM_UP:
                    found[verb][way].take(measured)
    return found


@pytest.mark.parametrize(
    ("interfaces", "parallel", "rounds"),
    [(1, 1, 100), (3, 1, 40), (1, 32, 8), (3, 32, 5)],
    ids=str,
)
def test_overhead(here: Node, interfaces: int, parallel: int, rounds: int) -> None:
    found = measure(Caller(here, interfaces), rounds, parallel)
    print(f"\n{interfaces} interface(s), {parallel} at once, {rounds} rounds, {os.cpu_count()} cores; ms, p50 / p99")
    for verb, ways in found.items():
        report(verb, ways["alone"], ways["whole"])
    add = found["ADD"]
    assert percentiles(add["whole"].each)[0] < 3 * percentiles(add["alone"].each)[0]


def report(verb: str, alone: Figures, whole: Figures) -> None:
    own, all_in = percentiles(alone.each), percentiles(whole.each)
    over = percentiles([both - one for one, both in zip(alone.each, whole.each, strict=True)])
    rounds = statistics.median(whole.rounds) / statistics.median(alone.rounds)
    print(
        f"  {verb}: delegates alone {shown(own)}; genie {shown(all_in)};"
        f" overhead {shown(over)} = {over[0] / own[0]:.2f} / {over[1] / own[0]:.2f} x the delegates' p50;"
        f" genie's p99 {all_in[1] / all_in[0]:.2f} x its p50, the delegates' {own[1] / own[0]:.2f} x;"
        f" whole rounds {rounds:.2f} x"
    )


def shown(pair: tuple[float, float]) -> str:
    return f"{pair[0] * 1e3:.1f} / {pair[1] * 1e3:.1f}"


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return statistics.median(values), cuts[98]
