"""Multus' configuration converted: every field, everything that is refused, and the documentation's example."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni.agent import main
from cni.multus import Converted, MultusRefused, convert, read
from cni.multus.reading import FIELDS
from cni.naming import name_interfaces
from cni.selection import select

PAGE = (Path(__file__).parents[2] / "docs/from-multus.md").read_text()
BRIDGE = {"cniVersion": "0.4.0", "name": "blue", "type": "bridge", "bridge": "br0"}


class Disk:
    """Directories as a mapping: directory, file, content."""

    def __init__(self, **files: dict[str, Any]) -> None:
        self.files = {key.replace("_", "/"): value for key, value in files.items()}

    def first(self, directory: str) -> str | None:
        return min(self.files.get(directory, {}), default=None)

    def named(self, directory: str, name: str) -> tuple[str, dict[str, Any]] | None:
        found = sorted(self.files.get(directory, {}).items())
        return next(((file, content) for file, content in found if content.get("name") == name), None)


def converted(disk: Disk | None = None, **fields: Any) -> Converted:
    config = {"name": "multus", "type": "multus", "cniVersion": "0.4.0", **fields}
    return convert(read(json.dumps(config)), disk or Disk())


def genie(disk: Disk | None = None, **fields: Any) -> dict[str, Any]:
    return converted(disk, **fields).files["00-genie.conf"]


def test_the_documented_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, wanted = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (told,) = re.findall(r"```\n([^`]*?)```\n\nA pod without", PAGE)
    file = tmp_path / "00-multus.conf"
    file.write_text(given)
    assert main(["convert-multus", str(file)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == json.loads(wanted)
    assert list(json.loads(said.out)) == list(json.loads(wanted))
    assert said.err == told


def test_the_page_names_every_field() -> None:
    daemons = {"daemonSocketDir", "metricsPort", "cniConfigDir", "multusAutoconfigDir", "forceCNIVersion"}
    others = {"overrideNetworkName", "perNodeCertificate", "type"}
    assert [field for field in FIELDS if f"`{field}`" not in PAGE and field not in daemons | others] == []


def test_what_is_converted_is_taken_by_genie() -> None:
    netconf = genie(
        clusterNetwork="flannel", defaultNetworks=["side"], namespaceIsolation=True, globalNamespaces="a, b"
    )
    annotations = {"k8s.v1.cni.cncf.io/networks": "a/x,shop/y@up"}
    chosen = select(netconf, annotations, "eth0", "shop")
    assert [(each.network, each.ifname) for each in chosen] == [
        ("nad:kube-system/flannel", "eth0"),
        ("nad:kube-system/side", "net1"),
        ("nad:a/x", "net2"),
        ("nad:shop/y", "up"),
    ]
    assert name_interfaces([None, None, None], "eth0", "net") == ["eth0", "net1", "net2"]
    system = select(netconf, {}, "eth0", "kube-system")
    assert [each.network for each in system] == ["nad:kube-system/flannel"], "Multus spares its system namespaces"


@pytest.mark.parametrize(
    ("asked", "network", "word"),
    [
        ("cbr0", "cni:flannel", "NetworkAttachmentDefinition nets/cbr0"),
        ("other", "nad:nets/other", ""),
        ("/etc/cni/net.d/10-flannel.conflist", "cni:flannel", ""),
        ("/etc/cni/net.d", "cni:flannel", ""),
        ("/srv/nets/b.json", "cni:b", "copy /srv/nets/b.json to /etc/cni/net.d/b.conf"),
    ],
    ids=["of a file", "an object", "a file", "a directory", "elsewhere"],
)
def test_names_of_networks(asked: str, network: str, word: str) -> None:
    disk = Disk(**{"_etc_cni_net.d": {"10-flannel.conflist": {"name": "cbr0"}, "20-x.conf": {"name": "x"}}})
    made = converted(disk, clusterNetwork=asked, multusNamespace="nets", confDir="/etc/cni/net.d")
    assert made.files["00-genie.conf"]["default_plugin"] == network
    assert made.files["00-genie.conf"]["multusNamespace"] == "nets"
    assert word in "\n".join(made.notes)


def test_a_directory_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(MultusRefused, match=r"defaultNetworks\[0\]: no configuration can be read in directory /none"):
        genie(clusterNetwork="a", defaultNetworks=["/none/"])


def test_inline_delegates_become_lists_of_their_own() -> None:
    made = converted(delegates=[{"type": "ptp"}, BRIDGE, {**BRIDGE, "bridge": "br1"}, {**BRIDGE, "MasterPlugin": True}])
    networks = ["cni:multus-0", "cni:blue", "cni:blue-2", "cni:blue-3"]
    assert made.files["00-genie.conf"]["default_plugin"] == ",".join(networks)
    lists = {file: content for file, content in made.files.items() if file != "00-genie.conf"}
    assert list(lists) == ["10-multus-0.conflist", "11-blue.conflist", "12-blue-2.conflist", "13-blue-3.conflist"]
    assert lists["12-blue-2.conflist"] == {
        "cniVersion": "0.4.0",
        "name": "blue",
        "plugins": [{"type": "bridge", "bridge": "br1"}],
    }
    assert lists["13-blue-3.conflist"]["plugins"] == [{"type": "bridge", "bridge": "br0"}]
    assert [note.split(":")[0] for note in made.notes if note.startswith("delegates")] == [
        "delegates[0]",
        "delegates[3].masterplugin",
    ]


def test_a_delegate_that_is_a_configuration_of_the_node_is_taken_from_there() -> None:
    there = Disk(**{"_etc_cni_net.d": {"05-sky.conf": BRIDGE}})
    made = converted(there, delegates=[BRIDGE])
    assert (made.files["00-genie.conf"]["default_plugin"], list(made.files)) == ("cni:sky", ["00-genie.conf"])
    other = converted(there, delegates=[{**BRIDGE, "mtu": 1400}])
    assert list(other.files) == ["00-genie.conf", "10-blue.conflist"]


def test_the_thick_shim_and_the_daemon() -> None:
    disk = Disk(**{"_etc_cni_net.d": {"10-flannel.conflist": {"name": "cbr0"}}})
    shim = genie(disk, type="multus-shim", clusterNetwork="/host/etc/cni/net.d/10-flannel.conflist")
    assert shim["default_plugin"] == "cni:flannel"
    daemon = {
        "chrootDir": "/hostroot",
        "cniVersion": "0.3.1",
        "socketDir": "/host/run/multus/",
        "multusConfigFile": "auto",
    }
    made = convert(read(json.dumps(daemon)), disk)
    assert made.files["00-genie.conf"] == {
        "cniVersion": "0.3.1",
        "name": "multus-cni-network",
        "type": "genie",
        "interfacePrefix": "net",
    }
    named = convert(read(json.dumps({**daemon, "multusMasterCNI": "20-sky.conf"})), disk)
    assert named.files["00-genie.conf"]["default_plugin"] == "cni:sky"


def test_a_list_with_multus_alone() -> None:
    entry = {"type": "multus", "delegates": [BRIDGE]}
    made = convert(read(json.dumps({"name": "m", "cniVersion": "1.0.0", "plugins": [entry]})), Disk())
    assert made.files["00-genie.conf"]["name"] == "m"
    assert made.files["00-genie.conf"]["cniVersion"] == "1.0.0"
    with pytest.raises(MultusRefused, match="plugins: must hold Multus alone"):
        read(json.dumps({"name": "m", "plugins": [entry, {"type": "portmap"}]}))


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"clusterNetwork": 3}, ["clusterNetwork: must be a string, is 3"]),
        ({"type": "flannel", "clusterNetwork": "a"}, ["type: is 'flannel', not multus or multus-shim"]),
        ({}, ["clusterNetwork, delegates: one of them is required"]),
        ({"delegates": {}}, ["delegates: must be a list, is {}", "clusterNetwork, delegates: one of them is required"]),
        ({"delegates": [{"name": "a"}]}, ["delegates[0].type: is missing"]),
        ({"delegates": [{"plugins": [{"type": "a"}, {}]}]}, ["delegates[0].plugins[1].type: is missing"]),
        ({"delegates": [{"plugins": []}]}, ["delegates[0].plugins: must be a list with at least one plugin"]),
        ({"delegates": [{"type": "genie"}]}, ["delegates[0].type: genie would call itself"]),
        ({"delegates": [{"type": "a", "name": "../x"}]}, ['delegates[0].name: "../x" is not a network\'s name']),
        (
            {
                "clusterNetwork": "a",
                "namespaceIsolation": "yes",
                "capabilities": {"ips": 1},
                "systemNamespaces": ["a", 2],
            },
            [
                'namespaceIsolation: must be true or false, is "yes"',
                "systemNamespaces[1]: must be a string, is 2",
                "capabilities.ips: must be true or false, is 1",
            ],
        ),
        ({"delegates": [BRIDGE], "defaultNetworks": ["a"]}, ["defaultNetworks: need a clusterNetwork"]),
        ({"clusterNetwork": "a,b"}, ["clusterNetwork: 'a,b' cannot be named in default_plugin"]),
        (
            {"clusterNetwork": "a", "name": "x y", "cniVersion": "9.9"},
            ["name: 'x y' is not a network's name", "cniVersion: '9.9' is none of"],
        ),
    ],
)
def test_bad_input_is_refused_whole(fields: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(MultusRefused) as caught:
        converted(**fields)
    assert len(caught.value.problems) == len(problems)
    for told, wanted in zip(caught.value.problems, problems, strict=True):
        assert told.startswith(wanted)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"plugins": 3}', "[" * 100_000, "{}"])
def test_what_is_no_configuration_at_all_is_refused(text: str) -> None:
    with pytest.raises(MultusRefused):
        read(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab/.,@ ", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "type", "plugins"]), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), json_values), st.booleans())
def test_any_input_is_converted_or_refused(fields: dict[str, Any], typed: bool) -> None:
    given_fields = {**fields, "type": "multus"} if typed else fields
    try:
        made = convert(read(json.dumps(given_fields)), Disk())
    except MultusRefused:
        return
    netconf = made.files["00-genie.conf"]
    assert netconf["type"] == "genie"
    assert select(netconf, {}, "eth0", "shop")


def test_files_are_written_and_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "multus.conf"
    file.write_text(json.dumps({"name": "m", "type": "multus", "delegates": [BRIDGE]}))
    out = tmp_path / "net.d"
    assert main(["convert-multus", str(file), "--out", str(out)]) == 1, "there is no such directory"
    out.mkdir()
    for _ in range(2):
        assert main(["convert-multus", str(file), "--out", str(out), "--conf-dir", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["00-genie.conf", "10-blue.conflist"]
    file.write_text(json.dumps({"name": "m", "type": "multus", "delegates": [{**BRIDGE, "mtu": 9}]}))
    before = (out / "00-genie.conf").read_bytes()
    capsys.readouterr()
    assert main(["convert-multus", str(file), "--out", str(out), "--conf-dir", str(out)]) == 1
    assert f"not overwritten, nothing is written: {out}/10-blue.conflist" in capsys.readouterr().err
    assert (out / "00-genie.conf").read_bytes() == before


def test_a_refusal_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "multus.conf"
    assert main(["convert-multus", str(file)]) == 2
    file.write_text('{"type": "multus"}')
    assert main(["convert-multus", str(file)]) == 2
    assert f"{file}: clusterNetwork, delegates: one of them is required" in capsys.readouterr().err
