"""From counters of links to a choice, without any controller: the sampler, the loads and the chooser together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cni.netconf import ConfDir
from cni.sense.sampler import Links, Sampler, Sources
from cni.sense.spool import Spool
from cni.sense.telling import Telling
from cni.settings import Settings, Uplink
from cni.smart import Choice, Source
from cni.store import Store
from tests.support.smart import Smart

NAMES = {"flannel": "em1", "calico": "ib0", "weave": "e", "cilium": "enp0s31f6np0v9"}
"""Each network's NIC: CNI-Genie fell over names of less than four letters."""


@dataclass
class Counted:
    index: int
    rx_bytes: int = 0
    tx_bytes: int = 0


class Site:
    """A node with a network per NIC; links, clock and plugins are the test's."""

    def __init__(self, path: Path) -> None:
        self.path, self.now = path, 1000.0
        self.links = {nic: Counted(number) for number, nic in enumerate(NAMES.values(), start=2)}
        self.kernel_answers = True
        (path / "net.d").mkdir()
        (path / "bin").mkdir()
        for name in NAMES:
            self.install(name)
            content = {"cniVersion": "1.0.0", "name": name, "plugins": [{"type": name}]}
            content["switcher.genie.io/physical-network"] = f"p{name}"
            (path / "net.d" / f"10-{name}.conflist").write_text(json.dumps(content))
        uplinks = tuple(Uplink(physical_network=f"p{name}", nic=nic, capacity_bps=1e8) for name, nic in NAMES.items())
        settings = Settings(node="n1", uplinks=uplinks, bin_dirs=(str(path / "bin"),))
        store = Store(path / "store.db")
        networks = ConfDir(path / "net.d")
        self.smart = Smart(settings, store, networks, self.carriers, lambda: self.now)
        sources = Sources(
            node="n1",
            store=store,
            uplinks=uplinks,
            counters=self.counters,
            telling=Telling(networks, tuple),
            seen=self.smart.loads.add,
        )
        self.sampler = Sampler(sources, Spool(store), lambda: self.now)

    def install(self, name: str) -> None:
        program = self.path / "bin" / name
        program.touch()
        program.chmod(0o755)

    def counters(self, netns: str | None) -> Links:
        assert netns is None
        return self.links

    def carriers(self, names: Iterable[str]) -> Mapping[str, bool]:
        if not self.kernel_answers:
            raise OSError("no answer")
        return {name: name in self.links for name in names}

    def carry(self, seconds: int = 10, **mbps: float) -> None:
        """So much in each second, by network, sampled each second; the rest is idle."""
        for _ in range(seconds):
            self.now += 1
            for name, rate in mbps.items():
                self.links[NAMES[name]].rx_bytes += int(rate * 125_000)
            self.sampler.sample()

    def choose(self, **annotations: str) -> Choice:
        choice = self.smart.choose(annotations)
        self.smart.chooser.succeeded(choice)
        return choice


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.sampler.sample()
    return made


def test_genie_h_the_nodes_own_counters_are_enough(site: Site) -> None:
    site.carry(flannel=60, calico=50, weave=20, cilium=40)
    choice = site.choose()
    assert (choice.network, choice.source) == ("cni:weave", Source.COUNTERS)


def test_genie_f_interface_names_of_any_length_are_counted(site: Site) -> None:
    site.carry(flannel=30, calico=30, weave=30)
    assert site.choose().network == "cni:cilium"
    site.carry(flannel=30, calico=10, weave=30, cilium=90)
    assert site.choose().network == "cni:calico"


def test_genie_d_it_is_the_whole_uplink_that_counts_not_the_last_link_by_name(site: Site) -> None:
    for number in range(5):
        site.links[f"calico{number}"] = Counted(100 + number)
    site.carry(flannel=20, calico=80, weave=20, cilium=20)
    site.links["calico4"].rx_bytes += 1
    assert site.choose().network == "cni:cilium"


def test_tx_counts_as_rx_does(site: Site) -> None:
    site.links["e"].tx_bytes += 80 * 125_000
    site.carry(1, flannel=20, calico=20, cilium=10)
    assert site.choose().network == "cni:cilium"


def test_genie_e_at_first_sight_a_counter_is_no_load_and_no_one_elses(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.links["em1"].rx_bytes = 10**15
    site.sampler.sample()
    assert site.choose().source is Source.DEFAULT, "nothing is known of any uplink yet"
    site.carry(flannel=1, calico=50, weave=50, cilium=50)
    assert site.choose().network == "cni:flannel"


@pytest.mark.parametrize(
    "reset",
    [
        pytest.param(Counted(2, rx_bytes=10**9), id="it went back"),
        pytest.param(Counted(99, rx_bytes=10**15), id="another NIC with a long life"),
    ],
)
def test_genie_g_a_counter_that_began_again_is_no_load(site: Site, reset: Counted) -> None:
    site.links["em1"].rx_bytes = 10**12
    site.carry(20, calico=50, weave=50, cilium=50)
    site.links["em1"] = reset
    site.carry(1, flannel=1, calico=50, weave=50, cilium=50)
    assert site.choose().network == "cni:flannel"


def test_genie_b_a_plugin_that_is_removed_takes_its_network_out(site: Site) -> None:
    site.carry(calico=50, weave=60, cilium=70)
    assert site.choose().network == "cni:flannel"
    (site.path / "bin" / "flannel").unlink()
    assert site.choose().network == "cni:calico"
    site.install("flannel")
    assert site.choose().network == "cni:flannel"


def test_a_nic_that_is_gone_is_no_idle_one(site: Site) -> None:
    site.carry(calico=50, weave=60, cilium=70)
    del site.links["em1"]
    choice = site.choose()
    assert choice.network == "cni:calico"
    assert "UplinkDown" in choice.annotation()["switcher.genie.io/choice"]


def test_a_kernel_that_does_not_say_holds_it_against_no_network(site: Site) -> None:
    site.carry(calico=50, weave=60, cilium=70)
    site.kernel_answers = False
    assert site.choose().network == "cni:flannel"
