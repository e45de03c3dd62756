"""The agent on a node, called through the real binary, with real plugins in real namespaces."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cni.wire import Ask, frame
from tests.support.node import Node, addresses, links, netns, node, rules, run
from tests.support.scripted import calls, commands
from tests.support.shim import ROOT, SWALLOWED, body

pytestmark = pytest.mark.netns


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    """A node with a bridge, a macvlan, a ptp, a chain, and scripted networks; its agent runs."""
    with node(tmp_path) as made:
        bridge = {"type": "bridge", "bridge": "br0", "isDefaultGateway": True}
        made.network(
            "10-blue.conflist",
            {**bridge, "ipam": made.host_local("10.1.0.0/24")},
            **{"switcher.genie.io/physical-network": "phynet0"},
        )
        made.network("20-red.conflist", {"type": "macvlan", "master": "eth2", "ipam": made.host_local("10.2.0.0/24")})
        made.network("30-line.conflist", {"type": "ptp", "ipam": made.host_local("10.3.0.0/24")})
        made.network(
            "40-chain.conflist",
            {"type": "bridge", "bridge": "br1", "ipam": made.host_local("10.4.0.0/24")},
            {"type": "tuning", "mtu": 1400},
            {"type": "scripted", "tag": "last"},
        )
        made.network("50-fails.conflist", {"type": "scripted", "add": {"stderr": "out of luck", "exit": 1}})
        made.start()
        yield made


def nothing_left(here: Node, workload: str) -> None:
    assert here.rows() == []
    assert here.addresses_taken() == []
    assert links(workload) == {"lo"}
    assert rules(workload) == []
    assert not {link for link in here.links() if link.startswith("veth")}


@pytest.mark.parametrize("version", ["0.2.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_T41_T42_T43_add_and_del_with_several_networks(here: Node, version: str) -> None:
    workload = here.workload()
    added = here.genie("ADD", workload, "blue,red@net1,line,chain@net3", version)
    assert added.status == 0, added
    result = added.json
    assert result["cniVersion"] == version, "T41"
    assert links(workload) == {"lo", "eth0", "net1", "eth1", "net3"}
    if version == "0.2.0":
        assert result["ip4"]["ip"].startswith("10.1.0.")
    else:
        inside = [i["name"] for i in result["interfaces"] if i.get("sandbox") == netns(workload)]
        assert inside == ["eth0", "net1", "eth1", "net3"], "T42"
        on_host = {i["name"] for i in result["interfaces"] if not i.get("sandbox")}
        assert on_host == here.links(), "T42: bridges and their ends"
        named = {result["interfaces"][ip["interface"]]["name"]: ip["address"] for ip in result["ips"]}
        assert {name: [address] for name, address in named.items()} == {
            name: addresses(workload, name) for name in inside
        }, "T43"
    assert here.genie("DEL", workload, version=version).status == 0
    nothing_left(here, workload)
    assert commands(here.calls) == [("ADD", "last"), ("DEL", "last")]
    assert here.genie("DEL", workload, version=version).stdout == b"", "T23"


def test_every_attachment_has_its_own_way_back(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,red@net1").status == 0
    sources = {rule["src"]: rule["table"] for rule in rules(workload)}
    assert {f"{address}/24" for address in sources} == {*addresses(workload, "eth0"), *addresses(workload, "net1")}
    assert sorted(sources.values()) == ["1000", "1001"]


def test_the_agent_tells_what_is_attached(here: Node) -> None:
    workload = here.workload()
    args = {"cni": "blue,red@net1", "switcher.genie.io/do-not-move": "true", "switcher.genie.io/labels": "app=web"}
    added = here.genie("ADD", workload, CNI_ARGS=f"K8S_POD_NAMESPACE=lab;K8S_POD_NAME=w01;K8S_ANNOT={json.dumps(args)}")
    assert added.status == 0
    first, second = here.ask(Ask(ask="attachments")).attachments
    assert (first.workload, first.attachment, first.network) == ("lab/w01", "eth0", "cni:blue")
    assert (first.physical_network, first.primary, second.primary) == ("phynet0", True, False)
    assert (second.do_not_move, second.labels) == ("true", {"app": "web"})
    assert list(second.addresses) == addresses(workload, "net1")
    networks = {report.network: report for report in here.ask(Ask(ask="networks")).networks}
    assert networks["cni:blue"].free_addresses == 252
    assert networks["cni:fails"].free_addresses is None


@pytest.mark.parametrize("command", ["DEL", "CHECK"])
def test_T64_T88_a_container_that_was_never_added(here: Node, command: str) -> None:
    reply = here.genie(command, here.workload())
    assert (reply.status == 0) is (command == "DEL")


def test_T60_T61_T62_del_twice_without_netns_and_without_namespace(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,red@net1").status == 0
    run("ip", "netns", "del", workload)
    assert here.genie("DEL", workload).status == 0
    assert here.genie("DEL", workload, CNI_NETNS="").status == 0
    assert here.rows() == []
    assert here.addresses_taken() == []


def test_T67_the_configuration_of_add_time_is_deleted(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "chain@net1").status == 0
    (here.conf_dir / "40-chain.conflist").unlink()
    assert here.genie("DEL", workload, "blue").status == 0, "today's annotation does not matter"
    nothing_left(here, workload)
    added, deleted = calls(here.calls)
    assert added["env"] | {"CNI_COMMAND": "DEL"} == deleted["env"], "T68"
    assert deleted["config"]["prevResult"]["ips"], "T69"


def test_T47_a_failing_second_network_undoes_the_first(here: Node) -> None:
    workload = here.workload()
    failed = here.genie("ADD", workload, "blue,chain,fails,red")
    assert failed.status != 0
    assert "out of luck" in failed.json["msg"], "T26"
    assert "cni:fails" in failed.json["details"]
    nothing_left(here, workload)
    assert here.genie("DEL", workload).status == 0, "T65"


def test_a_missing_delegate_or_network_leaves_nothing(here: Node) -> None:
    workload = here.workload()
    here.network("60-away.conflist", {"type": "no-such-plugin"})
    for annotation, word in (("blue,away", "no-such-plugin"), ("blue,nowhere", "nowhere")):
        failed = here.genie("ADD", workload, annotation)
        assert failed.status != 0
        assert word in failed.json["msg"]
        nothing_left(here, workload)


def test_T123_a_hanging_delegate_dies_at_its_deadline(tmp_path: Path) -> None:
    with node(tmp_path, delegateDeadline="1s") as here:
        here.network("10-blue.conflist", {"type": "bridge", "bridge": "br0", "ipam": here.host_local("10.1.0.0/24")})
        here.network("20-hangs.conflist", {"type": "scripted", "add": {"wait": 60, "child": 60}})
        here.start()
        workload = here.workload()
        started = time.monotonic()
        failed = here.genie("ADD", workload, "blue,hangs")
        assert failed.status != 0
        assert "did not end within 1 s" in failed.json["msg"]
        assert time.monotonic() - started < 10
        nothing_left(here, workload)


def test_T50_a_second_add_is_refused_and_changes_nothing(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    before = (here.rows(), addresses(workload, "eth0"), here.addresses_taken())
    assert here.genie("ADD", workload, "blue").status != 0
    assert (here.rows(), addresses(workload, "eth0"), here.addresses_taken()) == before
    assert here.genie("ADD", workload, "blue", CNI_IFNAME="eth7").status == 0, "T51"
    assert here.genie("DEL", workload, CNI_IFNAME="eth7").status == 0
    assert links(workload) == {"lo", "eth0"}


def test_T40_an_interface_that_exists_is_not_touched(here: Node) -> None:
    workload = here.workload()
    run("ip", "-n", workload, "link", "add", "eth0", "type", "veth", "peer", "other")
    assert here.genie("ADD", workload, "blue").status != 0
    assert links(workload) == {"lo", "eth0", "other"}
    assert here.rows() == []


@pytest.mark.parametrize(
    ("path", "code"),
    [("/run/netns/none", 8), ("/etc/passwd", 8), ("own", 8)],
    ids=["T54 gone", "T54 a file", "T16 own"],
)
def test_a_bad_namespace_is_refused(here: Node, path: str, code: int) -> None:
    failed = here.genie("ADD", here.workload(), "blue", CNI_NETNS=netns(here.name) if path == "own" else path)
    assert failed.json["code"] == code
    assert here.rows() == []


def test_T71_T72_T75_a_failing_del_is_told_and_tried_again(here: Node) -> None:
    fuse = here.path / "fuse"
    fuse.touch()
    program = here.path / "bin/stubborn"
    program.write_text(
        "#!/bin/sh\ncat >/dev/null\n"
        f'[ "$CNI_COMMAND" = DEL ] && [ -e {fuse} ] && {{ echo "link not found" >&2; exit 1; }}\n'
        'echo \'{"cniVersion":"1.0.0"}\'\n'
    )
    program.chmod(0o755)
    here.network("60-stubborn.conflist", {"type": "stubborn"})
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,stubborn,red").status == 0
    failed = here.genie("DEL", workload)
    assert failed.status != 0
    assert not any(word in failed.stdout.decode().lower() for word in SWALLOWED)
    assert links(workload) == {"lo"}, "the others were deleted all the same"
    assert here.rows() == [(workload, "eth1", 0, "deleting")]
    fuse.unlink()
    assert here.genie("DEL", workload).status == 0
    nothing_left(here, workload)


def test_T85_check_sees_what_is_wrong(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,red@net1").status == 0
    assert here.genie("CHECK", workload).status == 0
    run("ip", "-n", workload, "address", "flush", "dev", "net1")
    assert here.genie("CHECK", workload).status != 0, "T83"


def test_T53_many_containers_at_once(here: Node) -> None:
    workloads = [here.workload() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda workload: here.genie("ADD", workload, "blue,red@net1"), workloads))
        assert [reply.status for reply in added] == [0] * 8, added
        taken = [ip["address"] for reply in added for ip in reply.json["ips"]]
        assert len(set(taken)) == 16
        assert list(pool.map(lambda workload: here.genie("DEL", workload).status, workloads)) == [0] * 8
    for workload in workloads:
        nothing_left(here, workload)


def test_kill_in_the_middle_of_an_add_leaks_nothing(here: Node) -> None:
    reached = here.path / "reached"
    here.network("60-slow.conflist", {"type": "scripted", "tag": "slow", "add": {"touch": str(reached), "wait": 5}})
    workload = here.workload()
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(here.genie, "ADD", workload, "blue,red@net1,slow")
        here.until(reached.exists, "the slow delegate runs")
        here.kill()
        assert adding.result().json["code"] == 11, "try again later"
    assert [row[3] for row in here.rows()] == ["ready", "ready", "adding"]
    here.start()
    here.until(lambda: len(here.rows()) < 3, "the half-done attachment is gone")
    assert commands(here.calls)[-1] == ("DEL", "slow")
    assert here.genie("DEL", workload).status == 0, "the runtime's, as after every failed ADD"
    nothing_left(here, workload)


def test_T77_a_del_while_the_agent_is_away_is_done_when_it_returns(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue,red@net1").status == 0
    assert here.stop() == 0
    assert here.genie("DEL", workload).status == 0
    assert len(list((here.path / "spool").glob("*.del"))) == 1
    here.start()
    here.until(lambda: not here.rows(), "the spooled DEL is done")
    nothing_left(here, workload)
    assert list((here.path / "spool").iterdir()) == []
    (here.path / "spool/1-1.del").write_bytes(b"rubbish")
    here.until((here.path / "spool/1-1.bad").exists, "rubbish is put aside")


def test_a_spooled_del_comes_before_the_next_add(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    here.kill()
    assert here.genie("DEL", workload).status == 0
    here.start()
    assert here.genie("ADD", workload, "red@net5").status == 0
    assert links(workload) == {"lo", "net5"}


def test_an_add_whose_caller_is_gone_is_undone(here: Node) -> None:
    reached = here.path / "reached"
    here.network("60-slow.conflist", {"type": "scripted", "tag": "slow", "add": {"touch": str(reached), "wait": 0.5}})
    workload = here.workload()
    config = b'{"cniVersion":"1.0.0","name":"pods","type":"genie"}'
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.connect(str(here.socket))
        peer.sendall(frame(body(here.environment("ADD", workload, "blue,slow"), config)))
        here.until(reached.exists, "the slow delegate runs")
    here.until(lambda: commands(here.calls)[-1:] == [("DEL", "slow")] and not here.rows(), "it is undone")
    nothing_left(here, workload)


def test_malformed_frames_are_closed_and_harm_nobody(here: Node) -> None:
    for data in (b"\xff\xff\xff\xff", frame(b"WHAT"), frame(b"CNI1A=1"), frame(b"ASK1{"), b"\0\0"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(15)
            peer.connect(str(here.socket))
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            assert peer.recv(10) == b""
    assert here.ask(Ask(ask="frob")).error is not None
    assert here.ask(Ask(ask="switch")).error is not None
    assert here.ask(Ask(ask="status")).node == "n1"


def test_the_socket_is_the_agents_alone(here: Node) -> None:
    assert here.socket.stat().st_mode & 0o777 == 0o600
    config = str(here.path / "agent.yaml")
    second = subprocess.run(
        ["ip", "netns", "exec", here.name, sys.executable, "-m", "cni.agent", "--config", config],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert "another agent answers" in second.stderr
    here.kill()
    assert here.socket.exists()
    here.start()
