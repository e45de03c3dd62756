"""The lab's measures can fail: leaks are seen, lost packets are counted, the shaper drops what is too much."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from switcher.bootstrap import open_history
from switcher.lab import leaks, site
from switcher.lab.accounting import DropBudget, StreamTotals, Window, join, lost_while_moving, read_documents
from switcher.lab.bed import Bed
from switcher.lab.blueprint import DEMAND_BPS, WORLD, draw
from switcher.lab.command import LabError, batch, inside, run
from switcher.lab.processes import make_flood
from switcher.lab.requirements import check_inside, check_outside
from switcher.lab.shaper import Sampler, shape_site
from switcher.lab.state import StateDirectory


@pytest.fixture
def state() -> Iterator[StateDirectory]:
    state = StateDirectory(Path(f"/tmp/lab-measure-{os.getpid()}-{time.monotonic_ns()}"))  # noqa: S108 - short, for sockets
    state.claim(["test"])
    yield state
    state.remove()


def test_everything_missing_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNI_PATH", str(tmp_path))
    monkeypatch.setenv("GENIE", str(tmp_path / "genie"))
    with pytest.raises(LabError) as caught:
        check_outside()
    text = str(caught.value)
    assert "bridge, macvlan, host-local" in text
    assert "containernetworking-plugins" in text
    assert "make genie" in text


@pytest.mark.lab
def test_this_kernel_has_what_the_lab_needs_and_the_check_leaves_nothing() -> None:
    before = run(["ip", "-br", "link"])
    check_inside()
    assert run(["ip", "-br", "link"]) == before


@pytest.mark.lab
def test_what_is_left_behind_is_seen() -> None:
    site.make_namespace("leaky")
    try:
        before = leaks.take("leaky")
        assert leaks.take("leaky").beyond(before) == leaks.Inventory()
        batch("ip", "leaky", [
            "link add left type bridge", "link set left up", "address add 192.0.2.1/32 dev left",
            "route add 198.51.100.0/24 dev left table 1001", "rule add from 192.0.2.1 lookup 1001 pref 20001",
        ])  # fmt: skip
        left = leaks.take("leaky", ["attachment lab/w01:net1"]).beyond(before)
        assert left.counts() == {"links": 1, "addresses": 1, "routes": 2, "rules": 1, "tables": 1, "records": 1}
        assert leaks.untidy("leaky", ("left",)) == leaks.Inventory()
        batch("ip", "leaky", ["rule add from all lookup 999 pref 32765", "route add default dev left table 999"])
        batch("ip", "leaky", ["route add 198.51.100.0/24 dev left table 1002", "link add old1001 type bridge"])
        assert leaks.untidy("leaky", ("left",)).counts() == {
            "links": 1, "addresses": 0, "routes": 0, "rules": 1, "tables": 1, "records": 0,
        }  # fmt: skip
    finally:
        site.remove_namespace("leaky")


def test_only_files_named_as_addresses_are_leases(tmp_path: Path) -> None:
    (tmp_path / "phynet0").mkdir()
    for name in ("10.100.1.10", "last_reserved_ip.0", "lock"):
        (tmp_path / "phynet0" / name).touch()
    assert leaks.leases(tmp_path) == ["phynet0/10.100.1.10"]


@pytest.mark.lab
def test_an_uplink_carries_its_rate_and_no_more(state: StateDirectory) -> None:
    plan = draw(nodes=1, workloads=1)
    site.build(plan)
    try:
        shape_site(plan)
        flood = make_flood(plan.nodes[0], 300e6, state)
        flood.start()
        sampler = Sampler(plan)
        time.sleep(1)
        sampler.sample()
        time.sleep(2)
        sampler.sample()
        flood.stop()
        loads = {point.physical_network: point for point in sampler.latest()}
        assert 50e6 < loads["phynet0"].foreign_bps < 105e6
        assert (loads["phynet0"].out.ours, loads["phynet1"].load_bps) == (0, 0)
    finally:
        site.destroy(plan)


@pytest.mark.lab
def test_packets_that_the_site_loses_are_counted_and_blamed_on_the_move_under_way(state: StateDirectory) -> None:
    bed = Bed(draw(nodes=1, workloads=1), state, open_history)
    try:
        bed.build()
        bed.attach()
        bed.start_traffic()
        time.sleep(3)
        start = time.time()
        run(inside(WORLD, "bridge", "link", "set", "dev", "n1-phynet2", "state", "0"))  # disabled
        time.sleep(0.5)
        run(inside(WORLD, "bridge", "link", "set", "dev", "n1-phynet2", "state", "3"))  # forwarding
        end = time.time()
        time.sleep(2)
        ended = bed.stop_traffic()
        streams = join(read_documents(state.path / "traffic"), ended)
        bulk = next(stream for stream in streams if stream.protocol == "udp-bulk")
        _check_blame(bed, bulk, (start, end))
        assert bed.leaked().counts()["records"] > 0  # nothing was detached
        assert bed.detach().lines() == []
    finally:
        bed.stop()


def _check_blame(bed: Bed, bulk: StreamTotals, cut: tuple[float, float]) -> None:
    start, end = cut
    per_second = DEMAND_BPS / 8 / 8942
    assert 0.3 * per_second < bulk.lost < (end - start + 0.5) * per_second
    assert bulk.gap_within(start, end) > 0.3
    key = ("w01", "udp-bulk")
    during, before = Window(workload="w01", start=start, end=end), Window(workload="w01", start=0.0, end=start - 2)
    budget = DropBudget(bed.sampler.points)
    assert lost_while_moving([bulk], [during], budget, bed.blueprint) == {key: bulk.lost}
    assert lost_while_moving([bulk], [before], DropBudget([]), bed.blueprint) == {}
