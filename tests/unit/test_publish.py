"""What the pod is told of its networks, in the words of whoever asked: CNI-Genie's annotations or the standard's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cni.cluster import Pod
from cni.model import Attachment, AttachmentState
from cni.publish import Notice, Publisher
from cni.store import Store
from tests.support.fake_cluster import FakeCluster

NAD = "k8s.v1.cni.cncf.io/networks"
STATUS = "k8s.v1.cni.cncf.io/network-status"
ADDRESSES = "multi-ip-preferences"


@dataclass(frozen=True)
class Link:
    mac: str
    mtu: int


class Kernel:
    def links(self, netns: str) -> Mapping[str, Link]:
        assert netns == "/run/netns/c1"
        return {"eth0": Link("02:00:00:00:00:01", 1450), "eth1": Link("02:00:00:00:00:02", 1500)}


def row(position: int, network: str, *addresses: str, **result: Any) -> Attachment:
    name = f"eth{position}"
    ips = [{"address": address} for address in addresses]
    return Attachment(
        container_id="c1",
        name=name,
        generation=0,
        workload="shop/web-0",
        netns="/run/netns/c1",
        ifname=name,
        network=network,
        physical_network=None,
        delegate_id="c1",
        config=json.dumps({"name": network.rpartition(":")[2], "plugins": [{"type": "bridge"}]}).encode(),
        cni_args="",
        capabilities=b"{}",
        result=json.dumps({"ips": ips, **result}).encode(),
        state=AttachmentState.READY,
        table=1000 + position,
        position=position,
        created_at=0,
        started_at=0,
        pod_uid="u1",
    )


FIRST = row(0, "cni:cbr0", "10.244.0.201/24", "fd00::9/64")
SECOND = row(1, "cni:weave", "10.32.0.4/12")


def published(path: Path, annotations: Mapping[str, str], *rows: Attachment, **extra: str) -> dict[str, str]:
    """The annotations of the pod afterwards."""
    store = Store(path / "store.db")
    for each in rows:
        store.put(each)
    pod = Pod(namespace="shop", name="web-0", uid="u1", node="n1", annotations=annotations)
    cluster = FakeCluster("n1", pod)
    notice = Notice(container_id="c1", cluster=cluster, pod=pod, extra=extra)
    Publisher(store, Kernel(), tuple).now(notice)
    return dict(cluster.pod("shop", "web-0").annotations)


@pytest.mark.parametrize("asked", [{"cni": "cbr0,weave"}, {"cni": "", "networks": "a,b"}, {}], ids=str)
def test_genies_pods_get_every_address(tmp_path: Path, asked: dict[str, str]) -> None:
    """CNI-Genie wrote the first address of each; the form is its own."""
    written = published(tmp_path, asked, FIRST, SECOND)
    assert written[ADDRESSES] == (
        '{"multi_entry":3,"ips":{"ip1":{"ip":"10.244.0.201","interface":"eth0"},'
        '"ip2":{"ip":"fd00::9","interface":"eth0"},"ip3":{"ip":"10.32.0.4","interface":"eth1"}}}'
    )
    assert [entry["name"] for entry in json.loads(written[STATUS])] == ["cbr0", "weave"]
    assert written.items() >= asked.items()


def test_a_single_interface_has_no_list_and_an_old_one_is_removed(tmp_path: Path) -> None:
    written = published(tmp_path, {"cni": "weave", ADDRESSES: "of an earlier sandbox"}, FIRST)
    assert ADDRESSES not in written
    assert len(json.loads(written[STATUS])) == 1


def test_the_standards_pods_get_the_standards_annotation_alone(tmp_path: Path) -> None:
    written = published(tmp_path, {NAD: "a", ADDRESSES: "kept"}, FIRST, row(1, "nad:shop/a", "10.5.0.2/24"))
    assert written[ADDRESSES] == "kept"
    assert [(e["name"], e.get("default"), e["mac"], e["mtu"]) for e in json.loads(written[STATUS])] == [
        ("cbr0", True, "02:00:00:00:00:01", 1450),
        ("shop/a", None, "02:00:00:00:00:02", 1500),
    ]


def test_the_smart_choice_is_written_where_genie_wrote_it(tmp_path: Path) -> None:
    written = published(tmp_path, {"cni": " "}, FIRST, cni="cbr0")
    assert written["cni"] == "cbr0"


def test_fault_16_control_characters_are_escaped_as_json_has_them(tmp_path: Path) -> None:
    odd = row(0, "cni:cbr0", dns={"search": ['\u0000\u001f\u007f\u2028"\\']})
    (entry,) = json.loads(published(tmp_path, {}, odd)[STATUS])
    assert entry["dns"] == {"search": ['\u0000\u001f\u007f\u2028"\\']}
