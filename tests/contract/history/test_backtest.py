"""A backtest on a history that came in through the real ingest: two nodes, moves in mid-slot, on both databases."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from cni.wire import NetworkReport
from switcher.adapters.store.history import SqlHistory
from switcher.backtest.kept import kept_objects
from switcher.backtest.past import past_of
from switcher.backtest.record import Span
from switcher.backtest.stored import read_history
from switcher.commands.backtest import backtest
from switcher.commands.bill import bill
from switcher.commands.db import db
from switcher.errors import BadInputError
from switcher.keeping import Keep, cutoffs
from switcher.ports import StoredObject
from tests.contract.history.conftest import DATABASES, ready
from tests.support.batches import at, attachment, batch, traffic, uplink
from tests.support.scenes import per_attachment, per_gb, policy

HOURS = 1
PERIOD = f"{at(0).isoformat()}/{at(HOURS * 3600).isoformat()}"
MOVED = 1900.0
"""Seconds after NOON: 100 s into a slot."""
NETWORKS = (
    NetworkReport(network="cni:a", physical_network="phynet0", free_addresses=9),
    NetworkReport(network="cni:b", physical_network="phynet1", free_addresses=9),
    NetworkReport(network="cni:c", physical_network=None, free_addresses=9),
)


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A history of an hour: on n1 one attachment that moves, on n2 one that stays; ten-second samples."""
    found = ready(request, tmp_path, request.param)
    history = SqlHistory.open(found)
    for node, moves in (("n1", True), ("n2", False)):
        for number in range(HOURS * 60):
            history.ingest(_minute(node, number, moves))
    history.close()
    return found


def _minute(node: str, number: int, moves: bool) -> Any:
    """A batch of a minute: what the attachment carried, and twice that on its uplink, half of it foreign."""
    start = 60.0 * number
    begins = [start + 10 * step for step in range(6)]
    on_b = [moves and begin >= MOVED for begin in begins]
    samples = [
        traffic(begin, 10, 1000, 25_000_007, network="cni:b" if b else "cni:a")
        for begin, b in zip(begins, on_b, strict=True)
    ]
    uplinks = [
        uplink(begin, 10, 2000 if b == on else 1000, 50_000_014 if b == on else 25_000_007, physical_network=name)
        for begin, b in zip(begins, on_b, strict=True)
        for name, on in (("phynet0", False), ("phynet1", True))
    ]
    now_b = moves and start + 60 > MOVED
    report = attachment(
        "cni:b" if now_b else "cni:a",
        MOVED if now_b else 0.0,
        physical_network="phynet1" if now_b else "phynet0",
        labels={"app": "web"},
    )
    return batch(
        number + 1,
        start + 60,
        agent=f"{node}/x",
        node=node,
        uplinks=tuple(uplinks),
        traffic=tuple(samples),
        attachments=(report,),
        networks=NETWORKS,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Prices per attachment and per GB; the policy selects by label, which only the history knows."""
    lists = [per_attachment("phynet0", "3.47"), per_gb("phynet1", "0.021", ("50", "0.09"))]
    chosen = policy(podSelector={"matchLabels": {"app": "web"}}, minimumAge="0s")
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump_all([*lists, chosen]))
    return path


def ask(command: Any, *arguments: str) -> dict[str, Any]:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [*arguments, "--json"])
    if done.exception is not None:
        raise done.exception
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def export(url: str, to: Path, slot: str = "5m") -> dict[str, Any]:
    done = CliRunner().invoke(
        db, ["export", "--url", url, "--period", PERIOD, "--slot", slot, "--to", str(to), "--json"]
    )
    if done.exception is not None:
        raise done.exception
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def play(config: Path, history: str, *more: str) -> dict[str, Any]:
    return ask(backtest, "--config", str(config), "--history", history, "--period", PERIOD, *more)


def rows_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Without what differs from run to run: the decisions' times."""
    return [
        {key: value for key, value in row.items() if not key.startswith("decision")}
        for case in answer["cases"]
        for row in case["rows"]
    ]


def test_actual_is_what_bill_says_of_the_same_rows(url: str, config: Path, tmp_path: Path) -> None:
    """Bytes and the time on each network: 3.47 for 1 h of one attachment and 1900 s of the other, and tiers."""
    export(url, tmp_path / "out")
    history = SqlHistory.open(url)
    with (tmp_path / "stays.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["attachment", "network", "start", "end"])
        for stay in history.placement_spans(at(0), at(HOURS * 3600)):
            end = stay.end or at(HOURS * 3600)
            name = f"{stay.node}/{stay.workload}"
            writer.writerow([name, stay.physical_network, stay.start.isoformat(), end.isoformat()])
    history.close()
    files = "--samples", str(tmp_path / "out" / "uplinks.csv"), "--attachments", str(tmp_path / "stays.csv")
    invoice = ask(bill, "--tariff", str(config), "--period", PERIOD, *files)
    actual = rows_of(play(config, url))[0]
    assert actual["bill"] == invoice["total"]
    ports = next(entry for entry in invoice["tariffs"] if entry["name"] == "contract-phynet0")
    assert float(ports["total"]) == pytest.approx(3.47 * (HOURS + MOVED / 3600), abs=0.005)


def test_what_was_exported_gives_the_same_table(url: str, config: Path, tmp_path: Path) -> None:
    rows = export(url, tmp_path / "out")
    assert rows["attachments.csv"] == 2 * (2 * HOURS * 12 + 1)  # one slot has two networks
    stored = play(config, url, "--policy", "ours", "--policy", "sd-wan")
    files = play(config, str(tmp_path / "out"), "--policy", "ours", "--policy", "sd-wan")
    assert rows_of(files) == rows_of(stored)
    assert files["gaps"] == stored["gaps"] == []
    assert files["notes"] == stored["notes"] == []
    assert files["cases"][0]["bound"] == stored["cases"][0]["bound"]
    with pytest.raises(BadInputError, match="is there already"):
        export(url, tmp_path / "out")


def test_the_background_is_what_the_attachments_did_not_carry(url: str) -> None:
    history = SqlHistory.open(url)
    span = Span(start=at(0), end=at(HOURS * 3600), slot=timedelta(minutes=5))
    past = past_of(read_history(history, span), span)
    history.close()
    assert past.ids == ("lab/w01:net1@n1", "lab/w01:net1@n2")
    assert [name for name in (past.names[column] for column in past.places[:, 0])][5:8] == ["cni:a", "cni:b", "cni:b"]
    assert {facts.labels["app"] for facts in past.facts} == {"web"}
    for into, out in past.background.values():
        assert out == pytest.approx([25_000_007 * 30 * 8 / 300] * HOURS * 12)
        assert into == pytest.approx([1000 * 30 * 8 / 300] * HOURS * 12)
    assert past.excess_percent == 0


def test_a_long_period_is_billed_by_sums_and_says_so(url: str) -> None:
    """The same bytes in fewer rows, so the same bill."""
    history = SqlHistory.open(url)
    span = Span(start=at(0), end=at(HOURS * 3600), slot=timedelta(minutes=5))
    whole, sums = read_history(history, span), read_history(history, span, most_rows=100)
    history.close()
    assert len(whole.samples) == 2 * 4 * HOURS * 360
    assert len(sums.samples) == 2 * 4 * HOURS * 12
    assert sum(row.bytes for row in whole.samples) == sum(row.bytes for row in sums.samples)
    assert list(whole.notes) == []
    assert sums.notes[0].startswith("what was paid is computed from sums over 0:05:00")


def test_the_same_table_when_the_samples_are_gone(url: str, config: Path) -> None:
    """What is left are sums over five minutes: nothing but where within them a switch was."""
    before = play(config, url)
    history = SqlHistory.open(url)
    history.look_after(at(90_000), cutoffs(Keep(), (), at(90_000)))
    history.prune(at(90_000))
    assert history.usage(at(0), at(HOURS * 3600)) == []
    history.close()
    after = play(config, url)
    assert rows_of(after) == rows_of(before)
    assert after["gaps"] == []
    (note,) = after["notes"]
    assert note.startswith("what was paid is computed from sums over 0:05:00")
    coarse = play(config, url, "--slot", "1m")
    assert "the history has this period by sums over 0:05:00 only" in coarse["notes"][1]


def test_without_a_configuration_the_stored_objects_count_as_they_were_known(url: str, config: Path) -> None:
    """A price that was corrected half way: the bill is by the corrected one, a decision by what was known then."""
    history = SqlHistory.open(url)
    documents = list(yaml.safe_load_all(config.read_text()))
    corrected = per_gb("phynet1", "0.011", ("50", "0.08"))
    for recorded, known in ((at(-600), documents), (at(1800), [corrected])):
        history.store_objects(
            [
                StoredObject(kind=one["kind"], name=one["metadata"]["name"], document=one, recorded_at=recorded)
                for one in known
            ]
        )
    span = Span(start=at(0), end=at(HOURS * 3600), slot=timedelta(minutes=5))
    prices = [one for one in kept_objects(history, span).billed if one["metadata"]["name"] == "contract-phynet1"]
    history.close()
    assert [one["spec"]["recordedAt"] for one in prices] == [at(-600).isoformat(), at(1800).isoformat()]
    known = ask(backtest, "--history", url, "--period", PERIOD)
    config.write_text(yaml.safe_dump_all([documents[0], corrected, documents[2]]))
    hindsight = play(config, url)
    assert rows_of(known)[:2] == rows_of(hindsight)[:2]
    with pytest.raises(BadInputError, match="--config: is needed where the history is CSV files"):
        ask(backtest, "--history", "somewhere.csv", "--period", PERIOD)
