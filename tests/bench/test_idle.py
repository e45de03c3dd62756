"""What an agent that holds 110 attachments and does nothing but count costs: memory and processor time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.ingest import ingest
from tests.support.node import Node, node

pytestmark = [pytest.mark.netns, pytest.mark.bench]

HELD = 110
"""Pods that a kubelet allows on a node by default."""
SECONDS = 20.0
MAX_MEGABYTES = 80
MAX_SHARE = 0.02
"""Of one core; the goal is half of it, the rest is for a machine that others use too."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    """Its agent samples every second, and a controller takes the batches."""
    with ingest(tmp_path / "c.sock") as controller:
        (tmp_path / "token").write_text(controller.token)
        told = {"url": controller.url, "tokenFile": str(tmp_path / "token")}
        with node(tmp_path / "node", sampleEvery="1s", controller=told) as made:
            bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipam": made.host_local("10.1.0.0/16")}
            made.network("10-veth.conflist", bridge)
            macvlan = {"type": "macvlan", "master": "eth2", "ipam": made.host_local("10.2.0.0/16")}
            made.network("20-macvlan.conflist", macvlan)
            made.start()
            yield made


def cost(here: Node) -> tuple[float, float]:
    """Megabytes resident, and the share of one core over some time."""
    assert here.agent is not None
    process = Path(f"/proc/{here.agent.pid}")
    before, started = _cpu_seconds(process), time.monotonic()
    time.sleep(SECONDS)
    share = (_cpu_seconds(process) - before) / (time.monotonic() - started)
    resident = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(resident.split()[1]) / 1000, share


def _cpu_seconds(process: Path) -> float:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("network", ["veth", "macvlan"])
def test_what_110_attachments_cost(here: Node, network: str) -> None:
    print(f"\n{network}: resident MB, share of one core over {SECONDS:g} s")
    print("  holding none: {:.1f} MB, {:.2%}".format(*cost(here)))
    workloads = [here.workload() for _ in range(HELD)]
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda workload: here.genie("ADD", workload, network), workloads))
    assert [reply.status for reply in added] == [0] * HELD
    time.sleep(3)
    megabytes, share = cost(here)
    print(f"  holding {HELD}: {megabytes:.1f} MB, {share:.2%}")
    assert megabytes <= MAX_MEGABYTES
    assert share <= MAX_SHARE
