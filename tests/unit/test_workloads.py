"""Workloads as columns: the same as workloads one by one, wherever they are read, decided on or recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from switcher.columns import Column
from switcher.decide import Settings, decide_and_rank
from switcher.decide.drift import learn
from switcher.plan import plan
from switcher.snapshots import from_json, to_json
from switcher.spending import Market, spending
from switcher.workloads import Workloads
from tests.support.random_scenes import scene

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_columns_are_equal_to_the_workloads_they_were_made_of(seed: int) -> None:
    states = tuple(scene(seed)[0].workloads)
    table = Workloads.of(states)
    assert table == states
    assert list(table) == list(states)
    assert table[1:3] == states[1:3]
    assert table.by_id() == tuple(sorted(states, key=lambda state: state.id))


def test_a_workload_that_differs_in_one_field_makes_columns_differ() -> None:
    states = tuple(scene(7)[0].workloads)
    assert len(states) > 1
    for change in ({"in_bps": 1.5}, {"labels": {"app": "other"}}, {"moving": not states[0].moving}):
        assert Workloads.of((replace(states[0], **change), *states[1:])) != states


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_that_a_tick_says_is_the_same(seed: int) -> None:
    seen, memory, objects = scene(seed)
    columns = replace(seen, workloads=Workloads.of(seen.workloads))
    decision, ranked = decide_and_rank(seen, memory, objects, Settings())
    assert decide_and_rank(columns, memory, objects, Settings()) == (decision, ranked)
    assert plan(decision, columns, objects) == plan(decision, seen, objects)
    moved = {name: places[0].network for name, places in memory.placements.items()}
    spent = spending(Market(seen, memory, objects, None), moved)
    assert spending(Market(columns, memory, objects, None), moved) == spent
    assert learn({}, columns, memory.moves) == learn({}, seen, memory.moves)
    assert to_json(columns, memory) == to_json(seen, memory)
    assert from_json(to_json(columns, memory))[0] == seen


def test_a_record_does_not_depend_on_how_its_columns_came_about() -> None:
    seen, memory, _ = scene(7)
    table = Workloads.of(seen.workloads)
    values = ("cni:nowhere", *reversed(table.network.values))
    at = (len(values) - 1 - table.network.at).astype(np.int32)
    other = replace(table, network=Column(values, at))
    assert other == table
    assert to_json(replace(seen, workloads=other), memory) == to_json(seen, memory)


def test_a_column_with_other_values_in_some_rows() -> None:
    column = Column.of(["a", "b", "a"])
    assert list(column.patched({2: "c", 0: "b"})) == ["b", "b", "c"]
    assert list(column) == ["a", "b", "a"]
    assert list(Column.same("x", 3).patched({1: "y"})) == ["x", "y", "x"]


def test_columns_one_after_the_other() -> None:
    parts = [Column.of(["a", "b"]), Column.of(()), Column.same("b", 2), Column.of(["c", "a"])]
    whole = Column.chain(parts)
    assert list(whole) == ["a", "b", "b", "b", "c", "a"]
    assert sorted(whole.values) == ["a", "b", "c"]


def test_what_is_asked_of_a_column_is_asked_once_for_each_value() -> None:
    asked: list[str] = []

    def length(value: str) -> int:
        asked.append(value)
        return len(value)

    assert Column.of(["a", "bb", "a"]).each(length, np.int64).tolist() == [1, 2, 1]
    assert sorted(asked) == ["a", "bb"]
