"""No byte counts twice, also where retention has deleted the samples, or the sums that said what they covered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import delete, select

from cni.wire import Batch
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import micros
from switcher.adapters.store.migrate import alembic_config, upgrade
from switcher.adapters.store.reach import reaches
from switcher.adapters.store.schema import path_samples, uplink_samples
from switcher.adapters.store.slots import (
    network_fives,
    network_hours,
    network_minutes,
    path_parts,
    uplink_fives,
    uplink_hours,
    uplink_minutes,
    uplink_parts,
)
from switcher.keeping import Keep, cutoffs
from tests.contract.history.test_rolling import look, rows
from tests.support.batches import at, batch, traffic, uplink
from tests.support.memory_history import MemoryHistory
from tests.unit.pricing import book, fixed, tariff

HOUR = 3600
MINUTE = timedelta(minutes=1)


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database)


def carried(history: SqlHistory) -> tuple[int, int]:
    """Bytes in by the uplink and by the attachment, in the hour after noon."""
    ((_, found),) = history.path_slots(at(0), at(HOUR), timedelta(hours=1))
    return history.usage_totals(at(0), at(HOUR))["phynet0"][0], sum(found.in_bytes)


def both(sequence: int, agent: str, *spans: tuple[float, float, int]) -> Batch:
    """Samples (start, seconds, bytes in) of an uplink and of an attachment."""
    return batch(
        sequence,
        agent=agent,
        sent=3 * HOUR,
        uplinks=tuple(uplink(*span, 0) for span in spans),
        traffic=tuple(traffic(*span, 0) for span in spans),
    )


def test_a_part_of_a_minute_counts_once_when_its_sample_is_deleted(history: SqlHistory) -> None:
    history.ingest(both(1, "n1/a", (0, 20, 200), (130, 10, 100), (9000, 1, 1)))
    look(history, 3 * HOUR)
    history.prune(at(2 * HOUR))
    for name in ("n1/b", "n1/c"):
        history.ingest(both(1, name, (0, 20, 200), (130, 10, 100)))
        assert carried(history) == (300, 300)
    history.ingest(both(1, "n1/d", (10, 20, 200), (120, 30, 300)))
    assert carried(history) == (300 + 100 + 200, 300 + 100 + 200)


def test_what_came_late_and_was_deleted_counts_once(history: SqlHistory) -> None:
    history.ingest(both(1, "n1/a", (9000, 1, 1)))
    look(history, 3 * HOUR)
    for name in ("n1/b", "n1/c"):
        history.ingest(both(1, name, (5, 20, 200), (25, 7, 70)))
        history.prune(at(2 * HOUR))
        assert carried(history) == (270, 270)


@pytest.mark.parametrize("forgotten", [{"minutes": MINUTE}, {"minutes": MINUTE, "fives": MINUTE}])
def test_full_slots_that_are_deleted_are_still_known(history: SqlHistory, forgotten: dict[str, timedelta]) -> None:
    """Two minutes of a five, or a five of an hour: the coarser sums do not say which."""
    history.ingest(both(1, "n1/a", (60, 120, 1200), (600, 300, 3000), (9000, 1, 1)))
    for _ in range(2):  # PostgreSQL drops a partition when all of it is old
        look(history, 100 * 86_400, samples=MINUTE, **forgotten)
        history.prune(at(2 * HOUR))
        history.ingest(both(1, "n1/b", (30, 60, 600), (590, 320, 3200)))
        assert carried(history) == (4200 + 300 + 200, 4200 + 300 + 200)


@pytest.mark.parametrize(
    ("full", "forgotten"),
    [((60, 60), {}), ((300, 300), {"minutes": MINUTE}), ((3600, 3600), {"minutes": MINUTE, "fives": MINUTE})],
)
def test_of_a_report_around_a_full_slot_only_the_time_beside_it_is_stored(
    history: SqlHistory, database: Database, full: tuple[int, int], forgotten: dict[str, timedelta]
) -> None:
    """Of a minute, a five, an hour whose samples and finer sums are gone."""
    start, length = full
    history.ingest(both(1, "n1/a", (start, length, 10 * length), (9000, 1, 1)))
    for _ in range(2):  # PostgreSQL drops a partition when all of it is old
        look(history, 100 * 86_400, samples=MINUTE, **forgotten)
        history.prune(at(2.5 * HOUR))
    history.ingest(both(1, "n1/b", (start - 7, length + 12, 10 * (length + 12))))
    for table in (uplink_samples, path_samples):
        with database.reading() as connection:
            stored = connection.execute(select(table.c.start, table.c.until).order_by(table.c.start)).all()
        edges = [(start - 7, start), (start + length, start + length + 5)]
        assert [row for row in stored if row[0] < micros(at(8000))] == [
            (micros(at(begin)), micros(at(end))) for begin, end in edges
        ]


def test_late_traffic_is_in_every_resolution_of_a_network_that_is_kept(history: SqlHistory, database: Database) -> None:
    """Bills' minutes are kept longer than those of single uplinks."""
    history.ingest(batch(1, sent=3 * HOUR, uplinks=(uplink(0, 60, 600, 0), uplink(9000, 1, 1, 0))))
    look(history, 100 * 86_400, samples=MINUTE, minutes=MINUTE)
    history.ingest(batch(1, agent="n2/a", node="n2", uplinks=(uplink(0, 60, 60, 0),)))
    for table in (network_minutes, network_fives, network_hours):
        assert rows(database, table)[0][2] == 660, table.name


def overlapping(chance: random.Random) -> Iterator[Batch]:
    """Agents that took turns on a node and report the same traffic, of a steady rate, cut at other moments."""
    for agent in range(8):
        moment, samples = chance.randrange(0, 4000), []
        while moment < 4 * HOUR and len(samples) < 40:
            length = chance.choice([1, 10, 60, 61, 300, 1000])
            samples.append((moment, length, 1000 * length))
            moment += length + chance.choice([0, 0, 7, 60, 300])
        chance.shuffle(samples)
        for n in range(4):
            yield both(n + 1, f"n1/{agent}", *samples[n::4])


@pytest.mark.parametrize("seed", range(6))
def test_reports_of_the_same_time_count_once_whatever_was_deleted_between(history: SqlHistory, seed: int) -> None:
    chance, plain, now = random.Random(seed), MemoryHistory(), 5 * HOUR
    for one in overlapping(chance):
        history.ingest(one)
        plain.ingest(one)
        if chance.random() < 0.4:
            now += chance.choice([HOUR, 40 * 86_400])
            keep = {name: chance.choice([MINUTE, timedelta(days=50)]) for name in ("minutes", "fives")}
            look(history, now, samples=MINUTE, **keep)
            history.prune(at(chance.choice([HOUR / 2, 5 * HOUR])))
    for hour in range(5):
        period = at(hour * HOUR), at((hour + 1) * HOUR)
        assert history.usage_totals(*period) == plain.usage_totals(*period)
        found, expected = (
            [list(slots.in_bytes) for _, slots in one.path_slots(*period, timedelta(hours=1))]
            for one in (history, plain)
        )
        assert found == expected


def test_a_gap_takes_one_row_and_what_fills_the_slots_none(history: SqlHistory, database: Database) -> None:
    steady = [(n * 10, 10, 100) for n in range(360) if not 40 <= n < 160]
    history.ingest(both(1, "n1/a", *steady))
    look(history, HOUR + 120)
    for table in (uplink_parts, path_parts):
        assert len(rows(database, table)) == 2, table.name
    for n in range(40, 160):  # an agent that is always late
        history.ingest(both(n, "n1/a", (n * 10, 10, 100)))
    for table in (uplink_parts, path_parts):
        assert len(rows(database, table)) == 1, table.name
    assert carried(history) == (36_000, 36_000)


def test_what_comes_late_before_a_part_is_joined_to_it_on_every_uplink(history: SqlHistory, database: Database) -> None:
    names = ("phynet0", "phynet1", "phynet2")

    def reported(sequence: int, *spans: tuple[int, int]) -> Batch:
        return batch(
            sequence,
            sent=3 * HOUR,
            uplinks=tuple(uplink(*span, 10, 0, physical_network=name) for name in names for span in spans),
        )

    history.ingest(reported(1, (20, 20), (9000, 1)))
    look(history, 3 * HOUR)
    history.ingest(reported(2, (10, 10)))
    first, second = (micros(at(10)), micros(at(40))), (micros(at(9000)), micros(at(9001)))
    expected = [(number, until, start) for number in (1, 2, 3) for start, until in (first, second)]
    assert rows(database, uplink_parts) == expected


def test_parts_go_when_their_sums_do(history: SqlHistory, database: Database) -> None:
    history.ingest(both(1, "n1/a", (0, 20, 200), (9000, 1, 1)))
    look(history, 3 * HOUR)
    assert len(rows(database, uplink_parts)) == len(rows(database, path_parts)) == 2
    history.prune(at(3 * HOUR))
    keep = {name: MINUTE for name in ("samples", "minutes", "fives", "hours")}
    history.look_after(at(100 * 86_400), cutoffs(Keep(**keep), (), at(100 * 86_400)))
    assert rows(database, uplink_parts) == rows(database, path_parts) == []
    history.ingest(both(2, "n1/a", (0, 20, 200)))
    assert history.usage_totals(at(0), at(HOUR)) == {}


def test_where_nobody_knows_which_parts_are_counted_no_slot_takes_more_than_it_has_room_for(
    history: SqlHistory, database: Database
) -> None:
    """As a version left it that noted no parts: 45 seconds of each of three minutes, whose samples are gone."""
    minutes = range(0, 180, 60)
    history.ingest(both(1, "n1/a", *((start, 45, 450) for start in minutes), (9000, 1, 1)))
    look(history, 3 * HOUR)
    history.prune(at(2 * HOUR))
    with database.writing() as connection:
        connection.execute(delete(uplink_parts))
    history.ingest(both(1, "n1/b", *((start, 60, 600) for start in minutes)))
    assert [row[2] for row in rows(database, uplink_minutes)][:3] == [600, 600, 600]


def test_sums_that_retention_has_deleted_are_not_made_anew(history: SqlHistory, database: Database) -> None:
    history.ingest(both(1, "n1/a", (0, 20, 200), (9000, 1, 1)))
    look(history, 100 * 86_400, samples=MINUTE, minutes=MINUTE)
    history.ingest(both(1, "n1/b", (100, 20, 200)))
    with database.reading() as connection:  # PostgreSQL keeps them until their partition is old
        gone = reaches(connection)[uplink_minutes.name].kept_from > micros(at(HOUR))
    assert [row[2] for row in rows(database, uplink_minutes)] == ([] if gone else [200, 200, 1])
    assert gone or database.file is None
    assert [row[2] for row in rows(database, uplink_fives)] == [400, 1]


def test_nothing_is_added_to_a_network_of_time_whose_uplinks_sums_are_gone(
    history: SqlHistory, database: Database
) -> None:
    """Bills still need the network's hours, and no uplink's tell any more what is counted in them."""
    history.ingest(both(1, "n1/a", (0, 20, 200), (9000, 1, 1)))
    now = at(10 * 86_400)
    keep = Keep(**{name: MINUTE for name in ("samples", "minutes", "fives", "hours")})
    for _ in range(2):
        history.look_after(now, cutoffs(keep, book(tariff(fixed("1"))).tariffs, now))
    history.ingest(both(1, "n1/b", (0, 20, 200)))
    assert [row[2] for row in rows(database, network_hours)] == [200]
    assert rows(database, uplink_hours) == []


def test_an_upgrade_notes_what_is_counted_and_still_there(database: Database, url: str) -> None:
    """A part of a minute, one over its end, minutes of a five and fives of an hour."""
    history = SqlHistory(database)
    reported = (0, 20, 200), (50, 20, 200), (120, 60, 600), (310, 350, 3500), (2400, 601, 6010)
    history.ingest(both(1, "n1/a", *reported, (9000, 1, 1)))
    look(history, 3 * HOUR)
    with database.writing() as connection:
        command.downgrade(alembic_config(connection), "0005")
    upgrade(url)
    before = carried(history)
    look(history, 100 * 86_400, samples=MINUTE, minutes=MINUTE, fives=MINUTE)
    history.prune(at(2 * HOUR))
    history.ingest(both(1, "n1/b", *reported))
    assert carried(history) == before == (10_510, 10_510)
