"""The agent's settings: whole or refused, with every problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from cni.settings import Controller, Install, Kubernetes, SettingsError, Smart, Uplink, load

WHOLE = """
node: n1
socket: /run/a.sock
state: /var/lib/a
delSpool: /var/lib/a/dels
confDir: /etc/cni/net.d
binDirs: [/usr/lib/cni]
delegateDeadline: 60s
hostMount: /proc/1/ns/mnt
uplinks: [{physicalNetwork: phynet0, nic: eth2, capacity: 100Mbps}]
controller: {url: "unix:/run/s.sock", tokenFile: /etc/token}
kubernetes: {kubeconfig: /etc/genie/kubeconfig, readDeadline: 5s}
objects: /etc/genie/objects
sampleEvery: 500ms
metrics: 127.0.0.1:9464
install:
  binary: /usr/lib/genie
  conf: {name: pods, type: genie, cniVersion: 1.1.0}
  confFile: /etc/cni/net.d/01-a.conf
"""
BROKEN = """
nod: n1
socket: relative
sampleEvery: 1
delegateDeadline: 0s
uplinks: [{physicalNetwork: p, nic: eth2, capacity: fast}, {nic: eth1, capacity: 1Gbps, speed: 1}]
controller: {url: "ftp://x"}
metrics: 0.0.0.0:9464
binDirs: [usr]
kubernetes: {kubeConfig: /k, inCluster: "yes", readDeadline: 3}
objects: etc
install: {binDir: opt, conf: {name: pods, type: multus}, confFile: /etc/cni/net.d/01-a.conflist, config: 1}
"""


def write(directory: Path, text: str) -> Path:
    file = directory / "agent.yaml"
    file.write_text(text)
    return file


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    settings = load(write(tmp_path, WHOLE))
    assert settings.uplinks == (Uplink(physical_network="phynet0", nic="eth2", capacity_bps=100e6),)
    assert settings.controller == Controller(url="unix:/run/s.sock", token_file=Path("/etc/token"))
    assert (settings.sample_every, settings.delegate_deadline) == (0.5, 60.0)
    assert settings.bin_dirs == ("/usr/lib/cni",)
    assert settings.host_mount == Path("/proc/1/ns/mnt")
    assert settings.kubernetes == Kubernetes(kubeconfig=Path("/etc/genie/kubeconfig"), read_deadline=5.0)
    assert settings.objects == Path("/etc/genie/objects")
    assert settings.install == Install(
        binary=Path("/usr/lib/genie"),
        conf={"name": "pods", "type": "genie", "cniVersion": "1.1.0"},
        conf_file=Path("/etc/cni/net.d/01-a.conf"),
    )


def test_only_the_node_is_required(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "node: n1"))
    assert (settings.controller, settings.uplinks, settings.metrics) == (None, (), None)
    assert (settings.kubernetes, settings.objects) == (Kubernetes(), None)


def test_one_file_serves_many_nodes(tmp_path: Path) -> None:
    file = write(tmp_path, "node: n1")
    assert load(file, "n2").node == "n2"
    assert load(file, "").node == "n1"
    assert load(write(tmp_path, "metrics: 127.0.0.1:1"), "n3").node == "n3"


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, BROKEN))
    text = str(caught.value)
    for part in (
        "node: is required",
        "nod: unknown setting; did you mean node?",
        "socket: 'relative'",
        "sampleEvery: 1 is not a duration",
        "delegateDeadline: '0s'",
        "uplinks[0].capacity: 'fast'",
        "uplinks[1].physicalNetwork: is required",
        "uplinks[1].speed: unknown setting",
        "controller.url: 'ftp://x'",
        "metrics: '0.0.0.0:9464'",
        "binDirs: 'usr'",
        "kubernetes.kubeConfig: unknown setting; did you mean kubeconfig?",
        "kubernetes.inCluster: 'yes' is neither true nor false",
        "kubernetes.readDeadline: 3 is not a duration",
        "install.binDir: 'opt' is not an absolute path",
        "install.conf: type must be genie",
        "install.confFile: '/etc/cni/net.d/01-a.conflist' must end in .conf",
        "install.config: unknown setting; did you mean conf?",
        "objects: 'etc'",
    ):
        assert part in text
    assert len(caught.value.problems) == 19


def test_two_ways_to_one_cluster_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="kubeconfig and inCluster"):
        load(write(tmp_path, "node: n1\nkubernetes: {kubeconfig: /k, inCluster: true}"))


@pytest.mark.parametrize("text", ["", "[]", "a: [", "node: n1\nuplinks: 7", "node: n1\ncontroller: x"])
def test_what_is_no_settings_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        load(write(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "none.yaml")


def test_a_physical_network_has_one_uplink(tmp_path: Path) -> None:
    uplink = "{physicalNetwork: p, nic: eth2, capacity: 1Gbps}"
    with pytest.raises(SettingsError, match="p is given twice"):
        load(write(tmp_path, f"node: n1\nuplinks: [{uplink}, {uplink}]"))


def test_how_networks_are_chosen_has_defaults_one_by_one(tmp_path: Path) -> None:
    assert load(write(tmp_path, "node: n1")).smart == Smart(max_age=600.0, demand_bps=1e6)
    assert load(write(tmp_path, "node: n1\nsmart: {maxAge: 90s}")).smart == Smart(max_age=90.0, demand_bps=1e6)
    assert load(write(tmp_path, "node: n1\nsmart: {demand: 5Mbps}")).smart == Smart(max_age=600.0, demand_bps=5e6)
    with pytest.raises(SettingsError, match=r"smart\.maxage: unknown setting; did you mean maxAge\?"):
        load(write(tmp_path, "node: n1\nsmart: {maxage: 90s}"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("install: {}", "install: needs binary, conf, or both"),
        ("install: [1]", "install: must be a mapping"),
        ("install: {conf: [1]}", "install.conf: must be a mapping"),
        ("install: {conf: {type: genie}}", "install.conf: name must be"),
        ("install: {conf: {type: genie, name: a b}}", "install.conf: name must be"),
        ("install: {conf: {type: genie, name: a, cniVersion: 2.0.0}}", "install.conf: cniVersion '2.0.0' is none of"),
    ],
)
def test_what_cannot_be_installed_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, f"node: n1\n{text}"))
    assert problem in str(caught.value)
