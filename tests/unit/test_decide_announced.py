"""Prices that are announced for later: when it pays to move, and when to wait."""

from __future__ import annotations

from datetime import datetime

import pytest

from switcher.decide import decide
from switcher.model import Snapshot, StayReason
from tests.support.scenes import (
    GB_PER_HOUR,
    NOTHING,
    NOW,
    book,
    minutes,
    network,
    per_attachment,
    per_gb,
    policy,
    reasons,
    snapshot,
    targets,
    workload,
)


def _at(now: datetime) -> Snapshot:
    networks = [network("a", used_bps=GB_PER_HOUR, sampled_at=now), network("b", sampled_at=now)]
    return snapshot(networks, [workload("w", "a", GB_PER_HOUR)], now)


def _in(number: int) -> str:
    return (NOW + minutes(number)).isoformat()


def _changing(then: str, number: int, first: str = "6.90") -> tuple[dict[str, object], ...]:
    return (
        per_attachment("pa", "5.00"),
        per_attachment("pb", first),
        per_attachment("pb", then, validFrom=_in(number)),
    )


@pytest.mark.parametrize(
    ("prices", "moves"),
    [
        pytest.param(_changing("1.00", 90), False, id="cheaper only after the horizon"),
        pytest.param(_changing("1.00", 10), False, id="much cheaper soon, but dearer now: it waits"),
        pytest.param(_changing("1.00", 0), True, id="cheaper from this moment on"),
        pytest.param(_changing("9.00", 10, first="4.00"), False, id="cheaper now, but dearer over the horizon"),
        pytest.param(_changing("9.00", 59, first="4.00"), True, id="dearer only at the horizon's end"),
    ],
)
def test_the_horizon_sees_what_is_announced(prices: tuple[dict[str, object], ...], moves: bool) -> None:
    assert bool(decide(_at(NOW), NOTHING, book(*prices, policy())).moves) is moves


def test_it_moves_when_the_announced_price_begins() -> None:
    objects = book(*_changing("1.00", 10), policy())

    early = decide(_at(NOW + minutes(8)), NOTHING, objects)
    late = decide(_at(NOW + minutes(10)), NOTHING, objects)

    assert reasons(early) == {"w": StayReason.BEST}
    assert "it pays to wait" in early.stays[0].explanation
    assert targets(late) == {"w": "b"}


def test_it_stays_where_a_rise_is_announced_until_it_comes() -> None:
    """Here 5 now and 20 in half an hour, there 6: leaving early would pay 6 instead of 5 for half an hour."""
    objects = book(
        per_attachment("pa", "5.00"),
        per_attachment("pa", "20.00", validFrom=_in(30)),
        per_attachment("pb", "6.00"),
        policy(),
    )

    assert not decide(_at(NOW + minutes(28)), NOTHING, objects).moves
    assert targets(decide(_at(NOW + minutes(30)), NOTHING, objects)) == {"w": "b"}


def test_a_price_that_was_not_known_yet_does_not_count() -> None:
    secret = per_attachment("pb", "1.00", validFrom=_in(-60), recordedAt=_in(5))
    objects = book(per_attachment("pa", "5.00"), per_attachment("pb", "6.90"), secret, policy())

    assert not decide(_at(NOW), NOTHING, objects).moves
    assert targets(decide(_at(NOW + minutes(5)), NOTHING, objects)) == {"w": "b"}


def test_a_night_tariff_is_moved_to_when_night_falls() -> None:
    night = {"from": "22:00", "to": "06:00", "multiply": "0.4"}
    cheap_nights = per_gb("pb", "0.10")
    cheap_nights["spec"]["charges"][0]["volume"]["schedule"] = [night]
    objects = book(per_gb("pa", "0.09"), cheap_nights, policy())

    assert not decide(_at(NOW + minutes(9.5 * 60)), NOTHING, objects).moves
    assert targets(decide(_at(NOW + minutes(10 * 60)), NOTHING, objects)) == {"w": "b"}


def test_no_price_for_a_part_of_the_horizon_is_no_price() -> None:
    ending = per_attachment("pb", "1.00", validTo=_in(30))

    decision = decide(_at(NOW), NOTHING, book(per_attachment("pa", "5.00"), ending, policy()))

    assert reasons(decision) == {"w": StayReason.STALE_PRICE}
