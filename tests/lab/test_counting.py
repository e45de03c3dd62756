"""Streams are counted exactly: late, double and missing numbers, gaps, and when what is missing was sent."""

from __future__ import annotations

import random

from switcher.lab.traffic.sequence import Sequence
from switcher.lab.traffic.udp import Pace


def counted(arrivals: list[tuple[int, float]], interval: float = 0.1) -> Sequence:
    """Numbers sent on schedule, arriving at the given times."""
    sequence = Sequence(interval)
    for number, at in arrivals:
        sequence.arrived(number, number * interval, at)
    return sequence


def test_a_whole_stream_lacks_nothing() -> None:
    sequence = counted([(n, n * 0.1) for n in range(10)])
    assert (sequence.received, sequence.duplicated, sequence.missing) == (10, 0, [])


def test_what_is_missing_was_sent_between_its_neighbours() -> None:
    sequence = counted([(0, 0.0), (1, 0.1), (5, 0.5)])
    assert sequence.missing == [(2, 4, 0.1, 0.5)]
    assert sequence.received == 3


def test_a_late_number_is_not_missing_and_a_second_one_is_double() -> None:
    sequence = counted([(0, 0.0), (4, 0.4), (2, 0.45), (2, 0.46), (4, 0.47)])
    assert [(first, last) for first, last, _, _ in sequence.missing] == [(1, 1), (3, 3)]
    assert (sequence.received, sequence.duplicated) == (3, 2)


def test_any_order_of_any_subset_is_counted_exactly() -> None:
    chance = random.Random(7)
    for _ in range(50):
        kept = sorted(chance.sample(range(60), 40))
        order = sorted(kept, key=lambda n: n + chance.uniform(0, 6))
        sequence = counted([(n, float(i)) for i, n in enumerate(order)])
        missing = {n for first, last, _, _ in sequence.missing for n in range(first, last + 1)}
        assert missing == set(range(max(kept) + 1)) - set(kept)
        assert (sequence.received, sequence.duplicated) == (40, 0)


def test_a_gap_is_the_networks_not_the_senders() -> None:
    network = Sequence(0.1)
    network.arrived(0, 0.0, 0.0)
    assert round(network.arrived(5, 0.5, 0.5), 6) == 0.5  # four lost: half a second without an arrival
    sender = Sequence(0.1)
    sender.arrived(0, 0.0, 0.0)
    assert round(sender.arrived(1, 0.5, 0.5), 6) == 0.1  # it was sent late


def test_a_late_sender_catches_up_by_little() -> None:
    pace = Pace(per_second=100, tick=0.02, now=0.0)
    assert pace.due(0.02) == 2
    behind = [pace.due(0.5 + 0.02 * turn) for turn in range(20)]
    assert max(behind) <= 6
    assert 45 <= sum(behind[:10]) <= 60


def test_a_sender_far_behind_lets_the_missed_ones_go() -> None:
    pace = Pace(per_second=100, tick=0.02, now=0.0)
    assert pace.due(10.0) <= 6
    assert sum(pace.due(10.0 + 0.02 * turn) for turn in range(1, 51)) <= 110
