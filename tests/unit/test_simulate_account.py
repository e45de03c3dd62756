"""What a simulated world costs and how it is seen: figures that can be checked by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from switcher.simulate import Sight, World, account, run
from switcher.simulate.ours import Ours
from switcher.simulate.policy import Recorded, Static
from tests.support.scenes import per_attachment, policy, threshold
from tests.support.worlds import GB_PER_SLOT, SLOT, START, world


def _clock() -> float:
    return 0.0


def test_the_bill_is_that_of_what_flowed_where_it_flowed() -> None:
    """1 GB per slot: two slots at 0.05, then two at 0.02, and one move."""
    seen = world([[GB_PER_SLOT] * 4], ["0.05", "0.02"])
    told = account(seen, run(seen, Recorded(np.array([[0], [0], [1], [1]])), _clock))
    assert told.bill == Decimal("0.14")
    assert told.move_money == Decimal("0.01")
    assert told.total == Decimal("0.15")
    assert told.moves == 1
    assert told.moves_per_workload_week == pytest.approx(7 * 24 * 3)


def test_foreign_load_raises_the_price_of_ours_but_is_not_billed_to_us() -> None:
    """100 GB at 0, the rest at 0.10. The foreign load takes the 100 GB: all of ours is dear."""
    tiers = {
        "kind": "Tariff",
        "metadata": {"name": "tiers"},
        "spec": {
            "physicalNetworks": ["pa"],
            "currency": "USD",
            "billingPeriod": {"unit": "month"},
            "validFrom": "2026-01-01T00:00:00Z",
            "charges": [
                {
                    "name": "out",
                    "volume": {
                        "direction": "out",
                        "unit": "GB",
                        "tiers": [{"upTo": "100", "price": "0"}, {"price": "0.10"}],
                    },
                }
            ],
        },
    }
    alone = world([[GB_PER_SLOT] * 2], [tiers])
    crowded = world([[GB_PER_SLOT] * 2], [tiers], background_out=np.full((1, 2), 60 * GB_PER_SLOT))
    assert account(alone, run(alone, Static(), _clock)).bill == 0
    crowd = account(crowded, run(crowded, Static(), _clock)).bill
    assert crowd == Decimal("0.20")  # 122 GB cost 2.20, 120 GB alone 2.00


def test_attachments_are_billed_for_the_time_that_they_are_there() -> None:
    seen = world(
        [[0.0] * 12, [0.0] * 12],
        [per_attachment("pa", "6.00"), per_attachment("pb", "1.20")],
        present=np.array([[True] * 12, [False] * 12]),
    )
    places = np.zeros((12, 2), dtype=np.int64)
    places[6:] = 1
    assert account(seen, run(seen, Recorded(places), _clock)).bill == Decimal("3.60")  # half an hour of each


def test_overload_counts_our_bytes_on_uplinks_above_shed() -> None:
    """100 Mbps, shed 85 %: in the second slot 90 Mbps, of which 30 are foreign."""
    foreign = np.array([[0.0, 30e6], [0.0, 0.0]])
    seen = world([[60e6, 60e6]], ["0.05", "0.02"], capacity=100e6, background_out=foreign)
    told = account(seen, run(seen, Static(), _clock))
    assert told.overloaded_percent == pytest.approx(50)
    assert told.overloaded_minutes == pytest.approx(5)
    away = account(seen, run(seen, Recorded(np.array([[0], [1]])), _clock))
    assert away.overloaded_percent == 0


@pytest.mark.parametrize(("places", "percent"), [
    pytest.param([1, 1, 1, 1, 1, 1, 0, 0, 0, 0], 50, id="back after 30 minutes"),
    pytest.param([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], 0, id="back after 35 minutes"),
    pytest.param([1, 2, 0, 0, 0, 0, 0, 0, 0, 0], pytest.approx(100 / 3), id="back by way of another"),
])  # fmt: skip
def test_returns_are_moves_back_within_thirty_minutes(places: list[int], percent: float) -> None:
    seen = world([[1e6] * 10], ["0.05", "0.02", "0.03"])
    told = account(seen, run(seen, Recorded(np.array(places)[:, None]), _clock))
    assert told.returns_percent == percent


class _Keeps:
    """Stays, and keeps what it saw."""

    name = "keeps"

    def __init__(self) -> None:
        self.seen: list[Sight] = []

    def place(self, sight: Sight) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        self.seen.append(sight)
        return np.array([min(sight.number, 1)])


class _Watches(Recorded):
    """Does what was recorded, and keeps what it saw."""

    def __init__(self, places: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
        super().__init__(places)
        self.seen: list[Sight] = []

    def place(self, sight: Sight) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        self.seen.append(sight)
        return super().place(sight)


def test_samples_are_as_old_as_the_world_says() -> None:
    seen = world([[10.0, 20.0, 30.0, 40.0]], ["0.05", "0.02"], staleness=SLOT)
    keeps = _Keeps()
    run(seen, keeps, _clock)
    last = keeps.seen[3]
    assert last.now == START + 3 * SLOT
    assert last.sampled_at == last.now - SLOT
    assert last.out.tolist() == [20.0]  # of the slot that ended one slot ago
    assert last.total_out.tolist() == [0.0, 20.0]  # where it was then
    assert keeps.seen[2].total_out.tolist() == [10.0, 0.0]
    assert keeps.seen[2].here.tolist() == [1]


def test_what_was_before_the_first_slot_does_not_know_of_later_moves() -> None:
    seen = world([[10.0] * 4], ["0.05", "0.02"], staleness=SLOT)
    places = np.ones((4, 1), dtype=np.int64)
    keeps = _Watches(places)
    run(seen, keeps, _clock)
    assert [sight.total_out.tolist() for sight in keeps.seen] == [[10.0, 0.0], [10.0, 0.0], [0.0, 10.0], [0.0, 10.0]]


def test_a_staleness_between_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole number of slots"):
        world([[1.0]], ["0.05"], staleness=timedelta(seconds=60))


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_absurd_rates_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="negative or not finite"):
        world([[rate]], ["0.05"])


def _ours(seen: World) -> list[int]:
    return run(seen, Ours(seen.site, seen.start), _clock).places[:, 0].tolist()


def test_ours_moves_to_the_cheaper_network_when_that_pays() -> None:
    assert _ours(world([[GB_PER_SLOT] * 3], ["0.05", "0.02"])) == [1, 1, 1]
    assert _ours(world([[GB_PER_SLOT] * 3], ["0.05", "0.02"], move_cost="1")) == [0, 0, 0]


def test_ours_does_not_move_twice_for_one_old_sample() -> None:
    """Two workloads of 50 Mbps on 100 Mbps: one leaves, and the old sample does not make the other leave too."""
    seen = world(
        [[50e6] * 5] * 2,
        ["0.02", "0.05"],
        capacity=100e6,
        staleness=2 * SLOT,
        objects=(policy(), threshold(fill="0.7", shed="0.85")),
    )
    trail = run(seen, Ours(seen.site, seen.start), _clock)
    assert [sorted(row) for row in trail.places.tolist()] == [[0, 1]] * 5
    assert (trail.places == trail.places[0]).all()


def test_latency_is_money_where_the_policy_says_so() -> None:
    """1 GB at 10 ms and 1 GB at 30 ms, a cent per GB and ms."""
    seen = world(
        [[GB_PER_SLOT] * 2],
        ["0", "0"],
        latency_ms=np.array([10.0, 30.0]),
        objects=(policy(penalties={"latency": "0.01"}),),
    )
    told = account(seen, run(seen, Recorded(np.array([[0], [1]])), _clock))
    assert told.penalties == Decimal("0.4")
