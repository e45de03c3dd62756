"""A backtest by the objects that the history kept: each counts from when it was known until it was taken away.

An hour of one workload that sends a GB in four minutes, in slots of five: 1.25 GB a slot, 15 GB in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cni.wire import NetworkReport
from switcher.adapters.store.history import SqlHistory
from switcher.commands.backtest import backtest
from switcher.errors import BadInputError
from switcher.versions import keep_objects
from tests.contract.history.conftest import DATABASES, ready
from tests.contract.history.test_backtest import PERIOD, ask, rows_of
from tests.support.batches import at, attachment, batch, traffic, uplink
from tests.support.scenes import per_attachment, per_gb, policy, threshold

HALF, SLOT = 1800, 300
RIDES = {"cni:a": "phynet0", "cni:b": "phynet1"}
NETWORKS = tuple(
    NetworkReport(network=name, physical_network=physical, free_addresses=9) for name, physical in RIDES.items()
)
EAGER = policy(minimumAge="0s", cooldown="0s")
DEAR, CHEAP = per_gb("phynet0", "0.10"), per_gb("phynet1", "0.02")
Objects = list[dict[str, Any]]
Answer = dict[str, Any]
Played = Callable[..., Answer]
"""Plays the hour: objects by the second at which they were stored, and more arguments."""


def from_half(price: str, name: str = "phynet1", **spec: Any) -> Any:
    """A price list that begins in the middle of the period."""
    return per_gb(name, price, validFrom=at(HALF).isoformat(), **spec)


def physical(name: str, capacity: str) -> dict[str, Any]:
    return {"kind": "PhysicalNetwork", "metadata": {"name": name}, "spec": {"refer_nic": "eth1", "capacity": capacity}}


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ready(request, tmp_path, request.param)


@pytest.fixture
def play(url: str) -> Played:
    def played(kept: Mapping[float, Objects], *arguments: str, b_from: float = 1e9, b_until: float = 1e9) -> Answer:
        """The workload is on ``b`` between these seconds, else on ``a``."""
        history = SqlHistory.open(url)
        for number in range(60):
            history.ingest(_minute(number, "cni:b" if b_from <= 60 * number < b_until else "cni:a", b_from, b_until))
        for moment, documents in kept.items():
            keep_objects(history, documents, at(moment))
        history.close()
        return ask(backtest, "--history", url, "--period", PERIOD, *arguments)

    return played


def _minute(number: int, network: str, *edges: float) -> Any:
    start = 60.0 * number
    since = max((edge for edge in edges if edge <= start), default=0.0)
    report = attachment(network, since, physical_network=RIDES[network])
    return batch(
        number + 1,
        start + 60,
        uplinks=tuple(
            uplink(start, 60, 0, 250_000_000 if name == network else 0, physical_network=RIDES[name]) for name in RIDES
        ),
        traffic=(traffic(start, 60, 0, 250_000_000, network=network),),
        attachments=(report,),
        networks=NETWORKS,
    )


def bills(answer: Answer) -> dict[str, float]:
    return {row["policy"]: float(row["bill"]) for row in rows_of(answer)}


def notes(answer: Answer) -> list[str]:
    return [note for case in answer["cases"] for note in case["notes"]]


def said(answer: Answer, text: str) -> bool:
    return any(text in note for note in notes(answer))


def test_a_policy_decides_while_it_is_in_force(play: Played) -> None:
    """It came ten minutes after the start and was taken away ten minutes later: by then everyone has moved."""
    answer = play({-60: [DEAR, CHEAP], 600: [DEAR, CHEAP, EAGER], 1200: [DEAR, CHEAP]}, "--policy", "ours", "all")
    moved = 2 * 1.25 * 0.10 + 10 * 1.25 * 0.02
    assert bills(answer) == {"actual": 1.5, "static": 1.5, "ours": moved, "all": moved}
    assert said(
        answer, "objects changed 2 times: each version counts from the slot after it was known (2026-11-20T12:10"
    )
    assert said(
        answer,
        "policy all was not in force from 2026-11-20T12:00:00+00:00 to 2026-11-20T12:10:00+00:00,"
        " from 2026-11-20T12:20:00+00:00 to 2026-11-20T13:00:00+00:00: it moves nothing then",
    )


def test_before_anything_was_known_nothing_moves_and_prices_are_those_of_later(play: Played) -> None:
    answer = play({HALF: [DEAR, CHEAP, EAGER]})
    assert bills(answer)["ours"] == pytest.approx(6 * 1.25 * 0.10 + 6 * 1.25 * 0.02, abs=0.006)
    assert said(answer, "no object was known before 2026-11-20T12:30:00+00:00")


def test_a_price_decides_from_when_it_was_known_and_is_billed_from_when_it_is_valid(play: Played) -> None:
    """Cheap by what was known later: until then the decision stays where it was cheap by what was known."""
    wrong, right = per_gb("phynet1", "0.20"), per_gb("phynet1", "0.02")
    answer = play({-60: [DEAR, wrong, EAGER], HALF: [DEAR, right, EAGER]}, "--policy", "ours", "reoptimise")
    half = pytest.approx(6 * 1.25 * 0.10 + 6 * 1.25 * 0.02, abs=0.006)
    assert bills(answer) == {"actual": 1.5, "static": 1.5, "ours": half, "reoptimise": half}
    assert float(answer["cases"][0]["bound"]["added"]) == pytest.approx(15 * 0.02, rel=1e-4)


def test_thresholds_and_capacities_are_those_of_the_time(play: Played) -> None:
    """33 Mbps on 100 Mbps, on which shed is 0.3 for ten minutes; then on 35 Mbps for another ten."""
    base = [DEAR, CHEAP, physical("phynet1", "100Mbps"), physical("phynet0", "100Mbps")]
    answer = play(
        {
            -60: base,
            600: [*base, threshold(fill="0.2", shed="0.3")],
            1200: base,
            1800: [*base[:3], physical("phynet0", "35Mbps")],
            2400: base,
        },
        "--policy",
        "static",
    )
    assert [row["overloaded_minutes"] for row in rows_of(answer)] == [20, 20]


def test_a_network_that_comes_is_used_from_then_on(play: Played) -> None:
    """Its price list begins with it: nobody can be there before, and the bound knows that too."""
    answer = play(
        {-60: [DEAR, EAGER], HALF - 30: [DEAR, from_half("0.02"), EAGER]},
        "--policy",
        *("ours", "genie-code", "static-hindsight"),
        b_from=2400,
    )
    found = bills(answer)
    assert found["static"] == 1.5
    assert found["actual"] == pytest.approx(8 * 1.25 * 0.10 + 4 * 1.25 * 0.02)
    assert found["ours"] == pytest.approx(6 * 1.25 * 0.10 + 6 * 1.25 * 0.02, abs=0.006)
    assert found["genie-code"] >= found["ours"] - 0.006
    assert float(answer["cases"][0]["bound"]["added"]) == pytest.approx(0.9, rel=1e-4)
    assert said(answer, "nobody is on phynet1 from 2026-11-20T12:00:00+00:00 to 2026-11-20T12:30:00+00:00")


def test_a_network_that_goes_is_left_where_it_was_left(play: Played) -> None:
    """Who is on it is taken to where it was taken really; nothing is due for it afterwards."""
    port = {"name": "port", "fixed": {"price": "6.00", "per": "hour", "each": "network"}}
    cheap = {**CHEAP, "spec": {**CHEAP["spec"], "charges": [*CHEAP["spec"]["charges"], port]}}
    answer = play({-60: [DEAR, cheap, EAGER], HALF: [DEAR, EAGER]}, "--policy", "ours", b_from=0, b_until=HALF)
    paid = 3.00 + 6 * 1.25 * 0.02 + 6 * 1.25 * 0.10
    assert bills(answer) == {name: pytest.approx(paid, abs=0.006) for name in ("actual", "static", "ours")}
    assert [row["moves"] for row in rows_of(answer)] == [1, 1, 1]
    assert float(answer["cases"][0]["bound"]["added"]) == pytest.approx(0.9, rel=1e-4)


def test_a_list_that_goes_inside_a_slot_counts_to_the_slots_end(play: Played) -> None:
    answer = play({-60: [DEAR, CHEAP], HALF - 130: [DEAR]}, "--policy", "static", b_from=0, b_until=HALF)
    assert bills(answer)["actual"] == pytest.approx(0.9)


def test_a_contract_that_takes_the_place_of_another_one_is_billed_after_it(play: Played) -> None:
    new = from_half("0.01", contract="other")
    answer = play({-60: [DEAR, CHEAP], HALF: [DEAR, {**new, "metadata": {"name": "new"}}]}, b_from=0)
    assert bills(answer)["actual"] == pytest.approx(7.5 * 0.02 + 7.5 * 0.01, abs=0.006)
    assert not said(answer, "nobody is on")
    assert said(
        answer, "contract 'contract-phynet1' was not in force from 2026-11-20T12:30:00+00:00 to 2026-11-20T13:00"
    )


def test_a_list_that_was_away_for_a_moment_is_billed_all_the_time(play: Played) -> None:
    answer = play({-60: [DEAR, CHEAP], HALF: [DEAR], HALF + 900: [DEAR, CHEAP]}, b_from=0)
    assert bills(answer)["actual"] == pytest.approx(0.30)


def test_what_was_used_while_no_contract_was_in_force_is_refused_with_the_times(play: Played) -> None:
    with pytest.raises(BadInputError) as refusal:
        play({-60: [DEAR, CHEAP], HALF: [DEAR]}, b_from=0)
    (problem,) = refusal.value.problems
    assert str(problem) == (
        "tariffs: no contract on 'phynet1' was in force from 2026-11-20T12:30:00+00:00 to 2026-11-20T13:00:00+00:00,"
        " but something was on it: lay a price list over it with --what-if, or play a part of the period"
    )


def test_a_gap_of_a_contract_that_was_in_force_stays_refused(play: Played) -> None:
    with pytest.raises(BadInputError, match="has no valid price list from 2026-11-20T12:00:00"):
        play({-60: [DEAR, from_half("0.02")]})


def test_what_is_laid_over_is_in_force_all_the_time(play: Played, tmp_path: Path) -> None:
    """A policy and a price that were taken away, and a network that no node had."""
    over = tmp_path / "over.yaml"
    more = [physical("third", "1Gbps"), per_gb("third", "0.01")]
    only_two = {**EAGER, "spec": {**EAGER["spec"], "candidates": ["cni:a", "cni:b"]}}
    over.write_text(yaml.safe_dump_all([only_two, per_gb("phynet1", "0.02"), *more]))
    there = [physical(name, "100Mbps") for name in ("phynet0", "phynet1")]
    kept = {-60: [DEAR, CHEAP, EAGER, *there], 600: [DEAR, *there]}
    answer = play(kept, "--what-if", str(over), "--policy", "ours")
    as_it_is, laid = answer["cases"]
    assert float(as_it_is["rows"][2]["bill"]) == pytest.approx(2 * 1.25 * 0.02 + 10 * 1.25 * 0.10, abs=0.006)
    assert float(laid["rows"][2]["bill"]) == pytest.approx(12 * 1.25 * 0.01, abs=0.006)
    assert not any("nobody is on" in note for note in laid["notes"])


def test_attachments_are_billed_by_the_lists_of_the_time(play: Played) -> None:
    """6 an hour for half an hour on a network that then goes."""
    port = per_attachment("phynet1", "6.00")
    answer = play({-60: [DEAR, port], HALF: [DEAR]}, "--policy", "static", b_from=0, b_until=HALF)
    assert bills(answer) == {name: pytest.approx(3.00 + 0.75, abs=0.006) for name in ("actual", "static")}
