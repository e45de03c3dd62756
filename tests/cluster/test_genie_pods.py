"""Pods on one network and on three, as ``kubectl`` makes them: what they get, what is written on them, what is left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.cluster import pod
from tests.support.cluster.networks import belongs
from tests.support.cluster.site import NETWORKS, Site

ADDRESSES = "multi-ip-preferences"


@dataclass(frozen=True)
class Ask:
    """Annotations, and what they come to: interfaces with their networks, in order; ``names`` is the status'."""

    annotations: Mapping[str, str]
    interfaces: Mapping[str, str]
    names: Sequence[str]


ELEMENTS = [
    {"name": "green"},
    {"name": "asked", "namespace": "default", "interface": "lan", "mac": "02:00:00:00:00:07", "ips": ["10.90.9.9/16"]},
]
THREE = {
    "by cni": Ask(
        {"cni": "pods, blue@eth5,red"}, {"eth0": "pods", "eth5": "blue", "eth1": "red"}, ["pods", "blue", "red"]
    ),
    "by the standard's short form": Ask(
        {NETWORKS: "green,default/red@net7"},
        {"eth0": "pods", "eth1": "green", "net7": "red"},
        ["pods", "default/green", "default/red"],
    ),
    "by logical networks": Ask(
        {"cni": "", "networks": "net1@eth0,net2@eth4,net3"},
        {"eth0": "net1", "eth4": "net2", "eth1": "net3"},
        ["default/net1", "default/net2", "default/net3"],
    ),
}


@pytest.mark.parametrize("asked", THREE.values(), ids=THREE)
def test_three_interfaces(site: Site, asked: Ask) -> None:
    one, other = site.start(*(pod(name, annotations=asked.annotations) for name in ("one", "other")))
    for found in (one, other):
        expect_networks(site, found, asked)
    site.reach("one", "other")
    site.remove("one", "other")


def test_a_pod_that_says_nothing(site: Site) -> None:
    plain = Ask({}, {"eth0": "pods"}, ["pods"])
    one, other = site.start(pod("one"), pod("other"))
    for found in (one, other):
        expect_networks(site, found, plain)
    site.reach("one", "other")
    site.remove("one", "other")


def test_an_address_and_a_mac_that_the_pod_asks_for(site: Site) -> None:
    asked = Ask(
        {NETWORKS: json.dumps(ELEMENTS)},
        {"eth0": "pods", "eth1": "green", "lan": "asked"},
        ["pods", "default/green", "default/asked"],
    )
    (found,) = site.start(pod("picky", annotations=asked.annotations))
    expect_networks(site, found, asked)
    link = site.links("picky")["lan"]
    assert (link.mac, link.addresses) == ("02:00:00:00:00:07", ["10.90.9.9"])
    site.remove("picky")


def test_the_choice_is_left_to_the_node(site: Site) -> None:
    (found,) = site.start(pod("open", annotations={"cni": ""}))
    chosen = found["metadata"]["annotations"]["cni"]
    assert site.written("open", "switcher.genie.io/choice")["network"] == f"cni:{chosen}"
    assert belongs(found["status"]["podIP"], chosen)
    site.remove("open")


def test_a_deployment_and_its_replicas(site: Site) -> None:
    labels = {"app": "shop"}
    metadata = {"labels": labels, "annotations": {NETWORKS: "green,red"}}
    template = {"metadata": metadata, "spec": pod("shop", terminationGracePeriodSeconds=30)["spec"]}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    shop = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}
    site.cluster.kubectl.apply(shop)
    site.cluster.kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    pods = site.cluster.kubectl.read("get", "pods", "-l", "app=shop")["items"]
    names = [each["metadata"]["name"] for each in pods]
    assert len(names) == 3
    for network in ("eth0", "eth1", "eth2"):
        taken = {address for name in names for address in site.links(name)[network].addresses}
        assert len(taken) == 3, f"each replica has its own address on {network}"
    site.reach(names[0], names[1])
    site.reach(names[2], names[1])
    site.cluster.kubectl("delete", "deployment", "shop", "--cascade=foreground", "--timeout=60s")


def expect_networks(site: Site, found: Mapping[str, Any], asked: Ask) -> None:
    """What the kernel has is what was asked for, and what is written on the pod is what the kernel has."""
    name = found["metadata"]["name"]
    links = site.links(name)
    assert links.keys() == asked.interfaces.keys()
    for interface, network in asked.interfaces.items():
        (address,) = links[interface].addresses
        assert belongs(address, network), f"{interface} of {name}: {address} is not of {network}"
    assert found["status"]["podIPs"] == [{"ip": links["eth0"].addresses[0]}]
    shown = [
        {"name": network, "interface": interface, "mac": link.mac, "mtu": link.mtu, "ips": link.addresses}
        for network, interface in zip(asked.names, asked.interfaces, strict=True)
        for link in (links[interface],)
    ]
    status = site.written(name)
    assert [{key: entry[key] for key in shown[0]} for entry in status] == shown
    assert [entry.get("default", False) for entry in status] == [True] + [False] * (len(shown) - 1)
    expect_addresses(found["metadata"]["annotations"], asked, shown)


def expect_addresses(annotations: Mapping[str, str], asked: Ask, shown: Sequence[Mapping[str, Any]]) -> None:
    """CNI-Genie's list, byte for byte as it wrote it, where its annotations were used and there is more than one."""
    if len(shown) == 1 or NETWORKS in asked.annotations:
        assert ADDRESSES not in annotations
        return
    ips = ",".join(
        f'"ip{number}":{{"ip":"{entry["ips"][0]}","interface":"{entry["interface"]}"}}'
        for number, entry in enumerate(shown, start=1)
    )
    assert annotations[ADDRESSES] == f'{{"multi_entry":{len(shown)},"ips":{{{ips}}}}}'
