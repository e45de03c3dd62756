"""The commands that look, on a real SQLite history; and a move by hand, with an agent on a real socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import yaml

from cni.wire import (
    KIND_ASK,
    Answer,
    Ask,
    AttachmentReport,
    AttachmentSample,
    Batch,
    Measured,
    NetworkReport,
    Outcome,
    Phase,
    RefusalReason,
    SwitchStatus,
    UplinkSample,
    decode,
    encode,
    frame,
    status_of,
)
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.model import Decision, Stay, StayReason
from tests.support.shim import Agent
from tests.unit.pricing import fixed, percentile, rate, tariff, volume

STARTED = datetime.now(UTC).timestamp() - 600


@dataclass(frozen=True)
class Site:
    """A history with one workload on the dear of two networks, and the settings that name it."""

    config: Path
    agent: Path
    """Where the node's agent is to listen."""
    url: str

    def switcher(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the real command."""
        env = {**os.environ, "SWITCHER_CONFIG": str(self.config)}
        command = [sys.executable, "-c", "from switcher.cli import main; main()", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)

    def asked(self, *arguments: str) -> list[dict[str, object]]:
        """The answer as JSON."""
        done = self.switcher(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    url = f"sqlite:///{tmp_path}/history.db"
    upgrade(url)
    now = datetime.now(UTC).timestamp()
    history = SqlHistory.open(url)
    history.ingest(
        Batch(
            agent="n1/a",
            node="n1",
            sequence=1,
            sent_at=now,
            uplinks=(
                UplinkSample(
                    physical_network="dear", start=now - 10, seconds=10, in_bytes=0, out_bytes=10**7, capacity_bps=1e9
                ),
            ),
            traffic=(
                AttachmentSample(
                    workload="shop/web",
                    attachment="net1",
                    network="cni:dear",
                    start=now - 10,
                    seconds=10,
                    in_bytes=0,
                    out_bytes=10**7,
                ),
            ),
            attachments=(
                AttachmentReport(
                    workload="shop/web",
                    attachment="net1",
                    network="cni:dear",
                    physical_network="dear",
                    ifname="net1",
                    addresses=("10.1.0.2/16",),
                    since=STARTED,
                    started=STARTED,
                ),
            ),
            networks=(
                NetworkReport(network="cni:dear", physical_network="dear", free_addresses=9),
                NetworkReport(network="cni:cheap", physical_network="cheap"),
            ),
        )
    )
    stay = Stay(workload="shop/web:net1", network="cni:dear", reason=StayReason.COOLDOWN, explanation="moved lately")
    decision = Decision(now=datetime.now(UTC), moves=(), stays=(stay,), surcharge={})
    history.record_decision(decision, b"{}", [])
    history.close()
    price = tariff(fixed("11.80", each="attachment"), volume((None, "0.09")), name="t", physicalNetworks=["dear"])
    objects = tmp_path / "objects.yaml"
    objects.write_text(yaml.safe_dump(price))
    config = tmp_path / "config.yaml"
    agent_socket = tmp_path / "agent.sock"
    config.write_text(
        yaml.safe_dump({"database": url, "objects": [str(objects)], "nodes": {"n1": f"unix:{agent_socket}"}})
    )
    return Site(config=config, agent=agent_socket, url=url)


def test_status_says_where_everything_is_and_the_last_word_on_it(site: Site) -> None:
    (row,) = site.asked("status")
    assert (row["workload"], row["attachment"], row["network"]) == ("shop/web", "net1", "cni:dear")
    assert (row["decision"], row["addresses"]) == ("Cooldown", "10.1.0.2/16")


def test_networks_have_their_price_or_why_there_is_none(site: Site) -> None:
    rows = {str(row["network"]): row for row in site.asked("networks")}
    assert (rows["cni:dear"]["price/h"], rows["cni:dear"]["price/GB out"]) == ("11.8", "0.09")
    assert rows["cni:dear"]["attached"] == 1
    assert rows["cni:dear"]["out Mbps"] == pytest.approx(8.0)
    assert rows["cni:cheap"]["price/h"] == "unknown"


def test_one_more_attachment_costs_what_the_discount_leaves(site: Site) -> None:
    port = fixed("10", each="attachment", nth=[{"from": 2, "multiply": "0.25"}])
    price = tariff(port, name="t", physicalNetworks=["dear", "cheap"])
    (site.config.parent / "objects.yaml").write_text(yaml.safe_dump(price))
    rows = {str(row["network"]): row["price/h"] for row in site.asked("networks")}
    assert rows == {"cni:dear": "2.5", "cni:cheap": "2.5"}


def test_figures_have_no_exponent_and_prices_their_currency(site: Site) -> None:
    header, *rows = (line.split("\t") for line in site.switcher("networks").stdout.splitlines())
    row = dict(zip(header, next(row for row in rows if row[0] == "cni:dear"), strict=True))
    assert (row["capacity Mbps"], row["price/h"], row["currency"]) == ("1000", "11.8", "USD")


def test_spending_says_the_total_and_in_which_currency(site: Site) -> None:
    networks, *_, workloads = site.switcher("spending").stdout.split("\n\n")
    told = json.loads(site.switcher("spending", "--json").stdout)
    (only,) = workloads.splitlines()[1:]
    assert only == f"shop/web:net1\tcni:dear\tn1\t{told['workloads'][0]['per_hour']} USD"
    assert networks.splitlines()[-2:] == [
        f"total\t{told['per_hour']['now']} USD",
        f"total, if nothing had moved\t{told['per_hour']['if_nothing_had_moved']} USD",
    ]


def test_spending_says_which_rate_there_is_no_cost_for_want_of(site: Site) -> None:
    euros = tariff(fixed("1", each="attachment"), name="euros", physicalNetworks=["cheap"], currency="EUR")
    dollars = tariff(fixed("11.80", each="attachment"), name="dollars", physicalNetworks=["dear"])
    file = site.config.parent / "objects.yaml"
    file.write_text(yaml.safe_dump_all([dollars, euros, rate("EUR", "USD", "1.1", "2100-01-01")]))
    done = site.switcher("spending", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["contracts"][0]["workloads"] is not None
    (told,) = done.stderr.splitlines()
    assert told.startswith(f"{file}:")
    assert "spec.currency: no rate from EUR to USD dated on or before" in told
    assert "for what contract 'euros' costs now" in told
    site.config.write_text(f'{site.config.read_text()}\nsettlementCurrency: "GBP"\n')
    both = site.switcher("spending").stderr.splitlines()
    assert [word in line for line, word in zip(both, ("USD to GBP", "EUR to GBP"), strict=True)] == [True, True]


def _by_percentile(site: Site) -> None:
    """The dear network is billed by the percentile of a week, 0.07 USD for each Mbps."""
    price = tariff(
        fixed("11.80", each="attachment"),
        percentile("0.07", direction="out", q="95"),
        name="t",
        physicalNetworks=["dear"],
        billingPeriod={"unit": "week"},
    )
    (site.config.parent / "objects.yaml").write_text(yaml.safe_dump(price))


def test_spending_says_where_percentile_charges_stand(site: Site) -> None:
    _by_percentile(site)
    done = site.switcher("spending", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (charge,), (network,), (workload,) = told["percentiles"], told["networks"], told["workloads"]
    assert (charge["contract"], charge["charge"], charge["physicalNetworks"]) == ("t", "c1", ["dear"])
    assert charge["free_samples"]["of"] == 100  # 5 % of the 2016 samples of a week
    assert 0 < charge["free_samples"]["left"] <= 100
    assert charge["level_bps"] <= charge["heading_bps"] <= charge["aim_bps"]
    assert (workload["workload"], workload["network"]) == ("shop/web:net1", "cni:dear")
    # The attachment, and what the week heads for, an hour of it; nobody else is there.
    expected = 11.80 + float(charge["bill_if_it_goes_on"]) / 168
    assert float(network["per_hour"]) == pytest.approx(expected, abs=1e-5)
    assert workload["per_hour"] == network["per_hour"] == told["per_hour"]["now"]
    whole = {"contract": "t", "workloads": network["per_hour"], "other_traffic": "0", "due_anyway": "0"}
    assert told["contracts"] == [whole]


def test_spending_piped_has_networks_percentiles_and_workloads(site: Site) -> None:
    _by_percentile(site)
    networks, contracts, charges, workloads = site.switcher("spending").stdout.split("\n\n")
    assert networks.splitlines()[0] == "physical network\tcost/h"
    assert contracts.splitlines()[0] == "contract\tworkloads/h\tother traffic/h\tdue anyway/h"
    assert contracts.splitlines()[1].startswith("t\t11.8")
    header, row = charges.splitlines()
    assert dict(zip(header.split("\t"), row.split("\t"), strict=True))["free samples"].endswith("of 100")
    assert workloads.splitlines()[1].startswith("shop/web:net1\tcni:dear\tn1\t11.8")


def test_times_in_json_are_in_utc_with_a_z(site: Site) -> None:
    _by_percentile(site)
    period = json.loads(site.switcher("spending", "--json").stdout)["percentiles"][0]["period"]
    times = [period["start"], period["end"], *(row["sampled"] for row in site.asked("networks") if row["sampled"])]
    assert len(times) > 2
    assert all(str(time).endswith("Z") and datetime.fromisoformat(str(time)).tzinfo for time in times), times


def test_piped_it_is_plain_lines(site: Site) -> None:
    lines = site.switcher("status").stdout.splitlines()
    assert lines[0].split("\t")[:4] == ["workload", "attachment", "node", "network"]
    assert lines[1].split("\t")[:4] == ["shop/web", "net1", "n1", "cni:dear"]


def test_explain_gives_the_reason_and_the_sum(site: Site) -> None:
    said = site.switcher("explain", "shop/web")
    assert (said.returncode, "Cooldown" in said.stdout, "moved lately" in said.stdout) == (0, True, True)


def test_explain_of_an_unknown_workload_fails(site: Site) -> None:
    said = site.switcher("explain", "shop/nobody")
    assert said.returncode == 1
    assert "knows no workload shop/nobody" in said.stderr


@pytest.mark.parametrize("name", ["web", "shop/wbe", "shop/web:eth0"])
def test_a_name_that_is_nearly_right_is_told_the_right_one(site: Site, name: str) -> None:
    said = site.switcher("explain", name)
    assert said.returncode == 1
    assert said.stderr.endswith(f"Z knows no workload {name}: is shop/web:net1 meant?\n")


@pytest.mark.parametrize("time", ["yesterday", "2026-12-01", "2026-12-01T12:00:00"])
def test_a_time_without_a_zone_is_bad_input(site: Site, time: str) -> None:
    said = site.switcher("explain", "shop/web", "--at", time)
    assert (said.returncode, "RFC 3339" in said.stderr) == (2, True)


def test_a_database_that_was_never_made_says_what_to_do(tmp_path: Path, site: Site) -> None:
    text = site.config.read_text().replace("history.db", "absent.db")
    site.config.write_text(text)
    said = site.switcher("status")
    assert said.returncode == 1
    assert "switcher db upgrade" in said.stderr
    assert not (tmp_path / "absent.db").exists()


@contextmanager
def agent(site: Site, refuses: bool = False) -> Iterator[list[Ask]]:
    """An agent that answers by the wire: an order is moved by the second time that one asks."""
    heard: list[Ask] = []
    known: dict[str, SwitchStatus] = {}

    def reply(request: bytes) -> bytes:
        ask: Ask = decode(request.removeprefix(KIND_ASK), Ask)
        heard.append(ask)
        if refuses and ask.switch is not None:
            return encode(Answer(error="nginx listens on 10.1.0.2:80", refusal=RefusalReason.BOUND_SOCKET))
        if ask.ask == "switch" and ask.switch is not None:
            known[ask.switch.id] = _status(ask)
        elif ask.ask == "switches":
            moved = {name: _moved(status) for name, status in known.items()}
            answer = Answer(switches=tuple(known.values()))
            known.update(moved)
            return encode(answer)
        return encode(Answer())

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(frame(reply(request)))

    with Agent(site.agent, answer).serving():
        yield heard


def test_a_move_by_hand_waits_for_its_outcome_and_is_recorded(site: Site) -> None:
    with agent(site) as heard:
        done = site.switcher("move", "shop/web", "net1", "--to", "cheap", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["outcome"], row["to"], row["largest gap ms"]) == ("Moved", "cni:cheap", 12.0)
    assert heard[0].switch is not None
    assert heard[0].switch.reason.value == "Manual"
    (move,) = site.asked("moves")
    assert (move["outcome"], move["reason"], move["to"]) == ("Moved", "Manual", "cni:cheap")


def test_a_move_that_the_node_refuses_fails_with_its_word_and_is_recorded(site: Site) -> None:
    with agent(site, refuses=True):
        done = site.switcher("move", "shop/web", "net1", "--to", "cni:cheap")
    assert done.returncode == 1
    assert "nginx listens" in done.stderr
    assert [move["outcome"] for move in site.asked("moves")] == ["Refused"]


def test_a_dry_run_asks_and_orders_nothing(site: Site) -> None:
    with agent(site) as heard:
        done = site.switcher("move", "shop/web", "net1", "--to", "cni:cheap", "--dry-run")
    assert done.returncode == 0
    assert [ask.ask for ask in heard] == ["refuse-check"]
    assert site.asked("moves") == []


def test_a_dry_run_answers_machines_too(site: Site) -> None:
    with agent(site):
        done = site.switcher("move", "shop/web", "net1", "--to", "cheap", "--dry-run", "--json")
    assert json.loads(done.stdout) == {
        "workload": "shop/web",
        "attachment": "net1",
        "from": "cni:dear",
        "to": "cni:cheap",
        "possible": True,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["shop/nobody", "net1", "--to", "cheap"], "shop/nobody:net1 is not known", id="workload"),
        pytest.param(["shop/web", "net1", "--to", "chaep"], "no network of node n1 (it has: cni:cheap", id="network"),
    ],
)
def test_a_move_of_or_to_the_unknown_is_bad_input(site: Site, arguments: list[str], said: str) -> None:
    done = site.switcher("move", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True)


def test_a_move_whose_node_is_away_fails_and_leaves_the_order_to_the_controller(site: Site) -> None:
    done = site.switcher("move", "shop/web", "net1", "--to", "cheap")
    assert done.returncode == 1
    assert "does not answer" in done.stderr


def _status(ask: Ask) -> SwitchStatus:
    assert ask.switch is not None
    return status_of(ask.switch, Phase.DRAIN, STARTED + 1)


def _moved(status: SwitchStatus) -> SwitchStatus:
    return msgspec.structs.replace(
        status,
        phase=Phase.DONE,
        outcome=Outcome.MOVED,
        shifted_at=STARTED + 2,
        finished_at=STARTED + 3,
        measured=Measured(largest_gap=0.012),
    )
