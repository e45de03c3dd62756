"""What genie and the agent add to the delegate's own time: ADD and DEL of a container, measured in alternation."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cni.kernel.spaces import inside
from tests.support.node import PLUGINS, Node, netns, node
from tests.support.shim import build_genie

pytestmark = [pytest.mark.netns, pytest.mark.bench]

ROUNDS = 60
WARM_UP = 5


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path, sampleEvery="1s") as made:
        bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipam": made.host_local("10.1.0.0/16")}
        made.network("10-blue.conflist", bridge)
        made.start()
        yield made


class Caller:
    """Starts programs as a runtime does, from inside the node's namespace, the same way for both."""

    def __init__(self, here: Node, networks: int) -> None:
        self.here = here
        plugin = json.loads((here.conf_dir / "10-blue.conflist").read_text())["plugins"][0]
        self.delegate_config = json.dumps({"cniVersion": "1.0.0", "name": "alone", **plugin}).encode()
        self.genie_config = b'{"cniVersion":"1.0.0","name":"pods","type":"genie"}'
        self.names = [f"eth{number}" for number in range(networks)]
        self.annotation = ",".join(["blue"] * networks)
        self.genie = build_genie()

    def delegates(self, command: str, workload: str) -> float:
        """Seconds of the delegate's own runs, one after the other."""
        env = self.here.environment(command, workload, CNI_ARGS="IgnoreUnknown=1")
        names = self.names if command == "ADD" else self.names[::-1]
        return sum(
            self._timed([f"{PLUGINS}/bridge"], self.delegate_config, {**env, "CNI_IFNAME": name}) for name in names
        )

    def whole(self, command: str, workload: str) -> float:
        """Seconds of the same through genie and the agent."""
        env = self.here.environment(command, workload, self.annotation)
        return self._timed([str(self.genie)], self.genie_config, env)

    def _timed(self, command: Sequence[str], stdin: bytes, env: dict[str, str]) -> float:
        def run() -> float:
            started = time.perf_counter()
            done = subprocess.run(command, input=stdin, env=env, capture_output=True, check=False)
            seconds = time.perf_counter() - started
            assert done.returncode == 0, done.stdout
            return seconds

        return inside(netns(self.here.name), run)


def measure(caller: Caller) -> dict[str, dict[str, list[float]]]:
    """Seconds by verb and way; each round does one container by each way, in alternating order."""
    found: dict[str, dict[str, list[float]]] = {verb: {"alone": [], "whole": []} for verb in ("ADD", "DEL")}
    ways: list[tuple[str, Callable[[str, str], float]]] = [("alone", caller.delegates), ("whole", caller.whole)]
    for number in range(WARM_UP + ROUNDS):
        for way, act in ways if number % 2 else ways[::-1]:
            workload = caller.here.workload()
            for verb in ("ADD", "DEL"):
                seconds = act(verb, workload)
                if number >= WARM_UP:
                    found[verb][way].append(seconds)
            subprocess.run(["ip", "netns", "del", workload], check=True)
            caller.here.workloads.remove(workload)
    return found


@pytest.mark.parametrize("networks", [1, 2])
def test_overhead_of_add(here: Node, networks: int) -> None:
    found = measure(Caller(here, networks))
    print(f"\n{networks} network(s), {ROUNDS} rounds, {os.cpu_count()} cores; milliseconds, p50 / p99")
    for verb, ways in found.items():
        alone, whole = (percentiles(ways[way]) for way in ("alone", "whole"))
        over = percentiles([both - own for own, both in zip(ways["alone"], ways["whole"], strict=True)])
        print(
            f"  {verb}: delegate alone {alone[0] * 1e3:.1f} / {alone[1] * 1e3:.1f};"
            f" genie {whole[0] * 1e3:.1f} / {whole[1] * 1e3:.1f};"
            f" overhead {over[0] * 1e3:.1f} / {over[1] * 1e3:.1f};"
            f" {over[0] / alone[0]:.2f} x the delegate's time at p50, {over[1] / alone[1]:.2f} x at p99"
        )
    assert percentiles(found["ADD"]["whole"])[0] < 5 * percentiles(found["ADD"]["alone"])[0]


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return statistics.median(values), cuts[98]
