"""Networks of a node: found by Genie's file rule, then by name; their free addresses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni.netconf import ConfDir, NetworkUnknown, file_key
from cni.wire import MOST_ADDRESSES

PLUGIN = {"cniVersion": "0.4.0", "name": "inner", "type": "bridge"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write(tmp_path / "00-genie.conf", {"cniVersion": "0.2.0", "name": "pods", "type": "genie"})
    write(tmp_path / "10-blue.conflist", {"cniVersion": "1.0.0", "name": "ocean", "plugins": [PLUGIN]})
    write(tmp_path / "20-my-net.conf", {**PLUGIN, "switcher.genie.io/physical-network": "phynet0"})
    write(tmp_path / "30-blue.conf", {**PLUGIN, "name": "second-blue"})
    (tmp_path / "05-broken.conf").write_text("{")
    (tmp_path / "06-list.conf").write_text("[]")
    (tmp_path / "06-deep.conf").write_text('{"a":' * 100_000)
    (tmp_path / "06-utf16.conf").write_bytes(b"\xff\xfe{")
    write(tmp_path / "07-nameless.conflist", {"plugins": [PLUGIN]})
    write(tmp_path / "08-typeless.conf", {"name": "x"})
    write(tmp_path / "08-odd.conf", {"name": "x", "type": ["bridge"]})
    write(tmp_path / "08-odd.conflist", {"name": "x", "plugins": [{"type": {"bridge": 1}}]})
    write(tmp_path / "40-json.json", PLUGIN)
    return tmp_path


def write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("10-calico.conflist", "calico"),
        ("10-my-net.conf", "my-net"),
        ("weave.conf", "weave"),
        ("my-net.conf", "net"),
        ("-odd.conf", "-odd"),
        ("10-a.b.conf", "a.b"),
    ],
)
def test_a_file_is_known_by_genies_rule(file: str, key: str) -> None:
    assert file_key(Path(file)) == key


def test_a_network_is_found_by_file_then_by_name_and_called_the_same(directory: Path) -> None:
    networks = ConfDir(directory)
    assert networks.find("blue").own_name == "ocean"
    assert networks.find("cni:ocean").network == "cni:blue"
    assert networks.find("second-blue").network == "cni:second-blue", "another file has its key"
    assert [config.network for config in networks.all()] == ["cni:blue", "cni:my-net", "cni:second-blue"]


def test_a_file_with_a_dash_and_no_number_is_found_by_its_whole_name_too(tmp_path: Path) -> None:
    """CNI-Genie cut the name at the dash, and knew such a network by its end alone."""
    write(tmp_path / "my-net.conf", {**PLUGIN, "name": "ocean"})
    write(tmp_path / "20-net.conf", {**PLUGIN, "name": "my-net"})
    networks = ConfDir(tmp_path)
    assert networks.find("net").network == "cni:net"
    assert networks.find("my-net").own_name == "my-net", "a configuration's own name comes first"
    (tmp_path / "20-net.conf").unlink()
    assert networks.find("my-net").own_name == "ocean"
    assert networks.find("my-net").network == "cni:net", "called the same however it was found"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({"10-x.conf": "a", "90-y.conflist": "a"}, "90-y.conflist", id="N3 a list first"),
        pytest.param({"a.conf": "b", "10-x.json": "a"}, "10-x.json", id="N3 by the name in it"),
        pytest.param({"00-genie.conf": "a", "10-x.conf": "a"}, "10-x.conf", id="N3 not genie's own"),
    ],
)
def test_the_standards_way_to_a_configuration(tmp_path: Path, files: dict[str, str], found: str) -> None:
    for file, name in files.items():
        plugin = {"type": "genie" if "genie" in file else "bridge", "file": file}
        write(tmp_path / file, {"name": name, **({"plugins": [plugin]} if file.endswith("list") else plugin)})
    content = ConfDir(tmp_path).by_own_name("a")
    assert content.get("plugins", [content])[0]["file"] == found


def test_a_single_plugin_becomes_a_list(directory: Path) -> None:
    found = ConfDir(directory).find("my-net")
    assert found.physical_network == "phynet0"
    content = json.loads(found.config)
    assert (content["name"], content["cniVersion"]) == ("inner", "0.4.0")
    assert content["plugins"] == [PLUGIN]


@pytest.mark.parametrize("ipam", ["bridge", "macvlan", "own"])
@pytest.mark.parametrize("suffix", [".conf", ".conflist"])
def test_a_plugin_that_would_start_itself_without_end_is_refused(tmp_path: Path, ipam: str, suffix: str) -> None:
    plugin = {"type": "own" if ipam == "own" else "bridge", "ipam": {"type": ipam}}
    content = {"name": "x", "plugins": [plugin]} if suffix == ".conflist" else {"name": "x", **plugin}
    write(tmp_path / f"10-x{suffix}", content)
    with pytest.raises(NetworkUnknown, match=f"ipam: {ipam} gives no addresses, it would start itself"):
        ConfDir(tmp_path).find("x")


def test_the_default_is_the_first_that_is_not_genies_own(directory: Path) -> None:
    assert ConfDir(directory).default().network == "cni:blue"


@pytest.mark.parametrize("name", ["Blue", "genie", "pods", "json", "nowhere", ""])
def test_what_is_unknown_says_what_is_known_and_what_is_broken(directory: Path, name: str) -> None:
    with pytest.raises(NetworkUnknown, match="known: blue, my-net") as caught:
        ConfDir(directory).find(name)
    for file in ("05-broken.conf", "06-list.conf", "07-nameless.conflist", "08-typeless.conf"):
        assert file in str(caught.value)


def test_a_node_without_networks_says_so(tmp_path: Path) -> None:
    with pytest.raises(NetworkUnknown, match="no network is configured"):
        ConfDir(tmp_path / "none").default()


@pytest.mark.parametrize(
    ("ipam", "taken", "free"),
    [
        pytest.param({"subnet": "10.1.0.0/24"}, ["10.1.0.2", "10.1.0.9"], 251, id="subnet"),
        pytest.param({"ranges": [[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.19"}]]},
                     ["10.1.0.10", "10.1.0.99"], 9, id="range"),
        pytest.param({"ranges": [[{"subnet": "10.1.0.0/29", "gateway": "10.1.0.3"}]]}, [], 5, id="gateway inside"),
        pytest.param({"ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00::/125"}]]},
                     ["fd00::2"], 5, id="two families"),
        pytest.param({"ranges": [[{"subnet": "10.1.0.0/30"}, {"subnet": "10.2.0.0/30"}]]},
                     ["10.1.0.2"], 1, id="set of two"),
        pytest.param({"ranges": [[{"subnet": "fd00::/64"}]]}, ["fd00::2"], MOST_ADDRESSES, id="wide"),
        pytest.param({"ranges": [[{"subnet": "nonsense"}]]}, [], None, id="unreadable"),
        pytest.param({"type": "dhcp"}, [], None, id="another plugin"),
        pytest.param({}, [], None, id="no ipam"),
        pytest.param({"subnet": "10.1.0.0/30", "dataDir": 7}, [], None, id="no directory"),
        pytest.param({"subnet": "10.1.0.0/30", "dataDir": "/\0"}, [], None, id="a directory that no system has"),
    ],
)  # fmt: skip
def test_free_addresses(tmp_path: Path, ipam: dict[str, Any], taken: list[str], free: int | None) -> None:
    given = {"type": "host-local", "dataDir": str(tmp_path / "data"), **ipam} if ipam else {}
    write(tmp_path / "10-blue.conflist", {"name": "ocean", "plugins": [{"type": "bridge", "ipam": given}]})
    (tmp_path / "data/ocean").mkdir(parents=True)
    for name in (*taken, "lock", "last_reserved_ip.0"):
        (tmp_path / "data/ocean" / name).touch()
    assert ConfDir(tmp_path).find("blue").free_addresses() == free
