"""What is kept free because loads change by themselves: learned from samples, without our own moves."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest
from msgspec.structs import replace

from cni.wire import MoveReason
from switcher.decide import Before, decide, remember
from switcher.decide.drift import learn
from switcher.decide.reserve import SIGMAS, WARM, until_next, while_staying
from switcher.model import Drift, Memory, PastMove, Snapshot, Uplink
from tests.support.scenes import MBPS, NOW, book, network, per_gb, policy, snapshot, targets, threshold, workload

TICK = timedelta(minutes=5)
PLINK = Uplink("pa", None)


def _samples(loads: Sequence[float], moved: dict[int, float] | None = None, flying: Container[int] = ()) -> Drift:
    """What is learned from a load every five minutes.

    ``moved``: tick -> demand that we brought to ``a`` then; ``flying``: ticks in which its switch is in flight.
    """
    known: dict[Uplink, Drift] = {}
    moves: list[PastMove] = []
    demand = max((moved or {}).values(), default=0.0)
    for tick, load in enumerate(loads):
        now = NOW + tick * TICK
        seen = snapshot(
            [network("a", used_bps=load, sampled_at=now), network("b", used_bps=0.0, sampled_at=now)],
            [workload("w", "a", demand, moving=tick in flying)],
            now,
        )
        known = dict(learn(known, seen, moves))
        if moved and tick in moved:
            moves.append(
                PastMove(workload="w", policy="all", source="b", target="a", reason=MoveReason.SAVINGS, at=now)
            )
    return known[PLINK]


def _reserve(drift: Drift, now: datetime) -> float:
    return _reserves([drift], now, drift.load)[0]


def _reserves(drifts: Sequence[Drift], now: datetime, *loads: float) -> list[float]:
    return until_next(drifts, now, np.array(loads)).tolist()


def test_a_steady_load_needs_nothing() -> None:
    assert _reserve(_samples([50 * MBPS] * 20), NOW + 19 * TICK) == 0


def test_nothing_is_kept_before_enough_was_seen() -> None:
    rising = [10 * MBPS + tick * MBPS for tick in range(WARM)]
    assert _reserve(_samples(rising), NOW + WARM * TICK) == 0
    assert _reserve(_samples([*rising, rising[-1] + MBPS]), NOW + WARM * TICK) > 0


def test_a_trend_is_kept_free_until_the_next_decision_has_acted() -> None:
    """A megabit per second more in every tick, nothing else: one tick ahead, and the age of the sample."""
    rising = _samples([10 * MBPS + tick * MBPS for tick in range(30)])
    assert _reserve(rising, NOW + 29 * TICK) == pytest.approx(MBPS, rel=0.02)
    assert _reserve(rising, NOW + 30 * TICK) == pytest.approx(2 * MBPS, rel=0.02)


def test_a_falling_load_gives_no_room_in_advance() -> None:
    falling = _samples([90 * MBPS - tick * MBPS for tick in range(30)])
    assert _reserve(falling, NOW + 29 * TICK) == pytest.approx(0, abs=1)


def test_who_stays_counts_on_a_falling_load_to_go_on_falling_but_not_on_room_beyond_what_is_free() -> None:
    """What it strays by meanwhile is set against it."""
    steps = np.random.default_rng(1).normal(0, MBPS / 10, 30)
    rising, falling = (_samples((50 * MBPS + np.cumsum(steps + slope)).tolist()) for slope in (MBPS, -MBPS))
    now = NOW + 29 * TICK

    def staying(drift: Drift) -> float:
        return float(while_staying([drift], now, np.array([falling.load]), timedelta(hours=1))[0])

    assert staying(falling) == 0
    assert staying(replace(rising, trend=0.0)) > 0
    assert staying(rising) > staying(replace(rising, trend=0.0))


def test_the_spread_of_noise_is_found() -> None:
    steps = np.random.default_rng(1).normal(0, MBPS, 400)
    noisy = _samples((50 * MBPS + np.cumsum(steps)).tolist())
    assert _reserve(noisy, NOW + 399 * TICK) == pytest.approx(SIGMAS * MBPS, rel=0.35)


def test_twice_the_workloads_have_twice_the_variance() -> None:
    steps = np.random.default_rng(1).normal(0, MBPS, 400)
    noisy = _samples((50 * MBPS + np.cumsum(steps)).tolist())
    still = replace(noisy, trend=0.0)
    now = NOW + 399 * TICK
    assert _reserves([still], now, 4 * still.load) == pytest.approx([2 * _reserve(still, now)])


def test_a_jump_is_no_spread() -> None:
    """It is met by what ``shed`` says; the uplink is not kept empty for hours after it."""
    steps = np.random.default_rng(1).normal(0, MBPS, 60)
    calm = 30 * MBPS + np.cumsum(steps)
    jumping = calm + np.where(np.arange(60) >= 40, 40 * MBPS, 0)
    assert _samples(jumping.tolist()).spread < 2 * _samples(calm.tolist()).spread


def test_our_own_moves_are_no_drift() -> None:
    loads = [50 * MBPS] * 10 + [70 * MBPS] * 10
    assert _reserve(_samples(loads, moved={9: 20 * MBPS}), NOW + 19 * TICK) == 0
    assert _reserve(_samples(loads), NOW + 19 * TICK) > 0


def test_a_move_whose_traffic_follows_later_is_no_drift() -> None:
    """Nothing is learned while its switch is in flight: what it brought is not taken for a jump."""
    loads = [50 * MBPS] * 10 + [50 * MBPS, 63 * MBPS] + [70 * MBPS] * 10
    assert _reserve(_samples(loads, moved={9: 20 * MBPS}, flying=range(10, 13)), NOW + 21 * TICK) == 0
    assert _reserve(_samples(loads, moved={9: 20 * MBPS}), NOW + 21 * TICK) > 0


def test_a_load_that_has_just_come_is_taken_to_change_as_loads_do_elsewhere() -> None:
    """Per bit per second, and without a trend: what grew on another uplink need not grow here."""
    steps = np.random.default_rng(1).normal(0, MBPS, 60)
    known = _samples((20 * MBPS + 0.5 * MBPS * np.arange(60) + np.cumsum(steps)).tolist())
    now, empty = known.sampled_at, Drift(sampled_at=known.sampled_at, load=0.0, every=TICK.total_seconds())
    assert _reserves([empty, known], now, known.load, known.load)[0] == pytest.approx(
        _reserve(replace(known, trend=0.0), now)
    )
    assert _reserves([empty], now, known.load) == [0]


def test_an_uplink_that_was_empty_for_a_while_forgets_nothing() -> None:
    steps = np.random.default_rng(1).normal(0, MBPS, 60)
    busy = (50 * MBPS + np.cumsum(steps)).tolist()
    before, after = _samples(busy), _samples([*busy, 0.0, 0.0, 0.0])
    assert after.count == before.count + 1
    assert _samples([*busy, 0.0, 0.0, 0.0, 50 * MBPS]).spread == pytest.approx(after.spread)


def _run(loads: Sequence[float], count: int = 10, fill: str = "0.7") -> list[dict[str, str]]:
    """Workloads of 1 Mbps on ``a``, foreign load beside them; where they are sent in each tick (and do not go)."""
    objects = book(per_gb("pa", "0.02"), per_gb("pb", "0.05"), policy(), threshold(fill=fill, shed="0.8"))
    memory, before, found = Memory(), None, []
    for tick, load in enumerate(loads):
        now = NOW + tick * TICK
        seen: Snapshot = snapshot(
            [network("a", used_bps=load + count * MBPS, sampled_at=now), network("b", sampled_at=now)],
            [workload(f"w{number:02}", "a") for number in range(count)],
            now,
        )
        memory = remember(memory, before, seen, objects)
        decision = decide(seen, memory, objects)
        before = Before(seen, decision)
        found.append(targets(decision))
    return found


def test_who_is_on_an_uplink_that_fills_up_leaves_before_it_is_above_shed() -> None:
    """79.5 of 80 Mbps after a megabit more in every tick: without the trend nobody would leave until it is too late."""
    rising = _run([49.5 * MBPS + tick * MBPS for tick in range(21)])
    steady = _run([69.5 * MBPS] * 21)
    assert not rising[18]
    assert rising[-1]
    assert not steady[-1]


@pytest.mark.parametrize(("fill", "leave"), [("0.7", 10), ("0.79", 1), ("0.795", 1)])
def test_what_is_kept_free_makes_them_leave_sooner_but_not_more_of_them(fill: str, leave: int) -> None:
    """A megabit is kept: at 79.5 of 80 Mbps they leave, until the load is at ``fill`` or where nobody had to leave."""
    rising = _run([39.5 * MBPS + tick * MBPS for tick in range(21)], count=20, fill=fill)
    assert len(rising[-1]) == leave
