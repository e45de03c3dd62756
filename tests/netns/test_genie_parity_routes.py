"""Several networks that each bring a default route: CNI-Genie's users met "file exists", and unreachable addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.genie_site import genie_site
from tests.support.node import run
from tests.support.pods import Pods, asymmetric, given, routes

pytestmark = pytest.mark.netns

NAD = "k8s.v1.cni.cncf.io/networks"
STATUS = "k8s.v1.cni.cncf.io/network-status"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    path = tmp_path_factory.mktemp("site")
    with genie_site(path, objects=str(path / "objects")) as made:
        made.defined("flannel", {"cniVersion": "0.4.0", "type": "flannel", "delegate": {"isDefaultGateway": True}})
        made.defined("weave", {"cniVersion": "0.4.0", "type": "weave-net"})
        yield made


def defaults(workload: str) -> list[str]:
    return [line for line in routes(workload, "main") if line.startswith("default")]


def gone(site: Pods, workload: str) -> None:
    assert site.delete(workload).status == 0
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("weave,calico", id="fault 19 calico second"),
        pytest.param("calico,weave", id="fault 19 calico first"),
        pytest.param("weave,calico,romana,flannel", id="fault 19 calico among others"),
    ],
)
def test_the_first_network_carries_the_default_route(site: Pods, asked: str) -> None:
    """Its issue 205: calico refuses to add a default route where there is one; others take it from each other."""
    site.forget_calls()
    annotations = {"cni": asked}
    workload, added = site.add(annotations)
    assert added.status == 0, added
    (only,) = defaults(workload)
    assert "dev eth0" in only
    entries = json.loads(site.written(workload, annotations)[STATUS])
    assert [bool(entry.get("default")) for entry in entries] == [True] + [False] * (len(entries) - 1)
    assert [number for number, entry in enumerate(entries) if entry.get("gateway")] in ([0], []), "calico names none"
    for ifname, (address,) in given(workload).items():
        own = address.partition("/")[0]
        (way,) = json.loads(run("ip", "-n", workload, "-j", "route", "get", "198.51.100.1", "from", own))
        assert way["dev"] == ifname, "every address answers by its own interface"
    gone(site, workload)


@pytest.mark.parametrize(
    ("asked", "carrier", "gateway"),
    [
        pytest.param([{"name": "flannel"}], "eth0", None, id="N8 not said"),
        pytest.param([{"name": "flannel", "default-route": ["10.244.1.1"]}], "eth1", "10.244.1.1", id="N8 one of them"),
        pytest.param(
            [{"name": "flannel"}, {"name": "weave", "default-route": ["10.32.0.1"]}], "eth2", "10.32.0.1", id="N8 last"
        ),
        pytest.param([{"name": "flannel", "default-route": []}], None, None, id="N8 none"),
    ],
)
def test_the_annotation_says_who_carries_it(
    site: Pods, asked: list[dict[str, object]], carrier: str | None, gateway: str | None
) -> None:
    """The cluster's default network stays the status' default entry; the gateway tells who carries the route."""
    site.forget_calls()
    annotations = {NAD: json.dumps(asked)}
    workload, added = site.add(annotations)
    assert added.status == 0, added
    assert [line.split(" dev ")[1].split()[0] for line in defaults(workload)] == ([] if carrier is None else [carrier])
    entries = json.loads(site.written(workload, annotations)[STATUS])
    assert [entry["interface"] for entry in entries if entry.get("default")] == ["eth0"]
    told = {entry["interface"]: entry["gateway"] for entry in entries if "gateway" in entry}
    assert told == ({} if gateway is None else {carrier: [gateway]})
    told_to_the_runtime = [route.get("gw") for route in added.json.get("routes", []) if route["dst"] == "0.0.0.0/0"]
    assert told_to_the_runtime == ([] if gateway is None else [gateway])
    gone(site, workload)


def test_N8_a_gateway_that_the_network_does_not_lead_to_is_refused(site: Pods) -> None:
    site.forget_calls()
    workload, refused = site.add({NAD: json.dumps([{"name": "flannel", "default-route": ["203.0.113.9"]}])})
    assert refused.status == 1
    assert "203.0.113.9" in refused.json["msg"]
    assert asymmetric(site.calls()) == []
    assert site.leftovers(workload) == []
