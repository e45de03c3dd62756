"""``switcher attach`` and ``detach`` through the running agent: pods and plain namespaces, refusals, crashes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from cni.wire import Ask
from tests.support.node import Node, addresses, links, netns, node, rules, run
from tests.support.scripted import calls, commands

pytestmark = pytest.mark.netns


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    """A node with two bridges, a scripted network and one that fails; its agent runs."""
    with node(tmp_path) as made:
        for number, name in enumerate(("blue", "red"), start=1):
            bridge = {"type": "bridge", "bridge": f"br{number}", "isDefaultGateway": True}
            made.network(f"{number}0-{name}.conflist", {**bridge, "ipam": made.host_local(f"10.{number}.0.0/24")})
        made.network("30-odd.conflist", {"type": "scripted"})
        made.network("40-fails.conflist", {"type": "scripted", "add": {"stderr": "out of luck", "exit": 1}})
        made.start()
        yield made


def switcher(here: Node, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real command."""
    command = [sys.executable, "-c", "from switcher.cli import main; main()", *arguments]
    env = {**os.environ, "SWITCHER_AGENT": f"unix:{here.socket}"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def done(here: Node, *arguments: str) -> dict[str, str]:
    """Its answer, having succeeded."""
    ended = switcher(here, *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(ended.stdout)
    return dict(row)


def defaults(workload: str) -> list[str]:
    return [line.strip() for line in run("ip", "-n", workload, "route", "show", "default").splitlines()]


def test_a_pod_comes_onto_a_network_and_leaves_it(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    before = (rules(workload), defaults(workload), here.addresses_taken())
    added = done(here, "attach", f"lab/{workload}", "red")
    assert (added["attachment"], added["network"]) == ("eth1", "cni:red")
    assert added["addresses"].split() == addresses(workload, "eth1")
    assert defaults(workload) == before[1], "the default route was not asked for"
    assert here.genie("CHECK", workload).status == 0
    assert done(here, "detach", f"lab/{workload}", "red")["attachment"] == "eth1"
    assert links(workload) == {"lo", "eth0"}
    assert (rules(workload), defaults(workload), here.addresses_taken()) == before
    assert here.genie("DEL", workload).status == 0
    assert here.rows() == []


def test_names_follow_the_runtimes_configuration(here: Node) -> None:
    first, second = here.workload(), here.workload()
    assert here.genie("ADD", first, "blue,red@eth2").status == 0
    assert [done(here, "attach", f"lab/{first}", "red")["attachment"] for _ in range(2)] == ["eth1", "eth3"]
    multus = {"cniVersion": "1.0.0", "name": "multus", "type": "genie", "interfacePrefix": "net"}
    assert here.call(here.environment("ADD", second, "blue,red@net1"), multus).status == 0
    run("ip", "-n", second, "link", "add", "net2", "type", "veth", "peer", "other")
    assert done(here, "attach", f"lab/{second}", "cni:red")["attachment"] == "net3"
    assert done(here, "attach", f"lab/{second}", "red", "--ifname", "up")["attachment"] == "up"
    several = switcher(here, "detach", f"lab/{second}", "red")
    assert several.returncode == 2
    assert "say which interface (net1, net3, up)" in several.stderr
    assert done(here, "detach", f"lab/{second}", "red", "--ifname", "up")["attachment"] == "up"


def test_T76_what_was_hot_added_goes_with_its_pod(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    done(here, "attach", f"lab/{workload}", "red")
    done(here, "attach", f"lab/{workload}", "odd")
    valid = [{"containerID": workload, "ifname": "eth0"}]
    assert here.about_node("GC", **{"cni.dev/valid-attachments": valid}).status == 0, "T109"
    assert links(workload) == {"lo", "eth0", "eth1"}
    assert here.genie("DEL", workload).status == 0
    assert (here.rows(), here.addresses_taken(), links(workload)) == ([], [], {"lo"})
    assert commands(here.calls) == [("ADD", "scripted"), ("DEL", "scripted")]


def test_the_plugins_are_told_of_the_pod_but_not_of_what_was_for_another_network(here: Node) -> None:
    workload = here.workload()
    args = f'K8S_POD_NAMESPACE=lab;K8S_POD_NAME={workload};IP=10.1.0.9;K8S_ANNOT={{"cni": "blue"}}'
    assert here.genie("ADD", workload, CNI_ARGS=args).status == 0
    done(here, "attach", f"lab/{workload}", "odd")
    (call,) = calls(here.calls)
    assert call["env"]["CNI_ARGS"] == f"IgnoreUnknown=1;K8S_POD_NAMESPACE=lab;K8S_POD_NAME={workload}"
    assert (call["env"]["CNI_CONTAINERID"], call["env"]["CNI_NETNS"]) == (workload, netns(workload))


def test_what_the_runtime_made_stays_unless_forced_and_the_primary_always(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,red").status == 0
    refused = switcher(here, "detach", f"lab/{workload}", "red")
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    primary = switcher(here, "detach", f"lab/{workload}", "eth0", "--force")
    assert primary.returncode == 1
    assert "primary interface" in primary.stderr
    assert links(workload) == {"lo", "eth0", "eth1"}
    assert done(here, "detach", f"lab/{workload}", "red", "--force")["attachment"] == "eth1"
    assert here.genie("CHECK", workload).status == 0
    assert here.genie("DEL", workload).status == 0
    assert (here.rows(), here.addresses_taken()) == ([], [])


def test_a_plain_namespace_is_known_from_its_first_attachment_to_its_last(here: Node) -> None:
    workload = here.workload()
    first = done(here, "attach", f"netns:{netns(workload)}", "blue")
    assert (first["workload"], first["attachment"]) == (workload, "eth0")
    assert defaults(workload) == ["default via 10.1.0.1 dev eth0"], "nothing led anywhere before"
    assert done(here, "attach", workload, "red")["attachment"] == "eth1", "by its name from now on"
    reports = here.ask(Ask(ask="attachments")).attachments
    assert [(r.workload, r.attachment, r.primary) for r in reports] == [
        (workload, "eth0", False),
        (workload, "eth1", False),
    ]
    done(here, "detach", workload, "blue")
    assert [line.split(" proto ")[0] for line in defaults(workload)] == ["default via 10.2.0.1 dev eth1"], "the next"
    done(here, "detach", f"netns:/run/../run/netns/{workload}", "eth1")
    assert (here.rows(), here.addresses_taken(), links(workload), rules(workload)) == ([], [], {"lo"}, [])
    forgotten = switcher(here, "attach", workload, "blue")
    assert forgotten.returncode == 2
    assert "no running workload" in forgotten.stderr


def test_a_namespace_of_a_runtimes_container_is_that_container(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    assert done(here, "attach", f"netns:{netns(workload)}", "red")["workload"] == f"lab/{workload}"
    assert {row[0] for row in here.rows()} == {workload}


def test_a_plain_namespace_that_is_gone_is_forgotten(here: Node) -> None:
    workload = here.workload()
    done(here, "attach", f"netns:{netns(workload)}", "blue")
    run("ip", "netns", "del", workload)
    here.stop()
    here.start()
    here.until(lambda: (here.rows(), here.addresses_taken()) == ([], []), "it is forgotten")


def test_a_plain_namespace_made_anew_begins_anew(here: Node) -> None:
    workload = here.workload()
    done(here, "attach", f"netns:{netns(workload)}", "blue")
    run("ip", "netns", "del", workload)
    run("ip", "netns", "add", workload)
    assert done(here, "attach", f"netns:{netns(workload)}", "red")["attachment"] == "eth0"
    assert [row[1] for row in here.rows()] == ["eth0"]
    assert [address.partition(".")[0] for address in here.addresses_taken()] == ["10"]


def test_a_failure_is_told_and_leaves_nothing(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    failed = switcher(here, "attach", f"lab/{workload}", "fails")
    assert failed.returncode == 1
    assert f"lab/{workload} could not be attached to fails: plugin scripted: ADD" in failed.stderr
    assert "out of luck" in failed.stderr
    assert links(workload) == {"lo", "eth0"}
    assert [row[1] for row in here.rows()] == ["eth0"]
    assert [rule["priority"] for rule in rules(workload)] == [20000]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("attach", "lab/none", "blue"), "no running workload 'lab/none'"),
        (("attach", "HERE", "nowhere"), "nowhere"),
        (("attach", "HERE", "red", "--ifname", "eth0"), "eth0 already"),
        (("detach", "HERE", "red"), "it has: eth0 on cni:blue"),
        (("attach", "netns:relative", "blue"), "whole path"),
        (("attach", "netns:/proc/1/ns/net", "blue"), "ends with its process"),
        (("attach", "HERE", "red", "--agent", "/run/x.sock"), "not unix:/path"),
    ],
    ids=["workload", "network", "interface", "attachment", "path", "a process", "agent"],
)
def test_bad_input_is_told_with_status_2(here: Node, arguments: tuple[str, ...], word: str) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    refused = switcher(here, *(word.replace("HERE", f"lab/{workload}") for word in arguments))
    assert refused.returncode == 2, refused.stderr
    assert word in refused.stderr
    assert len(here.rows()) == 1


def test_the_nodes_own_namespace_is_refused(here: Node) -> None:
    refused = switcher(here, "attach", f"netns:{netns(here.name)}", "blue")
    assert refused.returncode == 1
    assert "host's network" in refused.stderr


def test_a_kill_in_the_middle_of_an_add_leaves_nothing(here: Node) -> None:
    reached = here.path / "reached"
    here.network("60-slow.conflist", {"type": "scripted", "tag": "slow", "add": {"touch": str(reached), "wait": 5}})
    workload = here.workload()
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(switcher, here, "attach", f"netns:{netns(workload)}", "slow")
        here.until(reached.exists, "the slow delegate runs")
        assert [rule["priority"] for rule in rules(workload)] == [32765], "pinned"
        here.kill()
        assert adding.result().returncode == 1
    here.start()
    assert (here.rows(), rules(workload), links(workload)) == ([], [], {"lo"}), "undone before it serves"
    assert commands(here.calls)[-1] == ("DEL", "slow")


def test_the_node_is_found_as_a_move_finds_it(here: Node) -> None:
    settings = {"database": f"sqlite:///{here.path}/h.db", "objects": [str(here.path)]}
    config = here.path / "controller.yaml"
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0

    def asked(nodes: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        config.write_text(yaml.safe_dump({**settings, "nodes": nodes}))
        command = [sys.executable, "-c", "from switcher.cli import main; main()", *arguments, "--config", str(config)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    one = {"n1": f"unix:{here.socket}"}
    assert "\tn1" in asked(one, "attach", f"lab/{workload}", "red").stdout
    two = {**one, "n2": f"unix:{here.socket}"}
    unclear = asked(two, "detach", f"lab/{workload}", "red")
    assert unclear.returncode == 2
    assert "--node (nodes: n1, n2)" in unclear.stderr
    assert asked(two, "detach", f"lab/{workload}", "red", "--node", "n2").returncode == 0
    unknown = asked(two, "detach", "lab/none", "red")
    assert unknown.returncode == 2
    assert "no node has a workload lab/none" in unknown.stderr
