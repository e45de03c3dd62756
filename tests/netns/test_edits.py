"""Editing a running pod's networks annotation: a real API server, agent and plugins, and live traffic (N18)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cni.annotations import NAD_KEY, STATUS_KEY
from cni.cluster import AttachmentDefinition, Pod
from cni.hotplug.edits import PROBLEM_KEY
from cni.wire import Ask, AttachOrder, Outcome
from tests.netns.test_node_in_cluster import Member, api_server, member, own
from tests.support.manifests import manifest
from tests.support.netns import TRAFFIC, Program
from tests.support.node import addresses, links, rules, run

__all__ = ["api_server", "member", "own"]

pytestmark = pytest.mark.cluster

UPLINK = "192.0.2.0/24"


def define(own: Member, name: str, number: int, **keys: Any) -> None:
    """A network of its own: a bridge with the addresses of 10.N.0.0/24, and a way to the node's uplink."""
    ipam = own.node.host_local(f"10.{number}.0.0/24", routes=[{"dst": UPLINK, "gw": f"10.{number}.0.1"}])
    content = {
        "cniVersion": "1.0.0",
        "type": "bridge",
        "bridge": f"br{number}",
        "isGateway": True,
        "ipam": ipam,
        **keys,
    }
    own.make(AttachmentDefinition(namespace="", name=name, config=json.dumps(content)))


def started(own: Member, networks: str | None = None) -> tuple[Pod, str]:
    """A pod with these networks beside its default one, and its container."""
    for number, name in enumerate(("a", "b", "c"), start=21):
        define(own, name, number)
    pod, container = own.pod(**({} if networks is None else {NAD_KEY: networks})), own.node.workload()
    assert own.call("ADD", pod, container).status == 0
    return pod, container


def edit(own: Member, pod: Pod, networks: str | None) -> None:
    """As ``kubectl annotate --overwrite``; None takes the annotation away."""
    own.admin.annotate(manifest(pod), {NAD_KEY: networks})


def annotations(own: Member, pod: Pod) -> dict[str, str]:
    found: dict[str, str] = own.admin.read(manifest(pod))["metadata"].get("annotations", {})
    return found


def status(own: Member, pod: Pod) -> dict[str, str]:
    """Network by interface, as it is told on the pod."""
    told = json.loads(annotations(own, pod).get(STATUS_KEY, "[]"))
    return {each["interface"]: each["name"].rsplit("/", 1)[-1] for each in told}


def told(own: Member, pod: Pod, wanted: dict[str, str]) -> None:
    own.node.until(lambda: status(own, pod) == wanted, f"the pod tells {wanted}", 30.0)


def test_N18_networks_come_and_go_and_the_status_follows(own: Member) -> None:
    pod, container = started(own)
    edit(own, pod, "a,b@up")
    told(own, pod, {"eth0": "blue", "eth1": "a", "up": "b"})
    assert links(container) == {"lo", "eth0", "eth1", "up"}
    assert addresses(container, "eth1")[0].startswith("10.21.")
    edit(own, pod, "c,b@up")
    told(own, pod, {"eth0": "blue", "eth2": "c", "up": "b"})
    edit(own, pod, None)
    told(own, pod, {"eth0": "blue"})
    assert links(container) == {"lo", "eth0"}
    assert [rule["priority"] for rule in rules(container)] == [20000]
    assert own.call("DEL", pod, container).status == 0
    assert own.node.addresses_taken() == []


def test_N18_what_the_pod_began_with_may_go_and_the_order_does_not_matter(own: Member) -> None:
    pod, container = started(own, "a,b")
    told(own, pod, {"eth0": "blue", "eth1": "a", "eth2": "b"})
    before = (addresses(container, "eth1"), addresses(container, "eth2"))
    edit(own, pod, "b,a")
    time.sleep(1)
    assert (addresses(container, "eth1"), addresses(container, "eth2")) == before
    edit(own, pod, "b")
    told(own, pod, {"eth0": "blue", "eth2": "b"})
    assert own.call("CHECK", pod, container).status == 0


def test_N18_another_network_under_the_same_name_is_a_live_switch(own: Member, tmp_path: Path) -> None:
    pod, container = started(own, "a@net1")
    far = tmp_path / "far"
    far.write_text("192.0.2.1")
    sink = Program(own.node.name, TRAFFIC, "sink", 5001)
    sender = Program(container, TRAFFIC, "send", far, 5001, 500)
    edit(own, pod, "b@net1")
    told(own, pod, {"eth0": "blue", "net1": "b"})
    own.node.until(lambda: own.node.ask(Ask(ask="switches")).switches[0].outcome is not None, "it ends", 60.0)
    (moved,) = own.node.ask(Ask(ask="switches")).switches
    assert (moved.outcome, moved.target.rsplit("/", 1)[-1]) == (Outcome.MOVED, "b")
    sent = sender.end()
    time.sleep(0.1)
    assert (sent["sent"] - sink.end()["heard"], sent["errors"]) == (0, 0)
    edit(own, pod, "b@net1,a")
    told(own, pod, {"eth0": "blue", "net1": "b", "eth1": "a"})
    assert len(own.node.ask(Ask(ask="switches")).switches) == 1, "what moved is what was asked for now"


def test_N18_what_cannot_be_is_told_on_the_pod_and_nothing_is_taken_away(own: Member) -> None:
    pod, container = started(own, "a@net1")
    edit(own, pod, "later@net2")
    own.node.until(lambda: "later" in annotations(own, pod).get(PROBLEM_KEY, ""), "the pod says what is missing")
    assert links(container) == {"lo", "eth0", "net1"}, "the new one comes before the old one goes"
    define(own, "later", 24)
    told(own, pod, {"eth0": "blue", "net2": "later"})
    own.node.until(lambda: PROBLEM_KEY not in annotations(own, pod), "nothing is wrong any more")
    edit(own, pod, '[{"name": "a", "colour": 1}]')
    own.node.until(lambda: "colour" in annotations(own, pod).get(PROBLEM_KEY, ""), "the pod says what is wrong")
    assert links(container) == {"lo", "eth0", "net2"}


def test_N18_isolation_of_namespaces_holds_for_edits(own: Member) -> None:
    define(own, "a", 21)
    pod, container = own.pod(), own.node.workload()
    assert own.call("ADD", pod, container, namespaceIsolation=True).status == 0
    edit(own, pod, "kube-system/a")
    own.node.until(lambda: "isolation" in annotations(own, pod).get(PROBLEM_KEY, ""), "it is refused")
    edit(own, pod, "a@net1")
    told(own, pod, {"eth0": "blue", "net1": "a"})
    assert links(container) == {"lo", "eth0", "net1"}


def test_N18_what_was_added_by_hand_is_left_alone(own: Member) -> None:
    pod, container = started(own, "a@net1")
    answer = own.node.ask(Ask(ask="attach", attach=AttachOrder(workload=f"{pod.namespace}/{pod.name}", network="red")))
    assert answer.error is None
    edit(own, pod, "")
    told(own, pod, {"eth0": "blue", "eth1": "red"})
    assert links(container) == {"lo", "eth0", "eth1"}


def test_N18_options_are_given_and_a_default_route_moves(own: Member) -> None:
    define(own, "way", 25, capabilities={"ips": True})
    pod, container = started(own)
    run("ip", "-n", container, "route", "add", "default", "via", "10.1.0.1")
    element = {"name": "way", "interface": "net1", "default-route": ["10.25.0.1"]}
    edit(own, pod, json.dumps([element]))
    told(own, pod, {"eth0": "blue", "net1": "way"})
    defaults = run("ip", "-n", container, "route", "show", "default").splitlines()
    assert [line.split(" dev ")[0].strip() for line in defaults] == ["default via 10.25.0.1"]
    edit(own, pod, json.dumps([{"name": "a", "mac": "02:00:00:00:00:01"}]))
    own.node.until(lambda: "mac" in annotations(own, pod).get(PROBLEM_KEY, ""), "no plugin of it can give a MAC (N6)")
    assert "net1" in links(container)


def test_N18_an_edit_while_the_agent_was_away_is_carried_out_when_it_is_back(own: Member) -> None:
    pod, container = started(own, "a@net1")
    told(own, pod, {"eth0": "blue", "net1": "a"})
    own.node.kill()
    edit(own, pod, "b@net2")
    own.node.start()
    told(own, pod, {"eth0": "blue", "net2": "b"})
    assert links(container) == {"lo", "eth0", "net2"}
