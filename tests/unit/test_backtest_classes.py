"""Classes of destination in a backtest: priced by class, and never moved to where the class has no price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switcher.backtest.export import export
from switcher.backtest.files import read_files
from switcher.commands.spans import read_span
from tests.support.scenes import per_gb, policy
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


def classed(network: str, **prices: str) -> dict[str, Any]:
    """A list with a price per GB for each class."""
    listed: dict[str, Any] = per_gb(network, "0")
    charges = [
        {"name": name, "volume": {"direction": "out", "unit": "GB", "destination": name, "tiers": [{"price": price}]}}
        for name, price in prices.items()
    ]
    return {**listed, "spec": {**listed["spec"], "charges": charges}}


def config() -> str:
    """One network prices both classes, the other one only what goes to the internet."""
    return objects(
        "config.yaml",
        *(physical("dear"), physical("cheap")),
        *(classed("dear", internet="0.10", zone="0.01"), classed("cheap", internet="0.02")),
        policy(minimumAge="0s"),
    )


def past(classes: str = "web,internet", uplinks: tuple[str, ...] = ()) -> str:
    """A web server and a database, 1 GB each in twelve slots."""
    csv("past/attachments.csv", HEADER, *rows("web", "dear", slots(12), GB), *rows("db", "dear", slots(12), GB))
    csv("past/workloads.csv", "workload,destination", classes, "db,zone")
    if uplinks:
        csv("past/uplinks.csv", "start,seconds,network,direction,bytes,destination", *uplinks)
    return "past"


def test_each_class_has_its_price_and_moves_only_to_where_it_has_one(run: Run) -> None:
    """Paid 12 x 0.10 + 12 x 0.01. Of the two only the web server gains on the other network: 12 x 0.02 + 12 x 0.01."""
    (case,) = asked(run, "--config", config(), "--history", past(), "--policy", "ours", "genie-code")["cases"]
    found = by_policy(case)
    assert (found["actual"]["bill"], found["static"]["bill"]) == ("1.32", "1.32")
    assert (found["ours"]["bill"], found["ours"]["moves"]) == ("0.36", 1)
    assert found["genie-code"]["moves"] >= 1  # whatever it does, the bill can be computed
    assert float(case["bound"]["added"]) == pytest.approx(0.36, rel=1e-5)
    assert case["bound"]["exact_prices"] is True
    assert "cheap has no price for traffic to 'zone': it does not move there" in case["notes"]


def test_foreign_load_is_priced_by_its_class(run: Run) -> None:
    """Beside the two: 2 GB a slot to the zone on the dear network, 1 GB to the internet on the cheap one."""
    carried = ("dear", GB, "internet"), ("dear", 3 * GB, "zone"), ("cheap", GB, "internet")
    uplinks = (f"{at},300,{network},out,{count},{kind}" for at in slots(12) for network, count, kind in carried)
    (case,) = asked(run, "--config", config(), "--history", past(uplinks=tuple(uplinks)))["cases"]
    found = by_policy(case)
    assert case["foreign_bill"] == "0.48"  # 24 x 0.01 + 12 x 0.02
    assert found["actual"]["bill"] == "1.80"
    assert (found["ours"]["bill"], found["ours"]["added"]) == ("0.84", "0.36")
    assert float(case["bound"]["added"]) == pytest.approx(0.36, rel=1e-5)


def test_a_class_that_is_not_known_is_refused_with_its_row(run: Run) -> None:
    named = refused(run("backtest", "--config", config(), "--period", HOUR, "--history", past("web,moon")))
    assert any("'moon' is counted by no charge of 'dear'" in problem for problem in named)
    missing = refused(run("backtest", "--config", config(), "--period", HOUR, "--history", past("web,")))
    assert any("missing, but charges of 'dear' need it: one of internet, zone" in problem for problem in missing)


def test_classes_survive_an_export(run: Run, tmp_path: Path) -> None:
    span = read_span(HOUR, "5m")
    export(read_files(Path(past()), span), span, tmp_path / "again")
    first, second = (asked(run, "--config", config(), "--history", name) for name in ("past", "again"))
    assert by_policy(first["cases"][0])["ours"]["bill"] == by_policy(second["cases"][0])["ours"]["bill"] == "0.36"


def test_who_sends_nothing_may_be_where_its_class_has_no_price(run: Run) -> None:
    """A silent workload of no stated class was on a network that prices classes only: nothing of it is billed."""
    past()
    idle = ("idle,dear,2026-11-02T00:00:00Z,,", "web,dear,2026-11-02T00:00:00Z,,", "db,dear,2026-11-02T00:00:00Z,,")
    csv("past/placements.csv", "workload,network,start,end,node", *idle)
    (case,) = asked(run, "--config", config(), "--history", "past")["cases"]
    assert by_policy(case)["actual"]["bill"] == "1.32"
    assert by_policy(case)["ours"]["bill"] == "0.36"


def test_a_network_that_prices_classes_bars_nothing_where_no_class_is_known(run: Run) -> None:
    """Nobody was on it, and nothing of ours has a price there; all else is played."""
    plain = objects(
        "plain.yaml",
        *(physical("dear"), physical("other"), physical("cheap")),
        *(per_gb("dear", "0.10"), per_gb("other", "0.05"), classed("cheap", internet="0.02")),
        policy(minimumAge="0s"),
    )
    (case,) = asked(run, "--config", plain, "--history", csv("p.csv", HEADER, *rows("web", "dear", slots(12), GB)))[
        "cases"
    ]
    assert by_policy(case)["ours"]["bill"] == "0.60"
    assert "cheap has no price for traffic of no stated class: it does not move there" in case["notes"]
