"""Worlds in which the site changes with time: other objects, other capacities, networks that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from switcher.backtest.course import course
from switcher.decide.board import NOWHERE
from switcher.simulate import Policy, Site, World, account, run
from switcher.simulate.bounds import free_moves_bound
from switcher.simulate.ours import Ours
from switcher.simulate.peers import BestOfTwo, GenieReadme, LeastUsed, SdWan, ThresholdToLeastBusy
from switcher.simulate.planned import Reoptimise, StaticHindsight
from switcher.simulate.policy import Recorded, Static
from switcher.simulate.world import Stage
from tests.support.scenes import book, per_gb, policy, threshold
from tests.support.worlds import GB_PER_SLOT, world

FREE = policy(minimumAge="0s", cooldown="0s", flap={"factor": "0"})
PRICES = per_gb("pa", "0.05"), per_gb("pb", "0.02")


def staged(seen: World, *stages: tuple[int, Site], **more: Any) -> World:
    return replace(seen, stages=tuple(Stage(first=first, site=site) for first, site in stages), **more)


def under(site: Site, *objects: Any, **changed: Any) -> Site:
    """The site with these objects."""
    return replace(site, book=book(*objects), **changed)


def places(seen: World, policy: Policy) -> list[list[int]]:
    return run(seen, policy, lambda: 0.0).places.T.tolist()


def ours(seen: World) -> list[list[int]]:
    return places(seen, Ours(seen.site, seen.start))


def two(slots: int, workloads: int = 1, **more: Any) -> World:
    """Dear ``a``, where everyone starts, and cheap ``b``."""
    return world([[GB_PER_SLOT] * slots] * workloads, ["0.05", "0.02"], objects=(FREE,), **more)


def test_a_policy_decides_from_when_it_is_in_force() -> None:
    seen = two(4)
    later = staged(seen, (0, under(seen.site, *PRICES)), (2, under(seen.site, *PRICES, FREE)))
    assert ours(later) == [[0, 0, 1, 1]]
    assert ours(staged(seen, (0, under(seen.site, *PRICES, FREE)))) == ours(seen) == [[1, 1, 1, 1]]


@pytest.mark.parametrize(
    "peer", [lambda seen: Ours(seen.site, seen.start), lambda _: Reoptimise(), lambda _: GenieReadme()]
)
def test_prices_are_those_that_were_known(peer: Any) -> None:
    """The bill has b at 0.02 all the time; until the third slot 0.09 was known."""
    seen = two(4)
    thought = under(seen.site, per_gb("pa", "0.05"), per_gb("pb", "0.09"), FREE)
    later = staged(seen, (0, thought), (2, seen.site))
    assert places(later, peer(later)) == [[0, 0, 1, 1]]


def test_overload_and_room_are_by_the_thresholds_and_the_capacity_of_the_time() -> None:
    seen = two(3, capacity=1.2 * GB_PER_SLOT)
    low = under(seen.site, *PRICES, FREE, threshold(fill="0.4", shed="0.5"))
    narrow = under(seen.site, *PRICES, FREE, capacity=np.full(2, GB_PER_SLOT))
    later = staged(seen, (0, seen.site), (1, low), (2, narrow))
    told = account(later, run(later, Static(), lambda: 0.0))
    assert (told.overloaded_minutes, round(told.overloaded_percent, 3)) == (10, 66.667)
    assert later.shed[0] / GB_PER_SLOT == pytest.approx([1.02, 0.6, 0.85])
    assert free_moves_bound(later).no_room_percent == pytest.approx(0, abs=1e-3)  # it may be split
    assert (
        free_moves_bound(staged(seen, (0, under(low, *PRICES, threshold(fill="0.2", shed="0.3"))))).no_room_percent > 20
    )


@pytest.mark.parametrize(
    "peer",
    [
        lambda _: ThresholdToLeastBusy(two(1).site),
        lambda _: BestOfTwo(1, share=1.0),
    ],
)
def test_peers_obey_the_threshold_of_the_time(peer: Any) -> None:
    seen = two(4, capacity=2 * GB_PER_SLOT)
    later = staged(seen, (0, seen.site), (2, under(seen.site, *PRICES, threshold(fill="0.2", shed="0.3"))))
    (row,) = places(later, peer(later))
    assert row[:2] == [0, 0]
    assert 1 in row[2:]


def test_moves_cost_what_they_cost_at_the_time() -> None:
    seen = two(4)
    later = staged(seen, (0, seen.site), (2, replace(seen.site, move_cost=(Decimal(3),))))
    trail = run(later, Recorded(np.array([[1], [0], [0], [1]])), lambda: 0.0)
    assert account(later, trail).move_money == Decimal("3.02")
    money = course(later, trail).money
    assert money[-1] == pytest.approx(2 * 0.02 + 2 * 0.05 + 3.02, abs=0.011)


def test_penalties_are_those_of_the_time() -> None:
    seen = two(2, latency_ms=np.array([10.0, 30.0]))
    later = staged(seen, (0, seen.site), (1, under(seen.site, *PRICES, policy(penalties={"latency": "0.01"}))))
    assert account(later, run(later, Static(), lambda: 0.0)).penalties == Decimal("0.1")


def closing(slots: int = 4, first: int = 2) -> World:
    """Two workloads; b closes: who is on it is taken to a, as it was recorded."""
    seen = two(slots, 2)
    without = replace(seen.site, uplink=np.tile([0, NOWHERE], (2, 1)))
    refuge = np.array([[1, 0]] * first + [[0, 0]] * (slots - first))
    return staged(seen, (0, seen.site), (first, without), refuge=refuge)


EVERYONE: Sequence[Any] = (
    lambda seen: Ours(seen.site, seen.start),
    lambda _: LeastUsed(),
    lambda _: GenieReadme(),
    lambda seen: ThresholdToLeastBusy(seen.site),
    lambda seen: SdWan(seen.site),
    lambda _: BestOfTwo(1),
    lambda _: Reoptimise(),
    StaticHindsight,
    lambda _: Static(),
)


@pytest.mark.parametrize("peer", EVERYONE)
def test_nobody_is_on_a_network_that_is_not_there(peer: Any) -> None:
    seen = replace(closing(), at_start=np.array([1, 0]))
    assert [row[2:] for row in places(seen, peer(seen))] == [[0, 0], [0, 0]]
    back = replace(seen, stages=(*seen.stages, Stage(first=3, site=seen.site)))
    assert [row[2] for row in places(back, peer(back))] == [0, 0]


def test_ours_uses_a_network_while_it_is_there() -> None:
    assert ours(closing()) == [[1, 1, 0, 0]] * 2


def test_to_send_someone_to_a_network_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="that its node does not have"):
        run(closing(), Recorded(np.ones((4, 2), dtype=np.int64)), lambda: 0.0)


def test_the_bound_knows_which_networks_are_there() -> None:
    """Four slots of two workloads: cheap in the first two, dear when b is closed."""
    assert free_moves_bound(closing()).money == pytest.approx(4 * 0.02 + 4 * 0.05, rel=1e-5)


def test_a_part_of_a_world_has_its_stages() -> None:
    seen = closing()
    for first, there in ((0, [True, True, False, False]), (1, [True, False, False]), (3, [False])):
        part = seen.between(first, 4, seen.at_start)
        assert [bool(part.in_force(slot).uplink[0, 1] == 1) for slot in range(part.slots)] == there
        assert part.settled(part.slots - 1, np.array([1, 1])).tolist() == [0, 0]
    assert [stage.first for stage in seen.between(0, 2, seen.at_start).stages] == [0]


@pytest.mark.parametrize("firsts", [(1,), (0, 3, 2), (0, 0)])
def test_stages_that_are_out_of_order_are_refused(firsts: Sequence[int]) -> None:
    seen = two(4)
    with pytest.raises(ValueError, match="in order"):
        staged(seen, *((first, seen.site) for first in firsts))


def test_a_stage_of_another_site_is_refused() -> None:
    with pytest.raises(ValueError, match="other workloads, networks or uplinks"):
        staged(two(4), (0, two(4, 2).site))
