"""A live switch by order through the running agent: what it reports, and a DEL in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cni.wire import Ask, Drain, MoveReason, Outcome, Phase, RefusalReason, SwitchOrder, SwitchStatus, Verify
from tests.support.node import Node, addresses, links, node, rules

pytestmark = pytest.mark.netns


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path) as made:
        for number, name in enumerate(("blue", "red", "admin"), start=1):
            ipam = made.host_local(f"10.{number}.0.0/24")
            bridge = {"type": "bridge", "bridge": f"br{number}", "isGateway": True, "ipam": ipam}
            made.network(f"{number}0-{name}.conflist", bridge)
        made.start()
        yield made


def order(workload: str, settle: float = 0.2) -> SwitchOrder:
    return SwitchOrder(
        id=f"move-{workload}",
        workload=f"lab/{workload}",
        attachment="net1",
        source="cni:blue",
        target="cni:red",
        reason=MoveReason.MANUAL,
        verify=Verify(successes=1, deadline_seconds=5.0, settle_seconds=settle),
        drain=Drain(minimum_seconds=0.1, quiet_seconds=0.1),
    )


def status(here: Node) -> SwitchStatus:
    (found,) = here.ask(Ask(ask="switches")).switches
    return found


def test_an_order_moves_an_attachment_and_the_reports_follow(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "admin,blue@net1").status == 0
    assert here.ask(Ask(ask="refuse-check", switch=order(workload))).error is None
    for _ in range(2):
        assert here.ask(Ask(ask="switch", switch=order(workload))).error is None, "a second time is the same"
    here.until(lambda: status(here).outcome is not None, "the switch ends")
    assert status(here).outcome is Outcome.MOVED, status(here)
    report = next(r for r in here.ask(Ask(ask="attachments")).attachments if r.attachment == "net1")
    assert (report.network, report.ifname, list(report.addresses)) == ("cni:red", "net1", addresses(workload, "net1"))
    assert addresses(workload, "net1")[0].startswith("10.2.")
    assert len(here.addresses_taken()) == 2
    assert here.genie("CHECK", workload).status == 0, "T86"
    assert here.genie("DEL", workload).status == 0
    assert (here.rows(), here.addresses_taken(), links(workload), rules(workload)) == ([], [], {"lo"}, [])


def test_a_del_in_the_middle_deletes_both_generations(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "admin,blue@net1").status == 0
    assert here.ask(Ask(ask="switch", switch=order(workload, settle=60.0))).error is None
    here.until(lambda: status(here).phase is Phase.DRAIN, "it drains")
    assert len(here.rows()) == 3
    assert here.genie("DEL", workload).status == 0, "T76"
    assert (here.rows(), here.addresses_taken(), links(workload), rules(workload)) == ([], [], {"lo"}, [])
    assert status(here).outcome is Outcome.FAILED


def test_a_killed_agent_goes_on_with_the_switch(here: Node) -> None:
    workload = here.workload()
    assert here.genie("ADD", workload, "admin,blue@net1").status == 0
    assert here.ask(Ask(ask="switch", switch=order(workload, settle=2.0))).error is None
    here.until(lambda: status(here).phase is Phase.DRAIN, "it drains")
    here.kill()
    here.start()
    here.until(lambda: status(here).outcome is not None, "the switch ends", 40.0)
    assert status(here).outcome is Outcome.MOVED, status(here)
    assert links(workload) == {"lo", "eth0", "net1"}
    assert here.genie("DEL", workload).status == 0
    assert (here.rows(), here.addresses_taken()) == ([], [])


def test_a_refusal_says_why(here: Node) -> None:
    workload = here.workload()
    annotated = '{"cni": "admin,blue@net1", "switcher.genie.io/do-not-move": "true"}'
    args = f"K8S_POD_NAMESPACE=lab;K8S_POD_NAME={workload};K8S_ANNOT={annotated}"
    assert here.genie("ADD", workload, CNI_ARGS=args).status == 0
    answer = here.ask(Ask(ask="switch", switch=order(workload)))
    assert answer.error is not None
    assert answer.refusal is RefusalReason.DO_NOT_MOVE
    assert len(here.rows()) == 2
