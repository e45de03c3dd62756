"""Contracts that count several networks together are decided on as they are billed."""

from __future__ import annotations

from typing import Any

import pytest

from switcher.decide import decide
from switcher.model import Memory
from tests.support.scenes import (
    GB_PER_HOUR,
    NOTHING,
    book,
    network,
    per_attachment,
    per_gb,
    policy,
    snapshot,
    targets,
    workload,
)

NETWORKS = [network("a"), network("b"), network("c")]
POOL = {"physicalNetworks": ["pa", "pb"]}


def moves(*tariffs: dict[str, Any], memory: Memory = NOTHING, demand: float = GB_PER_HOUR) -> dict[str, str]:
    """Where two workloads on ``a`` and one on ``c`` go that may be on ``b`` and ``c``."""
    there = [workload("one", "a", demand, policy="stay"), workload("two", "a", demand, policy="stay")]
    seen = snapshot(NETWORKS, [*there, workload("w", "c", demand)])
    rules = policy(candidates=["b", "c"])
    stay = {**policy(mode="off"), "metadata": {"name": "stay"}}
    return targets(decide(seen, memory, book(*tariffs, rules, stay)))


@pytest.mark.parametrize(("networks", "moved"), [(["pa", "pb"], {"w": "b"}), (["pb"], {})], ids=["pool", "alone"])
def test_the_third_of_a_contract_is_discounted_on_whichever_network_it_is(
    networks: list[str], moved: dict[str, str]
) -> None:
    port = per_attachment("pb", "10", physicalNetworks=networks)
    port["spec"]["charges"][0]["fixed"]["nth"] = [{"from": 3, "multiply": "0.1"}]
    others = [] if "pa" in networks else [per_attachment("pa", "1")]
    assert moves(port, *others, per_attachment("pc", "5")) == moved


def test_an_unspent_minimum_is_spent_by_all_networks_of_the_contract() -> None:
    """With what the two on the other network will carry the minimum is used up anyway; alone it would be free."""
    hour = {"billingPeriod": {"unit": "hour"}}
    dear, mine = per_gb("pc", "1", **hour), per_gb("pb", "3", minimum="4", **hour)
    alone = per_gb("pa", "3", **hour)
    assert moves(mine, alone, dear) == {"w": "b"}
    assert moves({**mine, "spec": {**mine["spec"], **POOL}}, dear) == {}
