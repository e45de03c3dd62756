"""The unit for systemd: with the rights that it leaves the agent, everything works; with one less, something does not.

There is no systemd in the tests' namespaces: its settings are applied by the tools that do the same.
"""

from __future__ import annotations

import configparser
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cni.wire import Ask, AttachOrder, Drain, MoveReason, Outcome, RefusalReason, SwitchOrder, Verify
from tests.support.netns import Program
from tests.support.node import Node, addresses, links, node, run

pytestmark = pytest.mark.netns

UNIT = Path(__file__).parents[2] / "config/systemd/genie-agent.service"


def service() -> dict[str, str]:
    """Its section, keys as written."""
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment]  # as configparser's documentation has it
    reader.read(UNIT)
    return dict(reader["Service"])


def confined(bounding: str) -> list[str]:
    """What ``ProtectSystem=full``, ``NoNewPrivileges`` and the bounding set do."""
    settings = service()
    assert (settings["ProtectSystem"], settings["NoNewPrivileges"]) == ("full", "yes")
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in bounding.split())
    protect = "for d in /usr /boot /etc; do mount --bind $d $d && mount -o remount,bind,ro $d; done;"
    rights = f"exec setpriv --no-new-privs --bounding-set=-all,{kept} --inh-caps=-all"
    return ["sh", "-c", f'{protect} {rights} "$@"', "confined"]


def order(workload: str) -> SwitchOrder:
    return SwitchOrder(
        id="1",
        workload=f"lab/{workload}",
        attachment="net1",
        source="cni:blue",
        target="cni:red",
        reason=MoveReason.MANUAL,
        verify=Verify(successes=1, settle_seconds=0.2),
        drain=Drain(minimum_seconds=0.1, quiet_seconds=0.1),
    )


def work(here: Node) -> None:
    """All that an agent does to a workload."""
    for number, name in enumerate(("admin", "blue", "red"), start=1):
        ipam = here.host_local(f"10.{number}.0.0/24")
        bridge = {"type": "bridge", "bridge": f"br{number}", "isGateway": True, "ipMasq": True, "ipam": ipam}
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        here.network(
            f"{number}0-{name}.conflist", bridge, ports, {"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}}
        )
    here.network("40-wire.conflist", {"type": "macvlan", "master": "eth2", "ipam": here.host_local("10.4.0.0/24")})
    here.start()
    workload = here.workload()
    mapping = {"runtimeConfig": {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}}
    config = {"cniVersion": "1.0.0", "name": "pods", "type": "genie", **mapping}
    added = here.call(here.environment("ADD", workload, "admin,blue@net1"), config)
    assert added.status == 0, added
    _moves(here, workload)
    answer = here.ask(Ask(ask="attach", attach=AttachOrder(workload=f"lab/{workload}", network="wire")))
    assert answer.error is None
    assert here.genie("DEL", workload).status == 0
    assert (here.rows(), here.addresses_taken(), links(workload)) == ([], [], {"lo"})
    assert "8080" not in run("ip", "netns", "exec", here.name, "iptables-save")
    assert here.stop() == 0


def _moves(here: Node, workload: str) -> None:
    """A move is refused while a socket is in its way, named with its process; then it is made."""
    with holding(workload, addresses(workload, "net1")[0].partition("/")[0]) as holder:
        refused = here.ask(Ask(ask="switch", switch=order(workload)))
        assert refused.refusal is RefusalReason.BOUND_SOCKET
        assert f"({holder.pid})" in str(refused.error)
    assert here.ask(Ask(ask="switch", switch=order(workload))).error is None
    here.until(lambda: here.ask(Ask(ask="switches")).switches[0].outcome is not None, "it has moved")
    assert here.ask(Ask(ask="switches")).switches[0].outcome is Outcome.MOVED


@contextmanager
def holding(workload: str, address: str) -> Iterator[Program]:
    """A program that listens on one address."""
    listen = (
        "import socket,sys;s=socket.socket();s.bind((sys.argv[1],7001));s.listen();print('ready',flush=True);input()"
    )
    program = Program(workload, "-c", listen, address)
    try:
        yield program
    finally:
        program.kill()


def test_the_agent_works_with_the_rights_that_the_unit_leaves_it(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        here.confined = confined(service()["CapabilityBoundingSet"])
        work(here)


@pytest.mark.parametrize("lacking", ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE"])
def test_a_right_less_is_missed(tmp_path: Path, lacking: str) -> None:
    with node(tmp_path) as here:
        left = [name for name in service()["CapabilityBoundingSet"].split() if name != lacking]
        here.confined = confined(" ".join(left))
        with pytest.raises(AssertionError):
            work(here)


def test_the_command_is_one_that_there_is() -> None:
    program, *arguments = shlex.split(service()["ExecStart"])
    assert Path(program).name == "genie-agent"
    assert arguments == ["--config", "/etc/genie/agent.yaml"]
