"""A bill from the history is the bill of its samples, to the last digit, or it is refused."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import delete
from typer.testing import CliRunner

from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.adapters.store.slots import uplink_parts
from switcher.backtest.slotting import samples_of
from switcher.cli import app
from switcher.errors import BadInputError
from switcher.keeping import Keep, cutoffs
from switcher.objects.load import book_from_documents
from switcher.objects.tariffs import Tariff
from switcher.recorded import recorded, with_gaps
from switcher.tariff import Invoice, bill
from switcher.versions import keep_objects
from tests.support.batches import at, attachment, batch, uplink
from tests.unit.pricing import fixed, percentile, rate, tariff, volume

DAY = 86_400
PERIOD = at(-DAY / 2), at(DAY * 1.5)
"""Two days of UTC."""
NIGHT = {"from": "22:00", "to": "06:00", "multiply": "0.4"}
TARIFFS = {
    "hours": [volume(("0.001", "9"), (None, "7.77"), schedule=[NIGHT]), fixed("1.5", each="attachment")],
    "fives": [percentile(missing="skip"), percentile(direction="max", sample="15m")],
    "minutes": [percentile(sample="7m"), volume((None, "3"), schedule=[{**NIGHT, "from": "22:07"}])],
    "nodes": [fixed("2", each="node"), percentile()],
}
INDIA = "Asia/Kolkata"
"""Its days begin at 18:30 UTC."""


@pytest.fixture
def history(url: str) -> Iterator[SqlHistory]:
    """Two nodes, sampled with gaps and odd lengths for more than a day."""
    upgrade(url)
    found, chance = SqlHistory.open(url), random.Random(1)
    for node in ("n1", "n2"):
        moment, samples = -DAY / 2 + 60, []
        while moment < DAY:
            length = chance.choice([10, 47.3, 60, 300, 731])
            samples.append(uplink(moment, length, chance.randrange(10**6), chance.randrange(10**7)))
            moment += length + chance.choice([0, 0, 0, 0, 1800])
        present = (attachment(since=3600.0 * len(node)),)
        found.ingest(batch(1, agent=node, node=node, sent=DAY, uplinks=tuple(samples), attachments=present))
    evening = tuple(uplink(7.1 * 3600 + n, 1, n, 2 * n) for n in range(100))
    found.ingest(batch(1, agent="n3", node="n3", sent=DAY, uplinks=evening))
    yield found
    found.close()


def of_samples(history: SqlHistory, document: dict[str, Any]) -> Invoice:
    """From every sample as it came."""
    rows = [sample for row in history.usage(*PERIOD) for sample in samples_of(row)]
    tariffs = book_from_documents([document], "test").tariffs
    stays = recorded(history, tariffs, PERIOD, at(DAY))[1]
    return bill(tariffs, rows, PERIOD, stays)


def of_history(history: SqlHistory, document: dict[str, Any], now: float = DAY) -> Invoice:
    tariffs = book_from_documents([document], "test").tariffs
    rows, stays = recorded(history, tariffs, PERIOD, at(now))
    return with_gaps(bill(tariffs, rows, PERIOD, stays), history, tariffs)


def daily(name: str, **more: Any) -> dict[str, Any]:
    return tariff(*TARIFFS[name], physicalNetworks=["phynet0"], billingPeriod={"unit": "day"}, **more)


def due(invoice: Invoice) -> list[Decimal]:
    """To the cent, by billing period."""
    return [entry.total for entry in invoice.entries]


def forgotten(history: SqlHistory, tariffs: Sequence[Tariff], keep: Keep) -> None:
    """Roll up, and delete all that is not kept."""
    history.look_after(at(DAY * 1.4), cutoffs(keep, tariffs, at(DAY * 1.4)))
    history.prune(at(DAY * 1.4))
    assert history.usage(*PERIOD) == []


SHORT = Keep(samples=timedelta(minutes=1), minutes=timedelta(minutes=1), fives=timedelta(minutes=1))


@pytest.mark.parametrize("name", TARIFFS)
def test_sums_bill_what_the_samples_do_before_and_after_they_are_deleted(history: SqlHistory, name: str) -> None:
    expected = of_samples(history, daily(name))
    assert any(line.amount for entry in expected.entries for line in entry.lines)
    assert due(of_history(history, daily(name))) == due(expected)
    forgotten(history, book_from_documents([daily(name)], "test").tariffs, SHORT)
    assert due(of_history(history, daily(name))) == due(expected)


@pytest.mark.parametrize("name", ["hours", "minutes"])
def test_gaps_are_those_of_the_samples_also_inside_sums_and_after_they_are_deleted(
    history: SqlHistory, name: str
) -> None:
    """Half hours in which neither node was sampled; what only one of them missed is none."""
    gaps = of_samples(history, daily(name)).gaps
    lengths = sorted({gap.end - gap.start for gap in gaps[:-1]})
    assert len(gaps) > 5
    assert timedelta(seconds=1) < lengths[0] < timedelta(minutes=25)
    assert of_history(history, daily(name)).gaps == gaps
    history.look_after(at(DAY), cutoffs(Keep(), (), at(DAY)))
    assert of_history(history, daily(name)).gaps == gaps
    forgotten(history, book_from_documents([daily(name)], "test").tariffs, SHORT)
    assert of_history(history, daily(name)).gaps == gaps


def test_a_gap_that_is_filled_later_is_none_any_more(history: SqlHistory) -> None:
    """Also after the sums were made."""
    gap = of_history(history, daily("hours")).gaps[2]
    history.look_after(at(DAY), cutoffs(Keep(), (), at(DAY)))
    start, seconds = (gap.start - at(0)).total_seconds(), (gap.end - gap.start).total_seconds()
    history.ingest(batch(2, agent="n4", node="n4", sent=DAY, uplinks=(uplink(start + 30, seconds - 30, 1, 1),)))
    found = of_history(history, daily("hours")).gaps
    assert gap not in found
    assert replace(gap, end=gap.start + timedelta(seconds=30)) in found


def test_of_sums_whose_parts_nobody_kept_only_whole_rows_are_gaps(history: SqlHistory, url: str) -> None:
    """As those of before migration 0006 are."""
    forgotten(history, book_from_documents([daily("hours")], "test").tariffs, SHORT)
    told = of_history(history, daily("hours")).gaps
    database = Database(url)
    with database.writing() as connection:
        connection.execute(delete(uplink_parts))
    database.close()
    tariffs = book_from_documents([daily("hours")], "test").tariffs
    rows, stays = recorded(history, tariffs, PERIOD, at(DAY))
    whole = bill(tariffs, rows, PERIOD, stays).gaps
    assert of_history(history, daily("hours")).gaps == whole != told


def test_where_nothing_that_flows_is_priced_there_are_no_gaps(history: SqlHistory) -> None:
    document = tariff(fixed("2", each="network"), physicalNetworks=["phynet0"], billingPeriod={"unit": "day"})
    assert of_history(history, document).gaps == ()


def test_nodes_are_told_apart_by_the_hour_or_finer_where_a_day_begins_inside_one(history: SqlHistory) -> None:
    """The third node has traffic from 19:06 to 19:08 UTC only: on the first day of UTC, and on the second of India."""
    for zone, hours in (("UTC", [72, 48]), (INDIA, [37, 72, 0])):
        expected = of_samples(history, daily("nodes", timezone=zone))
        quantities = [line.quantity for entry in expected.entries for line in entry.lines if line.unit == "node-hour"]
        assert [Decimal(each) for each in hours] == quantities, zone
        assert due(of_history(history, daily("nodes", timezone=zone))) == due(expected)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL: a partition of weeks is not old as a whole
@pytest.mark.parametrize("zone", ["UTC", INDIA])
def test_a_bill_by_nodes_is_refused_when_they_cannot_be_told_apart_any_more(history: SqlHistory, zone: str) -> None:
    document = daily("nodes", timezone=zone)
    hours = Keep(samples=SHORT.samples, minutes=SHORT.minutes, fives=SHORT.fives, hours=timedelta(minutes=1))
    forgotten(history, book_from_documents([document], "test").tariffs, hours)
    with pytest.raises(BadInputError, match=f"needs {'hours of each node' if zone == 'UTC' else 'fives'} from"):
        of_history(history, document)


def test_a_bill_that_would_not_be_exact_is_refused_with_what_is_missing(history: SqlHistory) -> None:
    whole, later = daily("hours"), daily("hours", validFrom="2026-11-20T12:34:56Z")
    later["metadata"]["name"] = "later"
    whole["spec"]["contract"] = later["spec"]["contract"] = "c"
    tariffs = book_from_documents([whole, later], "test").tariffs
    assert recorded(history, tariffs, PERIOD, at(DAY))[0]
    history.prune(at(DAY))
    with pytest.raises(BadInputError, match=r"needs samples .* inside a minute, at 2026-11-20T12:34:56.* kept from"):
        recorded(history, tariffs, PERIOD, at(DAY))


def test_the_command_bills_a_history(history: SqlHistory, url: str, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(yaml.safe_dump({"apiVersion": "switcher.genie.io/v1alpha1", **daily("hours")}))
    history.prune(at(DAY))
    period = "/".join(moment.isoformat() for moment in PERIOD)
    words = ["bill", "--tariff", str(tmp_path / "t.yaml"), "--samples", url, "--period", period, "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exception is None
    found = json.loads(done.stdout)
    totals = [f"{entry.total:f}" for entry in of_history(history, daily("hours"), now=2 * DAY).entries]
    assert [entry["total"] for entry in found["tariffs"]] == totals


def asked(url: str, *more: str) -> dict[str, Any]:
    """The bill of the history by the price lists that it has kept itself."""
    period = "/".join(moment.isoformat() for moment in PERIOD)
    words = ["bill", "--tariff", url, "--samples", url, "--period", period, "--json", *more]
    done = CliRunner().invoke(app, words)
    if done.exception is not None:
        raise done.exception
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def priced(price: str, **more: Any) -> dict[str, Any]:
    return tariff(volume((None, price)), physicalNetworks=["phynet0"], **more)


def test_a_history_is_billed_by_the_price_lists_that_it_has_kept(history: SqlHistory, url: str) -> None:
    """A correction counts for the time before too, but not by what was known before it came."""
    for price, now in (("3", -DAY), ("2", 7200)):
        keep_objects(history, [priced(price)], at(now))
    totals = {name: due(of_history(history, priced(price))) for name, price in (("first", "3"), ("corrected", "2"))}
    found = asked(url), asked(url, "--known-at", at(3600).isoformat())
    assert [[Decimal(one["total"]) for one in answer["tariffs"]] for answer in found] == [
        totals["corrected"],
        totals["first"],
    ]


def test_a_list_that_was_taken_away_is_billed_to_the_end_of_the_hour(history: SqlHistory, url: str) -> None:
    """What flowed after that has no price, unless it is asked what was known before."""
    other = priced("1", contract="other")
    keep_objects(history, [priced("3"), {**other, "metadata": {"name": "other"}}], at(-DAY))
    history.prune(at(DAY))
    whole = asked(url)
    keep_objects(history, [{**other, "metadata": {"name": "other"}}], at(7201))
    with pytest.raises(BadInputError, match="has no valid price list from 2026-11-20T15:00:00"):
        asked(url)
    assert asked(url, "--known-at", at(7200).isoformat()) == whole


def test_exchange_rates_are_those_in_force(history: SqlHistory, url: str) -> None:
    rates = [rate("USD", "EUR", price, "2026-11-01") for price in ("0.5", "0.25")]
    for number, now in ((0, -DAY), (1, 3600)):
        keep_objects(history, [priced("3"), rates[number]], at(now))
    early, late = asked(url, "--settlement", "EUR", "--known-at", at(60).isoformat()), asked(url, "--settlement", "EUR")
    assert [each["exchangeRate"] for each in (early["tariffs"][0], late["tariffs"][0])] == ["0.5", "0.25"]
    assert late["currency"] == "EUR"
