"""Networks by name: the node's files and the cluster's objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni.cluster import AttachmentDefinition, LogicalNetwork, PhysicalNetwork, Uplink
from cni.netconf import ConfDir, NetworkUnknown
from cni.networks import Networks
from tests.support.fake_cluster import FakeCluster, Object

LAN = {"cniVersion": "1.0.0", "name": "ocean", "plugins": [{"type": "bridge", "ipam": {"type": "host-local"}}]}
PHYSICAL = "switcher.genie.io/physical-network"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "10-lan.conflist").write_text(json.dumps({**LAN, PHYSICAL: "of-the-file"}))
    (tmp_path / "20-flat.conf").write_text(json.dumps({"cniVersion": "1.0.0", "name": "flat", "type": "macvlan"}))
    return tmp_path


def known(directory: Path, *objects: Object, **labels: str) -> tuple[Networks, FakeCluster]:
    cluster = FakeCluster("n1", *objects)
    cluster.labels = labels
    return Networks(ConfDir(directory)).of_cluster(cluster), cluster


def definition(name: str, config: dict[str, Any] | str = "", **fields: Any) -> AttachmentDefinition:
    text = config if isinstance(config, str) else json.dumps(config)
    return AttachmentDefinition(**{"namespace": "shop", "name": name, "config": text, **fields})


# --- NetworkAttachmentDefinitions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"cniVersion": "0.4.0", "type": "x"},
            {"name": "a", "plugins": [{"cniVersion": "0.4.0", "type": "x", "name": "a"}], "cniVersion": "0.4.0"},
            id="N4 a single plugin",
        ),
        pytest.param(
            {"plugins": [{"type": "x"}]}, {"cniVersion": "0.3.0", "name": "a", "plugins": [{"type": "x"}]}, id="N4 list"
        ),
        pytest.param(
            {"name": "\t", "cniVersions": ["1.0.0"], "plugins": [{"type": "x"}]},
            {"name": "a", "cniVersions": ["1.0.0"], "plugins": [{"type": "x"}]},
            id="N4 a blank name",
        ),
        pytest.param(
            {"name": "own", "cniVersion": "1.0.0", "plugins": [{"type": "x"}], "disableCheck": True},
            {"name": "own", "cniVersion": "1.0.0", "plugins": [{"type": "x"}], "disableCheck": True},
            id="N3 spec.config as it is",
        ),
        pytest.param("", LAN, id="N3 on the disk"),
        pytest.param("  \n", LAN, id="N3 blank is empty"),
    ],
)
def test_a_definitions_configuration(directory: Path, config: Any, expected: dict[str, Any]) -> None:
    name = "ocean" if isinstance(config, str) else "a"
    networks, _ = known(directory, definition(name, config))
    found = networks.find(f"nad:shop/{name}")
    content = json.loads(found.config)
    content.pop(PHYSICAL, None)
    assert content == expected
    assert (found.network, found.own_name) == (f"nad:shop/{name}", expected["name"])


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param("{", "is not JSON", id="no JSON"),
        pytest.param("[]", "is not a JSON object", id="a list"),
        pytest.param({"cniVersion": "1.0.0"}, "type is missing", id="no type"),
        pytest.param({"plugins": []}, "at least one plugin", id="no plugins"),
        pytest.param({"plugins": [{"name": "x"}]}, "every plugin needs a type", id="a plugin without type"),
        pytest.param({"type": "genie"}, "would call itself", id="genie"),
        pytest.param({"type": "x", PHYSICAL: 5}, "must be a name", id="a number as physical network"),
        pytest.param("", "no configuration named 'a' is in", id="N3 not on the disk"),
    ],
)
def test_what_is_wrong_with_a_definition_is_told(directory: Path, config: Any, reason: str) -> None:
    networks, _ = known(directory, definition("a", config))
    with pytest.raises(NetworkUnknown) as caught:
        networks.find("nad:shop/a")
    assert reason in str(caught.value)
    assert "nad:shop/a" in str(caught.value)
    assert not caught.value.later


def test_the_physical_network_is_the_annotations_else_the_files(directory: Path) -> None:
    annotated = definition("ocean", annotations={PHYSICAL: "of-the-annotation"})
    networks, cluster = known(directory, annotated)
    assert networks.find("nad:shop/ocean").physical_network == "of-the-annotation"
    cluster.put(definition("ocean"))
    assert networks.find("nad:shop/ocean").physical_network == "of-the-file"
    assert networks.find("lan").physical_network == "of-the-file"


# --- LogicalNetworks ------------------------------------------------------------------------------------------------


def test_a_logical_network_is_a_file_with_another_subnet_on_the_nodes_own_nic(directory: Path) -> None:
    (directory / "20-flat.conf").write_text(
        json.dumps({"cniVersion": "1.0.0", "name": "flat", "type": "macvlan", "ipam": {"type": "host-local"}})
    )
    rack = Uplink(refer_nic="ens7", node_selector={"rack": "b"})
    networks, cluster = known(
        directory,
        LogicalNetwork(namespace="shop", name="l", physical_net="p", plugin="flat", sub_subnet="10.9.0.0/24"),
        PhysicalNetwork(namespace="shop", name="p", refer_nic="ens3", uplinks=(rack,)),
        rack="b",
    )
    found = networks.find("logical:shop/l")
    (plugin,) = json.loads(found.config)["plugins"]
    assert plugin["master"] == "ens7"
    assert plugin["ipam"] == {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24"}]]}
    assert (found.network, found.own_name, found.physical_network) == ("logical:shop/l", "flat", "shop/p")
    cluster.labels = {"rack": "c"}
    assert json.loads(networks.find("logical:shop/l").config)["plugins"][0]["master"] == "ens3"


@pytest.mark.parametrize(
    ("physical", "reason"),
    [
        pytest.param(None, "there is no PhysicalNetwork shop/p", id="fault 23 no such network"),
        pytest.param(
            PhysicalNetwork(namespace="shop", name="p", dedicated=True), "sharedStatus.plugin", id="no plugin"
        ),
    ],
)
def test_what_a_logical_network_lacks_is_told(directory: Path, physical: PhysicalNetwork | None, reason: str) -> None:
    logical = LogicalNetwork(namespace="shop", name="l", physical_net="p")
    networks, _ = known(directory, logical, *([] if physical is None else [physical]))
    with pytest.raises(NetworkUnknown, match=reason):
        networks.find("logical:shop/l")


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_bare_name_is_a_file_else_an_object_of_the_systems_namespace(directory: Path) -> None:
    networks, cluster = known(
        directory,
        definition("wan", {"type": "x"}, namespace="genie-system"),
        definition("lan", {"type": "x"}, namespace="shop"),
        LogicalNetwork(namespace="genie-system", name="tenant", plugin="lan"),
    )
    assert networks.find("lan").network == "cni:lan"
    assert networks.find("ocean").network == "cni:lan", "the name in the file"
    assert networks.find("wan").network == "nad:genie-system/wan"
    assert networks.find("tenant").network == "logical:genie-system/tenant"
    assert networks.find("shop/lan").network == "nad:shop/lan"
    cluster.put(definition("lan", {"type": "x"}, namespace="genie-system"))
    with pytest.raises(NetworkUnknown, match="may be any of cni:lan, nad:genie-system/lan: name one of these"):
        networks.find("lan")
    assert networks.find("cni:lan").network == "cni:lan"


@pytest.mark.parametrize("name", ["nowhere", "shop/nowhere", "nad:shop/nowhere", "logical:shop/nowhere", "nad:nowhere"])
def test_an_unknown_name_is_told(directory: Path, name: str) -> None:
    networks, _ = known(directory)
    with pytest.raises(NetworkUnknown, match="nowhere") as caught:
        networks.find(name)
    assert not caught.value.later


@pytest.mark.parametrize("name", ["nad:shop/a", "logical:shop/l", "shop/a"])
def test_without_objects_their_names_are_told_apart_from_unknown_ones(directory: Path, name: str) -> None:
    with pytest.raises(NetworkUnknown, match="shop/"):
        Networks(ConfDir(directory)).find(name)


def test_while_the_server_is_away_what_was_seen_counts_and_the_rest_may_come(directory: Path) -> None:
    networks, cluster = known(directory, definition("a", {"type": "x"}))
    cluster.away = True
    assert networks.find("nad:shop/a").own_name == "a"
    with pytest.raises(NetworkUnknown) as caught:
        networks.find("nad:shop/b")
    assert caught.value.later
    cluster.away, cluster.refused = False, "may not get network-attachment-definitions"
    with pytest.raises(NetworkUnknown, match="may not get") as caught:
        networks.find("nad:shop/b")
    assert not caught.value.later


def test_all_networks_are_those_that_can_be_attached_to(directory: Path) -> None:
    networks, _ = known(
        directory,
        definition("a", {"type": "x"}),
        definition("bad", "{"),
        LogicalNetwork(namespace="shop", name="l", plugin="lan"),
        LogicalNetwork(namespace="shop", name="none", plugin="nowhere"),
    )
    assert [each.network for each in networks.all()] == ["cni:lan", "cni:flat", "nad:shop/a", "logical:shop/l"]
    assert networks.default().network == "cni:lan"
