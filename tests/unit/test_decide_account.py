"""The reason why a workload stays, and what stands against each network: one judgement, told twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switcher.decide import Settings, decide_and_tell
from switcher.decide.tell import Told
from switcher.model import Stay, StayReason
from tests.support.scenes import (
    GB_PER_HOUR,
    NOTHING,
    NOW,
    book,
    network,
    per_attachment,
    per_gb,
    policy,
    snapshot,
    workload,
)

LATER = (NOW + timedelta(minutes=30)).isoformat()


def _told(spec: dict[str, Any], *prices: dict[str, Any], here: str = "dear") -> Told:
    """A workload at 3 USD an hour with one other network, of 2 an hour where ``prices`` says nothing else."""
    priced = {price["spec"]["physicalNetworks"][0] for price in prices}
    usual = {"pdear": per_attachment("pdear", "3"), "pcheap": per_attachment("pcheap", "2")}
    lists = [*prices, *(usual[name] for name in sorted(usual.keys() - priced))]
    seen = snapshot([network("cheap"), network("dear")], [workload("w", here)])
    _, (told,) = decide_and_tell(seen, NOTHING, book(*lists, policy(**spec)), Settings(), lambda _: True)
    return told


@pytest.mark.parametrize(
    ("spec", "prices", "reason", "verdict"),
    [
        pytest.param({}, [per_attachment("pcheap", "3")], StayReason.BEST, "not cheaper", id="no saving"),
        pytest.param(
            {"moveCost": "1"},
            [],
            StayReason.SAVING_TOO_SMALL,
            "the saving over the horizon does not cover the move",
            id="horizon",
        ),
        pytest.param(
            {"moveCost": "0.6", "payback": "30m"},
            [],
            StayReason.PAYBACK_TOO_LONG,
            "the saving does not pay for the move within the payback time",
            id="payback",
        ),
        pytest.param(
            {"disruptionThreshold": "2"},
            [],
            StayReason.SAVING_TOO_SMALL,
            "the saving is too small a part of the policy's costs for its disruption",
            id="disruption",
        ),
        pytest.param(
            {},
            [
                per_attachment("pcheap", "3", contract="c"),
                per_attachment("pcheap", "1", contract="c", validFrom=LATER) | {"metadata": {"name": "later"}},
            ],
            StayReason.BEST,
            "cheaper later, not yet: it pays to wait",
            id="later",
        ),
    ],
)
def test_the_verdict_on_the_best_network_is_the_reason_why_it_stays(
    spec: dict[str, Any], prices: list[dict[str, Any]], reason: StayReason, verdict: str
) -> None:
    told = _told(spec, *prices)

    assert isinstance(told.answer, Stay)
    assert told.answer.reason is reason
    assert [side.verdict for side in told.account.sides if not side.here] == [verdict]


def test_a_saving_that_lacks_weight_is_told_as_one() -> None:
    told = _told({"disruptionThreshold": "2"})

    assert isinstance(told.answer, Stay)
    assert told.answer.explanation.startswith(
        "the saving is too small a part of the policy's costs for its disruption. Here dear: 3.00"
    )


def test_where_a_price_is_unknown_nothing_is_compared() -> None:
    told = _told({}, per_attachment("pdear", "3", validFrom="2027-01-01T00:00:00Z"))

    assert isinstance(told.answer, Stay)
    assert told.answer.reason is StayReason.UNKNOWN_PRICE
    assert [side.verdict for side in told.account.sides if not side.here] == ["cannot be compared"]


def test_a_network_that_nobody_reports_is_not_compared_with_another() -> None:
    told = _told({}, here="gone")

    assert {side.verdict for side in told.account.sides} == {"cannot be compared"}
    assert {side.saving for side in told.account.sides} == {None}


def test_the_verdict_counts_the_tier_that_is_left() -> None:
    """Three of 1 GB/h want a tier that is free up to 1 GB and dear beyond."""
    wide = {"capacity_bps": 1e9}
    seen = snapshot(
        [network("dear", used_bps=3 * GB_PER_HOUR, **wide), network("cheap", **wide)],
        [workload(f"w{number}", "dear", GB_PER_HOUR) for number in range(3)],
    )
    prices = book(per_gb("pdear", "0.09"), per_gb("pcheap", "1.00", ("1", "0")), policy())

    _, told = decide_and_tell(seen, NOTHING, prices, Settings(), lambda _: True)

    verdicts = [[side.verdict for side in one.account.sides if not side.here] for one in told]
    assert verdicts == [["chosen"], *[["others have taken the cheaper tier, and the next does not pay"]] * 2]
