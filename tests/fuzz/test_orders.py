"""Orders to the agent, changed as trees and bytewise: each is done or refused in words, and a DEL leaves nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cni.wire import KIND_ASK
from tests.fuzz.case import rendered
from tests.fuzz.corpus import BEFORE, BOTH_KINDS
from tests.fuzz.judging import log_complaints, reply_complaints
from tests.fuzz.strategies import changed
from tests.fuzz.world import World, world

pytestmark = pytest.mark.netns

ORDERS = 150
MOVE = {"id": "o", "workload": "lab/web-0", "attachment": "net1", "source": "cni:blue", "target": "cni:green"}
ASKS: list[dict[str, Any]] = [
    {"ask": "attach", "attach": {"workload": "lab/web-0", "network": "cni:told", "ifname": "net2"}},
    {"ask": "attach", "attach": {"workload": "netns:@NETNS@", "network": "green"}},
    {"ask": "detach", "detach": {"workload": "lab/web-0", "attachment": "net1", "ifname": "net1", "force": True}},
    {"ask": "refuse-check", "switch": {**MOVE, "reason": "Manual", "verify": {"targets": ["tcp://10.1.0.1:80"]}}},
    {"ask": "attachments"},
    {"ask": "networks"},
    {"ask": "switches"},
]


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir="/run", prefix="fuzz-") as directory, world(Path(directory)) as made:
        yield made


@settings(max_examples=ORDERS, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=st.sampled_from(ASKS).flatmap(changed))
def test_every_order_is_answered_in_words_and_leaves_nothing(node: World, order: bytes) -> None:
    attached = rendered({**BEFORE, "confs": {**BEFORE["confs"], **BOTH_KINDS}}, binary=False).placed(node.words)
    node.furnish(attached)
    assert node.send(attached).status == 0
    node.new_log()
    said = node.exchange(KIND_ASK + order.replace(b"@NETNS@", node.words["@NETNS@"].encode()))
    lines = node.new_log()
    deleted = rendered({**BEFORE, "env": {**BEFORE["env"], "CNI_COMMAND": "DEL"}}, binary=False).placed(node.words)
    wrong = [*log_complaints(lines), *reply_complaints(deleted, node.send(deleted)), *log_complaints(node.new_log())]
    seen = node.look()
    if not seen.bare:
        node.clean()
    node.sweep()
    assert not wrong
    assert not said.late
    assert said.closed or b"internal error" not in bytes([said.status]) + said.stdout
    assert said.closed or "node" in msgspec.json.decode(bytes([said.status]) + said.stdout)
    assert seen.bare or b"netns:" in order, "what was attached to the namespace by its path is no part of a container"
