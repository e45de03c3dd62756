"""``switcher backtest`` on CSV files, as its users call it: a tiny past whose money is computed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.scenes import per_attachment, per_gb, policy, threshold
from tests.unit.backtesting import (
    GB,
    HEADER,
    HOUR,
    Run,
    asked,
    by_policy,
    csv,
    objects,
    physical,
    refused,
    rows,
    runner,
    slots,
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner()


def config(*more: dict[str, Any]) -> str:
    dear, cheap = per_gb("dear", "0.10"), per_gb("cheap", "0.02")
    return objects(
        "config.yaml", physical("dear"), physical("cheap"), dear, cheap, *(more or (policy(minimumAge="0s"),))
    )


def test_a_tiny_past_by_hand(run: Run) -> None:
    """1 GB in each of twelve slots: six on the network at 0.10, then six on the one at 0.02; a move is 0.01.

    Paid 0.60 + 0.12. Nothing moved: 1.20. The bound is 12 x 0.02. The policy moves at the first slot: 0.24 + 0.01.
    """
    past = [*rows("web", "dear", slots(6), GB), *rows("web", "cheap", slots(6, 6), GB)]
    (case,) = asked(run, "--config", config(), "--history", csv("past.csv", HEADER, *past))["cases"]
    found = by_policy(case)
    assert (found["actual"]["bill"], found["actual"]["move_money"], found["actual"]["moves"]) == ("0.72", "0.01", 1)
    assert (found["static"]["bill"], found["static"]["total"], found["static"]["moves"]) == ("1.20", "1.2", 0)
    assert (found["ours"]["bill"], found["ours"]["total"], found["ours"]["moves"]) == ("0.24", "0.25", 1)
    assert float(case["bound"]["added"]) == pytest.approx(0.24, rel=1e-5)
    assert case["bound"]["exact_prices"] is True
    ratios = [found[name]["r"] for name in ("actual", "static", "ours")]
    assert ratios == pytest.approx([0.73 / 0.24, 5, 0.25 / 0.24], rel=1e-5)
    assert found["static"]["moves_per_workload_week"] == 0
    assert found["ours"]["moves_per_workload_week"] == pytest.approx(7 * 24)
    assert [found[name]["overloaded_percent"] for name in found] == [0, 0, 0]


def test_overload_stands_beside_the_money(run: Run) -> None:
    """1 GB in 5 minutes is 26.7 Mbps; the cheap network takes 0.85 x 30 Mbps: all is overload where it is used."""
    small = [physical("dear"), physical("cheap", "30Mbps"), per_gb("dear", "0.10"), per_gb("cheap", "0.02"), policy()]
    past = [*rows("web", "dear", slots(6), GB), *rows("web", "cheap", slots(6, 6), GB)]
    (case,) = asked(run, "--config", objects("c.yaml", *small), "--history", csv("p.csv", HEADER, *past))["cases"]
    found = by_policy(case)
    assert found["actual"]["overloaded_percent"] == pytest.approx(50)
    assert found["actual"]["overloaded_minutes"] == pytest.approx(30)
    assert (found["ours"]["overloaded_percent"], found["ours"]["bill"]) == (0, "1.20")


def test_what_is_only_recommended_is_played_as_done(run: Run) -> None:
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), GB))
    recommends = config(policy(mode="recommend", minimumAge="0s"))
    assert by_policy(asked(run, "--config", recommends, "--history", past)["cases"][0])["ours"]["bill"] == "0.24"
    off = config(policy(mode="off"))
    assert by_policy(asked(run, "--config", off, "--history", past)["cases"][0])["ours"]["bill"] == "1.20"
    named = asked(run, "--config", off, "--history", past, "--policy", "all", "genie-readme")["cases"][0]
    assert list(by_policy(named)) == ["actual", "static", "all", "genie-readme"]
    assert by_policy(named)["all"]["bill"] == "0.24"


def test_a_tariff_a_threshold_or_a_network_laid_over_the_configuration(run: Run) -> None:
    """At 0.01 instead of 0.10 staying is best: 12 x 0.01. A new network at 0.005: 12 x 0.005 and a move of 0.01."""
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), GB))
    listed = config(policy(minimumAge="0s", candidates=["dear", "cheap"]))
    objects("better.yaml", per_gb("dear", "0.01"))
    objects("third.yaml", physical("third"), per_gb("third", "0.005"))
    what_if = ["--what-if", "better.yaml", "--what-if", "third.yaml"]
    base, better, third = asked(run, "--config", listed, "--history", past, *what_if)["cases"]
    assert [case["name"] for case in (base, better, third)] == ["", "better", "third"]
    assert by_policy(base)["ours"]["total"] == "0.25"
    assert (by_policy(better)["actual"]["total"], by_policy(better)["ours"]["total"]) == ("0.12", "0.12")
    assert (by_policy(third)["actual"]["total"], by_policy(third)["ours"]["total"]) == ("1.2", "0.07")


def test_a_threshold_laid_over_the_configuration(run: Run) -> None:
    """26.7 Mbps do not fit under a hundredth of 1 Gbps anywhere, and are above two hundredths where they are."""
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), GB))
    objects("tight.yaml", threshold(fill="0.01", shed="0.02"))
    base, tight = asked(run, "--config", config(), "--history", past, "--what-if", "tight.yaml")["cases"]
    assert (by_policy(base)["ours"]["bill"], by_policy(base)["ours"]["overloaded_percent"]) == ("0.24", 0)
    assert (by_policy(tight)["ours"]["bill"], by_policy(tight)["ours"]["overloaded_percent"]) == ("1.20", 100)
    assert float(tight["bound"]["added"]) == pytest.approx(0.48, rel=1e-4)  # split: three quarters on the cheap one


def test_prices_per_attachment_are_in_the_bound(run: Run) -> None:
    """6.00 an hour where it was, 1.20 an hour where it could have been."""
    lists = [per_attachment("dear", "6.00"), per_attachment("cheap", "1.20")]
    setup = objects("c.yaml", physical("dear"), physical("cheap"), *lists, policy(minimumAge="0s"))
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), 1000))
    (case,) = asked(run, "--config", setup, "--history", past)["cases"]
    assert by_policy(case)["actual"]["bill"] == "6.00"
    assert by_policy(case)["ours"]["bill"] == "1.20"
    assert float(case["bound"]["added"]) == pytest.approx(1.20)


def test_what_may_not_move_does_not_and_the_bound_knows(run: Run) -> None:
    """Two alike, one marked: 1.20 and 0.24 at best."""
    csv("past/attachments.csv", HEADER, *rows("a/web", "dear", slots(12), GB), *rows("a/held", "dear", slots(12), GB))
    csv("past/workloads.csv", "workload,doNotMove", "a/held,true")
    (case,) = asked(run, "--config", config(), "--history", "past", "--policy", "ours", "reoptimise")["cases"]
    assert float(case["bound"]["added"]) == pytest.approx(1.44, rel=1e-5)
    assert by_policy(case)["ours"]["total"] == by_policy(case)["reoptimise"]["total"] == "1.45"


def test_labels_choose_the_policy(run: Run) -> None:
    """Of two alike the policy selects one by its label; the other stays."""
    csv("past/attachments.csv", HEADER, *rows("a/web", "dear", slots(12), GB), *rows("a/db", "dear", slots(12), GB))
    csv("past/workloads.csv", "workload,labels", "a/web,app=web;tier=front", "a/db,app=db")
    chosen = config(policy(podSelector={"matchLabels": {"app": "web"}}, minimumAge="0s"))
    (case,) = asked(run, "--config", chosen, "--history", "past")["cases"]
    assert (by_policy(case)["ours"]["bill"], by_policy(case)["ours"]["moves"]) == ("1.44", 1)


def test_what_attachments_carried_beyond_their_uplink_is_said(run: Run) -> None:
    csv("past/attachments.csv", HEADER, *rows("web", "dear", slots(12), GB))
    whole = [f"{at},300,dear,out,{GB // 2}" for at in slots(12)]
    csv("past/uplinks.csv", "start,seconds,network,direction,bytes", *whole)
    answer = asked(run, "--config", config(), "--history", "past")
    assert answer["notes"][0].startswith("50.0 % of what attachments carried was not counted on their uplinks")


def test_actual_is_the_bill_to_the_cent_and_the_rest_of_an_uplink_is_background(run: Run) -> None:
    """Tiers that the foreign load reaches too, and rows that straddle slots: what ``switcher bill`` says."""
    tiers = per_gb("dear", "0.013", ("7", "0.11"), ("20", "0.07"), direction="sum")
    setup = objects("c.yaml", physical("dear"), physical("cheap"), tiers, per_gb("cheap", "0.02"), policy())
    csv("past/attachments.csv", HEADER, *rows("web", "dear", slots(12), GB))
    whole = [f"2026-11-02T00:{minute:02}:00Z,420,dear,{way},node,2345678901" for minute in range(0, 60, 7)
             for way in ("in", "out")]  # fmt: skip
    csv("past/uplinks.csv", "start,seconds,network,direction,node,bytes", *whole)
    answer = asked(run, "--config", setup, "--history", "past")
    actual = by_policy(answer["cases"][0])["actual"]
    invoice = run("bill", "--tariff", setup, "--samples", "past/uplinks.csv", "--period", HOUR, "--json")
    assert actual["bill"] == json.loads(invoice.stdout)["total"]
    assert by_policy(answer["cases"][0])["static"]["bill"] == actual["bill"]
    assert float(actual["added"]) < float(actual["bill"])
    assert answer["cases"][0]["bound"]["exact_prices"] is False


def test_gaps_are_reported_with_their_times(run: Run) -> None:
    past = [*rows("web", "dear", slots(3), GB), *rows("web", "dear", slots(6, 6), GB)]
    answer = asked(run, "--config", config(), "--history", csv("past.csv", HEADER, *past))
    gap = {"what": "web:net1", "start": "2026-11-02T00:15:00Z", "end": "2026-11-02T00:30:00Z"}
    assert answer["gaps"] == [gap]
    told = run("backtest", "--period", HOUR, "--config", "config.yaml", "--history", "past.csv")
    assert "no samples of web:net1 from 2026-11-02T00:15:00Z to 2026-11-02T00:30:00Z" in told.stderr


def test_time_without_a_price_is_refused_with_the_times(run: Run) -> None:
    ends = per_gb("cheap", "0.02", validTo="2026-11-02T00:40:00Z")
    setup = objects("c.yaml", physical("dear"), physical("cheap"), per_gb("dear", "0.10"), ends, policy())
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), GB))
    (problem,) = refused(run("backtest", "--period", HOUR, "--config", setup, "--history", past))
    assert "no valid price list from 2026-11-02T00:40:00+00:00 to 2026-11-02T01:00:00+00:00, for cheap" in problem


def test_a_network_without_any_price_is_refused_where_it_was_used_and_else_left_out(run: Run) -> None:
    setup = objects("c.yaml", physical("dear"), physical("cheap"), per_gb("dear", "0.10"), policy())
    used = csv("used.csv", HEADER, *rows("web", "cheap", slots(12), GB))
    (problem,) = refused(run("backtest", "--period", HOUR, "--config", setup, "--history", used))
    assert "no tariff names 'cheap', on which attachments were from 2026-11-02T00:00:00+00:00" in problem
    csv("past/attachments.csv", HEADER, *rows("web", "dear", slots(12), GB))
    csv("past/networks.csv", "network,physicalNetwork", "dear,dear", "cheap,cheap")
    (case,) = asked(run, "--config", setup, "--history", "past")["cases"]
    assert case["notes"] == ["cheap has no tariff: nothing moves there"]
    assert by_policy(case)["ours"]["moves"] == 0


def test_an_uplink_without_a_capacity_is_refused(run: Run) -> None:
    setup = objects("c.yaml", per_gb("dear", "0.10"), policy())
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), GB))
    (problem,) = refused(run("backtest", "--period", HOUR, "--config", setup, "--history", past))
    assert "the capacity of 'dear' on 'node' is not known: give a PhysicalNetwork" in problem


def test_malformed_files_are_refused_whole_with_every_problem(run: Run) -> None:
    csv("past/attachments.csv", HEADER, "yesterday,300,web,dear,out,-1", "2026-11-02T00:00:00Z,nan,web,dear,up,1")
    csv("past/uplinks.csv", "start,seconds,network,bytes", "2026-11-02T00:00:00Z,300,dear,1")
    csv("past/placements.csv", "workload,network,start,end", "web,dear,2026-11-02T00:10:00Z,2026-11-02T00:00:00Z")
    csv("past/networks.csv", "network,physicalNetwork,capacity", "dear,dear,fast")
    csv("past/workloads.csv", "workload,labels,primary", "web,app,maybe")
    problems = refused(run("backtest", "--period", HOUR, "--config", config(), "--history", "past"))
    places = [problem.split(" ")[0] + " " + problem.split(" ")[1] for problem in problems]
    assert places == [
        "past/attachments.csv:2: start:",
        "past/attachments.csv:2: bytes:",
        "past/attachments.csv:3: seconds:",
        "past/attachments.csv:3: direction:",
        "past/uplinks.csv:1: direction:",
        "past/placements.csv:2: end:",
        "past/networks.csv:2: capacity:",
        "past/workloads.csv:2: labels:",
        "past/workloads.csv:2: primary:",
    ]


def test_rows_that_overlap_are_refused_with_both_lines(run: Run) -> None:
    twice = ["2026-11-02T00:00:00Z,300,web,dear,out,1", "2026-11-02T00:04:59Z,300,web,dear,out,1"]
    found = refused(run("backtest", "--period", HOUR, "--config", config(), "--history", csv("p.csv", HEADER, *twice)))
    assert found == [
        "p.csv:3: start: 2026-11-02T00:04:59+00:00 overlaps line 2, which ends at 2026-11-02T00:05:00+00:00"
        " ('web', direction out)"
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param(["--policy", "owrs"], "no policy 'owrs', did you mean 'ours'?", id="unknown policy"),
        pytest.param(["--slot", "7m"], "is no whole number of slots of 7m", id="slots that do not fit"),
        pytest.param(["--slot", "soon"], "'soon' must be a duration", id="no duration"),
        pytest.param(["--slot", "10ms"], "'10ms' must be at least 1s", id="too short a slot"),
        pytest.param(
            ["--slot", "1s", "--period", "2023-01-01T00:00:00Z/2027-01-01T00:00:00Z"],
            "1 attachments in 126,230,400 slots do not fit: choose a longer --slot",
            id="more than fits into memory",
        ),
        pytest.param(["--plot", "chart.pdf"], "'chart.pdf' must end in .png or .svg", id="unknown format"),
        pytest.param(["--history", "nowhere.csv"], "nowhere.csv: cannot be read", id="no such file"),
        pytest.param(["--what-if", "none.yaml"], "none.yaml: cannot be read", id="no such objects"),
        pytest.param(["--period", "2027-01-01T00:00:00Z/2027-01-02T00:00:00Z"], "nothing was attached", id="no data"),
    ],
)
def test_bad_usage_is_refused(run: Run, more: list[str], said: str) -> None:
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), GB))
    problems = refused(run("backtest", "--period", HOUR, "--config", config(), "--history", past, *more))
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize(("name", "begins"), [("chart.png", b"\x89PNG"), ("chart.svg", b"<?xml")])
def test_the_chart_has_the_format_of_its_name(run: Run, name: str, begins: bytes) -> None:
    past = csv("past.csv", HEADER, *rows("web", "dear", slots(12), GB))
    asked(run, "--config", config(), "--history", past, "--plot", name)
    assert Path(name).read_bytes().startswith(begins)


def test_everything_that_is_wrong_is_told_at_once(run: Run) -> None:
    objects("bad.yaml", per_gb("dear", "-1"))
    objects("worse.yaml", per_gb("cheap", "1e30"))
    past = csv("past.csv", HEADER, "2026-11-02T00:00:00Z,300,web,dear,up,1")
    wrong = ["--plot", "day.pdf", "--slot", "7m", "--config", "bad.yaml", "--what-if", "worse.yaml"]
    named = refused(run("backtest", "--period", HOUR, "--history", past, *wrong))
    places = ["--plot", "--period", "bad.yaml", "worse.yaml"]
    assert all(any(problem.startswith(place) for problem in named) for place in places), named
    assert len(named) == len(set(named)) == len(places)  # the rows are read by slots, which there are none of
    named = refused(run("backtest", "--period", HOUR, "--history", past, "--config", "bad.yaml"))
    assert [problem.partition(":")[0] for problem in named] == ["bad.yaml", "past.csv"]


def test_what_was_carried_where_nothing_was_placed_needs_a_price_too(run: Run) -> None:
    csv("past/attachments.csv", HEADER, *rows("web", "blue", slots(1), GB), *rows("web", "dear", slots(11, 1), GB))
    csv("past/networks.csv", "network,physicalNetwork,capacity", "blue,unknown,1Gbps", "dear,dear,1Gbps")
    csv("past/placements.csv", "workload,network,start,end", "web,dear,2026-11-02T00:05:00Z,")
    assert refused(run("backtest", "--config", config(), "--period", HOUR, "--history", "past")) == [
        "tariffs: no tariff names 'unknown', on which attachments carried something"
    ]
