"""Sums at every resolution: the same to the byte as the samples, whatever comes late and whatever is deleted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from cni.wire import Batch
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import HOUR, MINUTE, micros
from switcher.adapters.store.reach import reaches
from switcher.adapters.store.slots import (
    FIVE,
    network_fives,
    network_hours,
    network_minutes,
    path_fives,
    path_hours,
    uplink_fives,
    uplink_hours,
    uplink_minutes,
)
from switcher.keeping import Cutoffs, Keep, cutoffs
from switcher.ports import SlotBytes
from tests.support.batches import at, batch, traffic, uplink
from tests.support.memory_history import MemoryHistory

SECONDS_OF_HOUR = 3600
NAMES = ("phynet0", "phynet1")


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database)


def keeping(now: datetime, **more: timedelta) -> Cutoffs:
    return cutoffs(Keep(**more), (), now)


def look(history: SqlHistory, seconds: float, **more: timedelta) -> None:
    history.look_after(at(seconds), keeping(at(seconds), **more))


def rows(database: Database, table: object) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return sorted(tuple(row) for row in connection.execute(table.select()))  # type: ignore[attr-defined]


def test_minutes_fives_and_hours_are_sums_of_the_samples(history: SqlHistory, database: Database) -> None:
    samples = tuple(uplink(10 * n, 10, n, 2 * n, capacity_bps=1e6 * (1 + n % 3)) for n in range(720))
    carried = tuple(traffic(10 * n, 10, 3 * n, n) for n in range(720))
    history.ingest(batch(1, sent=7500, uplinks=samples, traffic=carried))
    look(history, 7500)
    noon = micros(at(0))
    minutes = [
        (1, noon + m * MINUTE, sum(range(6 * m, 6 * m + 6)), 2 * sum(range(6 * m, 6 * m + 6)), MINUTE, 3e6)
        for m in range(120)
    ]
    assert rows(database, uplink_minutes) == minutes
    assert [row[2] for row in rows(database, uplink_fives)] == [sum(range(30 * m, 30 * m + 30)) for m in range(24)]
    hours = [sum(range(360)), sum(range(360, 720))]
    assert [(row[1], row[2], row[4]) for row in rows(database, uplink_hours)] == [
        (noon, hours[0], HOUR),
        (noon + HOUR, hours[1], HOUR),
    ]
    assert [row[2] for row in rows(database, network_hours)] == hours
    assert len(rows(database, network_minutes)) == 120
    assert len(rows(database, network_fives)) == 24
    assert [row[2] for row in rows(database, path_fives)] == [3 * sum(range(30 * m, 30 * m + 30)) for m in range(24)]
    assert [row[2] for row in rows(database, path_hours)] == [3 * hours[0], 3 * hours[1]]


def test_a_late_sample_corrects_every_sum_it_lies_in(history: SqlHistory, database: Database) -> None:
    history.ingest(batch(1, sent=9000, uplinks=(uplink(0, 100, 1000, 10), uplink(8000, 1, 1, 1))))
    look(history, 9000)
    late = batch(1, agent="n2/b", node="n2", uplinks=(uplink(50, 20, 20, 0), uplink(290, 20, 40, 4)))
    history.ingest(late)
    assert history.ingest(late) == 1
    look(history, 9000)
    noon = micros(at(0))
    assert [row[1:5] for row in rows(database, network_fives)][:2] == [
        (noon, 1000 + 20 + 20, 10 + 2, 100 * 10**6 + 30 * 10**6),
        (noon + FIVE, 20, 2, 10 * 10**6),
    ]
    assert next(row[1:4] for row in rows(database, network_hours)) == (noon, 1060, 14)
    assert [row[2] for row in rows(database, network_minutes)][:2] == [600 + 10, 400 + 10]
    assert history.usage_totals(at(0), at(9000)) == {"phynet0": (1061, 15)}


def test_a_sample_over_the_edge_of_what_is_rolled_up_counts_once(history: SqlHistory, database: Database) -> None:
    history.ingest(batch(1, sent=1320, uplinks=(uplink(0, 1, 1, 1),)))
    look(history, 1320)  # rolled up until 1200
    history.ingest(batch(2, sent=1800, uplinks=(uplink(1190, 20, 200, 20), uplink(1780, 40, 400, 40))))
    look(history, 1920)
    history.ingest(batch(3, sent=2500, uplinks=(uplink(2400, 1, 1, 1),)))
    look(history, 2620)
    fives = {(row[1] - micros(at(0))) // FIVE: row[2] for row in rows(database, uplink_fives)}
    assert fives == {0: 1, 3: 100, 4: 100, 5: 200, 6: 200}


def test_time_whose_samples_are_deleted_takes_no_more_than_it_has_room_for(
    history: SqlHistory, database: Database
) -> None:
    history.ingest(batch(1, sent=9000, uplinks=(uplink(0, 45, 450, 45), uplink(8000, 1, 1, 1))))
    look(history, 9000)
    history.prune(at(3600))
    history.ingest(batch(1, agent="n1/again", uplinks=(uplink(0, 60, 600, 60),)))
    assert rows(database, uplink_minutes)[0][2:5] == (450 + 150, 45 + 15, MINUTE)
    assert rows(database, uplink_hours)[0][2] == 600
    assert history.usage_totals(at(0), at(60)) == {"phynet0": (600, 60)}


def random_batches(chance: random.Random) -> list[Batch]:
    """Three hours of two nodes and two networks: samples of odd lengths, gaps, and some that come late."""
    found = []
    for node in ("n1", "n2"):
        moments = {name: 0.0 for name in NAMES}
        samples = []
        for _ in range(160):
            name = chance.choice(NAMES)
            length = chance.choice([1, 7.3, 10, 61, 300, 733.000001])
            samples.append(
                uplink(moments[name], length, chance.randrange(10**9), chance.randrange(10**6), physical_network=name)
            )
            moments[name] += length + chance.choice([0, 0, 0, 20, 400])
        chance.shuffle(samples)
        found += [
            batch(
                n + 1, agent=f"{node}/a", node=node, sent=10800.0 * n / 16, uplinks=tuple(samples[n * 10 : n * 10 + 10])
            )
            for n in range(16)
        ]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_any_period_sums_to_the_byte_as_the_samples_do(history: SqlHistory, seed: int) -> None:
    chance, plain = random.Random(seed), MemoryHistory()
    for number, one in enumerate(random_batches(chance)):
        history.ingest(one)
        plain.ingest(one)
        if number % 5 == 4:
            look(history, chance.randrange(2000, 40000))
    periods = [tuple(sorted(chance.sample(range(-100, 60000), 2))) for _ in range(20)]
    periods += [(start * 60, start * 60 + length * 300) for start, length in ((0, 12), (5, 1), (60, 24), (61, 600))]
    for start, end in periods:
        period = at(start), at(end + 0.25)
        assert history.usage_totals(*period) == plain.usage_totals(*period)


def test_what_is_deleted_is_still_in_the_sums(history: SqlHistory) -> None:
    chance, plain = random.Random(9), MemoryHistory()
    for one in random_batches(chance):
        history.ingest(one)
        plain.ingest(one)
    look(history, 90_000, samples=timedelta(minutes=1), minutes=timedelta(minutes=1))
    history.prune(at(80_000))
    assert history.usage(at(0), at(70_000)) == []
    for start, end in ((0, 60), (60, 3600), (300, 7500), (0, 7200), (1800, 66_000)):
        assert history.usage_totals(at(start), at(end)) == plain.usage_totals(at(start), at(end))


def test_a_history_that_was_silent_for_years_is_rolled_up_at_once(history: SqlHistory, database: Database) -> None:
    history.ingest(batch(1, sent=-3e8, uplinks=(uplink(-3e8, 1, 5, 5),)))
    history.ingest(batch(2, sent=900, uplinks=(uplink(0, 1, 7, 7),)))
    done = history.look_after(at(900), keeping(at(900), hours=timedelta(days=36_600)))
    assert done.steps < 20
    with database.reading() as connection:
        assert reaches(connection)[uplink_minutes.name].rolled_until == micros(at(600))
    assert history.usage_totals(at(-4e8), at(900)) == {"phynet0": (12, 12)}


@pytest.mark.parametrize(
    ("start", "end", "slot"),
    [
        pytest.param(0, 36_000, 300, id="fives"),
        pytest.param(-600, 40_000, 900, id="cut by the end"),
        pytest.param(60, 30_060, 60, id="minutes"),
        pytest.param(120, 30_000, 420, id="sevens from minutes"),
        pytest.param(17.5, 9_000, 90, id="only samples"),
    ],
)
def test_slots_of_whole_networks_are_the_same_rolled_up_or_not(
    history: SqlHistory, start: float, end: float, slot: float
) -> None:
    chance, plain = random.Random(5), MemoryHistory()
    for one in random_batches(chance):
        history.ingest(one)
        plain.ingest(one)
    wanted = at(start), at(end), timedelta(seconds=slot)
    expected = {name: _lists(found) for name, found in plain.slot_totals(*wanted).items()}
    assert {name: _lists(found) for name, found in history.slot_totals(*wanted).items()} == expected
    look(history, 21_000)
    assert {name: _lists(found) for name, found in history.slot_totals(*wanted).items()} == expected
    assert sum(expected["phynet0"][1]) == plain.usage_totals(*wanted[:2])["phynet0"][0]


def test_a_slot_without_length_is_refused(history: SqlHistory) -> None:
    for one in (history, MemoryHistory()):
        with pytest.raises(ValueError, match="no length"):
            one.slot_totals(at(0), at(60), timedelta())


def test_a_backtest_reads_the_same_slots_when_the_samples_are_deleted(history: SqlHistory) -> None:
    chance = random.Random(3)
    for one in random_batches(chance):
        history.ingest(one)
    history.ingest(batch(1, agent="n3/a", node="n3", traffic=tuple(traffic(61 * n, 61, n, n) for n in range(300))))
    period = at(-300), at(60_000), timedelta(minutes=5)

    def read() -> list[object]:
        return [(owner, *carried_) for owner, carried_ in _columns(history, period)]

    assert history.resolution(at(-300)) == timedelta(0)
    before = read()
    look(history, 90_000)
    assert read() == before
    history.prune(at(90_000))
    assert read() == before
    assert len(before) == 5
    assert history.resolution(at(-300)) == timedelta(minutes=5)


def _columns(history: SqlHistory, period: tuple[datetime, datetime, timedelta]) -> Iterator[tuple[object, ...]]:
    for slots in (history.uplink_slots(*period), history.path_slots(*period)):
        for owner, found in slots:
            yield owner, _lists(found)


def _lists(found: SlotBytes) -> tuple[list[int], list[int], list[int]]:
    return found.slots.tolist(), found.in_bytes.tolist(), found.out_bytes.tolist()
