"""Prices that fall with the load, and money that is due anyway: what many do together counts, not one alone."""

from __future__ import annotations

from typing import Any

import pytest

from switcher.decide import decide
from switcher.model import Decision, StayReason
from tests.support.scenes import (
    GB_PER_HOUR,
    MBPS,
    NOTHING,
    book,
    network,
    per_gb,
    policy,
    reasons,
    snapshot,
    targets,
    workload,
)
from tests.unit.pricing import fixed, quota, tariff, volume

HOUR = {"unit": "hour"}
ALL_UNITS = volume(("10", "1"), (None, "0.1"), mode="allUnits")
"""A dollar a GB up to 10 GB, ten cents for all of them beyond."""


def _decided(count: int, charge: dict[str, Any], *, room: float = 1000, there: int = 0, **more: Any) -> Decision:
    """So many of 1 GB/h on a network at 0.5 a GB, beside one with this charge, on which some are already."""
    bulk = tariff(charge, name="bulk", physicalNetworks=["pbulk"], billingPeriod=HOUR, **more)
    homes = ["flat"] * count + ["bulk"] * there
    seen = snapshot(
        [
            network("flat", used_bps=count * GB_PER_HOUR, capacity_bps=1000 * MBPS),
            network("bulk", used_bps=there * GB_PER_HOUR, capacity_bps=room * GB_PER_HOUR / 0.7),
        ],
        [workload(f"w{number:02}", home, GB_PER_HOUR) for number, home in enumerate(homes)],
    )
    return decide(seen, NOTHING, book(bulk, per_gb("pflat", "0.5"), policy(moveCost="0.001")))


def test_enough_of_them_earn_the_discount_together() -> None:
    decision = _decided(20, ALL_UNITS)

    assert len(decision.moves) == 20  # 20 GB at 0.1 are 2 an hour, instead of 10
    assert float(decision.moves[0].saving_per_hour) == pytest.approx(0.4)


def test_too_few_do_not_bet_on_it() -> None:
    assert not _decided(5, ALL_UNITS).moves


def test_who_would_fit_is_who_counts() -> None:
    assert not _decided(20, ALL_UNITS, room=8).moves  # 8 GB at 1 are dearer than at 0.5
    assert len(_decided(20, ALL_UNITS, room=15).moves) == 15


def test_who_is_there_keeps_it() -> None:
    decision = _decided(0, ALL_UNITS, there=20)

    assert set(reasons(decision).values()) == {StayReason.BEST}


def test_falling_graduated_tiers_are_worth_it_when_their_mean_is() -> None:
    charge = volume(("4", "1"), (None, "0.1"))

    assert not _decided(6, charge).moves  # 4 + 0.2 for 6 GB is 0.7 each
    assert len(_decided(20, charge).moves) == 20  # 4 + 1.6 for 20 GB is 0.28 each


def test_a_block_is_shared_by_all_who_come() -> None:
    charge = quota("0", "0", {"block": "30", "price": "6"}, direction="out")

    assert not _decided(5, charge).moves
    assert len(_decided(20, charge).moves) == 20  # 6 for 20 GB is 0.3 each


def test_the_nth_attachment_is_cheaper_when_enough_come() -> None:
    """The first two are 1 USD an hour each, all later ones 0.2; elsewhere each pays 0.5 for its GB."""
    charge = fixed("1", each="attachment", nth=[{"from": 3, "multiply": "0.2"}])

    assert not _decided(4, charge).moves  # 2 + 0.4 for four is 0.6 each
    decision = _decided(20, charge)
    assert len(decision.moves) == 20  # 2 + 3.6 for twenty is 0.28 each
    assert float(decision.moves[0].saving_per_hour) == pytest.approx(0.22)


def test_an_unspent_minimum_is_used_up_and_no_more() -> None:
    decision = _decided(20, volume((None, "0.8")), minimum="4")

    assert len(targets(decision)) == 5  # 5 GB at 0.8 are 4, which is due anyway; the next one would cost 0.8


def test_beyond_a_maximum_more_costs_nothing() -> None:
    assert len(_decided(20, volume((None, "0.8")), maximum="4").moves) == 20


def test_of_who_is_there_only_those_leave_who_are_above_the_cheap_tier() -> None:
    rising = tariff(volume(("4", "0"), (None, "1")), name="rising", physicalNetworks=["prising"], billingPeriod=HOUR)
    sizes = [GB_PER_HOUR * (1 + number / 100) for number in range(10)]
    seen = snapshot(
        [
            network("flat", capacity_bps=1000 * MBPS),
            network("rising", used_bps=sum(sizes), capacity_bps=1000 * MBPS),
        ],
        [workload(f"w{number}", "rising", size) for number, size in enumerate(sizes)],
    )

    decision = decide(seen, NOTHING, book(rising, per_gb("pflat", "0.5"), policy(moveCost="0")))

    assert 6 <= len(decision.moves) <= 7  # four times 1 GB/h are free, the largest leave a part of it unused at most
