"""``switcher bill`` and ``switcher check`` as their users call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from click.testing import Result
from typer.testing import CliRunner

from switcher.commands.bill import bill
from switcher.commands.check import check
from switcher.errors import BadInputError
from tests.unit.pricing import fixed, tariff, volume

PERIOD = "2026-12-01T00:00:00Z/2027-01-01T00:00:00Z"
HEADER = "start,seconds,network,direction,bytes"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(bill)
    app.command()(check)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def write(name: str, *documents: dict[str, Any]) -> str:
    Path(name).write_text(yaml.safe_dump_all(documents))
    return name


def csv(name: str, *lines: str) -> str:
    Path(name).write_text("\n".join(lines) + "\n")
    return name


def refused(result: Result) -> list[str]:
    assert isinstance(result.exception, BadInputError), result.output
    return [str(problem) for problem in result.exception.problems]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--tariff", "a.yaml", "b.yaml"], id="several after one option"),
        pytest.param(["--tariff", "a.yaml", "--tariff", "b.yaml"], id="the option repeated"),
        pytest.param(["--tariff", "."], id="a directory"),
    ],
)
def test_bill_takes_several_tariffs(run: Run, options: list[str]) -> None:
    write("a.yaml", tariff(volume(("100", "0"), (None, "0.09")), name="egress"))
    write("b.yaml", tariff(fixed("0.045", each="attachment"), name="nat"))
    use = csv("use.csv", HEADER, "", "2026-12-01T00:00:00Z,86400,p,out,250000000000", "")
    stays = csv("on.csv", "attachment,network,start,end", "a,p,2026-12-01T00:00:00Z,2026-12-01T10:00:00+01:00")
    result = run("bill", *options, "--samples", use, "--attachments", stays, "--period", PERIOD, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["currency"], answer["total"]) == ("USD", "13.91")  # 150 x 0.09 + 9 x 0.045 = 13.50 + 0.405 -> 0.41
    assert answer["period"] == {"start": "2026-12-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
    assert [entry["name"] for entry in answer["tariffs"]] == ["egress", "nat"]
    assert answer["tariffs"][0]["lines"] == [
        {
            "charge": "c0",
            "list": "egress",
            "quantity": "250",
            "unit": "GB",
            "tiers": [
                {"upTo": "100", "price": "0", "quantity": "100", "amount": "0"},
                {"price": "0.09", "quantity": "150", "amount": "13.5"},
            ],
            "amount": "13.5",
        }
    ]
    assert answer["tariffs"][1]["lines"][0]["rate"] == "0.045"
    assert answer["tariffs"][1]["adjustment"] is None
    assert answer["gaps"] == [{"network": "p", "start": "2026-12-02T00:00:00Z", "end": "2027-01-01T00:00:00Z"}]


def test_bill_is_plain_when_piped(run: Run) -> None:
    write("a.yaml", tariff(fixed("100", "month")))
    result = run("bill", "--tariff", "a.yaml", "--samples", csv("use.csv", HEADER), "--period", PERIOD)
    assert result.stdout.splitlines()[-1].split("\t")[0::7] == ["total", "100.00 USD"]
    assert "\x1b" not in result.stdout


def test_bill_as_it_was_known_then(run: Run) -> None:
    lists = [
        tariff(fixed(price, "month"), name=name, contract="k", recordedAt=recorded)
        for name, price, recorded in [("a", "1", "2026-01-01T00:00:00Z"), ("b", "2", "2026-06-01T00:00:00Z")]
    ]
    options = ["--tariff", write("a.yaml", *lists), "--samples", csv("use.csv", HEADER), "--period", PERIOD, "--json"]
    totals = [
        json.loads(run("bill", *options, *more).stdout)["total"]
        for more in ([], ["--known-at", "2026-03-01T00:00:00Z"])
    ]
    assert totals == ["2.00", "1.00"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([""], "use.csv:1: the header is missing"),
        (["start,seconds,network,direction"], "use.csv:1: bytes: the column is missing from the header"),
        ([HEADER + ",destinaton"], "use.csv:1: destinaton: unknown column 'destinaton', did you mean 'destination'?"),
        ([HEADER, "2026-12-01,60,p,out,1"], "use.csv:2: start: '2026-12-01' must be a time with its zone"),
        ([HEADER, "2026-12-01T00:00:00Z,0,p,out,1"], "use.csv:2: seconds: '0' must be above zero"),
        ([HEADER, "2026-12-01T00:00:00Z,60,p,up,1"], "use.csv:2: direction: 'up' is not one of in, out"),
        ([HEADER, "2026-12-01T00:00:00Z,60,p,out,-1"], "use.csv:2: bytes: '-1' must not be negative"),
        ([HEADER, "2026-12-01T00:00:00Z,60,p,out,NaN"], "use.csv:2: bytes: 'NaN' must be a decimal number"),
        ([HEADER, "2026-12-01T00:00:00Z,60,,out,1"], "use.csv:2: network: '' must not be empty"),
        ([HEADER, "", "2026-12-01T00:00:00Z,60,p,out"], "use.csv:3: '2026-12-01T00:00:00Z,60,p,out' has 4 columns"),
        ([HEADER, '"2026'], "no valid CSV"),
    ],
)
def test_bad_samples_are_refused_with_their_line(run: Run, lines: list[str], expected: str) -> None:
    write("a.yaml", tariff(volume((None, "1"))))
    found = refused(run("bill", "--tariff", "a.yaml", "--samples", csv("use.csv", *lines), "--period", PERIOD))
    assert any(expected in problem for problem in found), found


def test_problems_of_all_inputs_come_together(run: Run) -> None:
    write("a.yaml", tariff(fixed("x")))
    use = csv("use.csv", HEADER, "2026-12-01T00:00:00Z,1,p,out,x", "2026-12-01T00:00:00Z,1,p,x,1")
    on = csv("on.csv", "attachment,network,start,end", "a,p,2026-12-02T00:00:00Z,2026-12-01T00:00:00Z")
    found = refused(run("bill", "--tariff", "a.yaml", "--samples", use, "--attachments", on, "--period", "today"))
    assert [problem.split(": ")[0] for problem in found] == [
        "--period",
        "a.yaml:11",
        "use.csv:2",
        "use.csv:3",
        "on.csv:2",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--period", "2026-12-02T00:00:00Z/2026-12-01T00:00:00Z"], "must end after it starts"),
        (["--period", PERIOD, "--known-at", "then"], "--known-at: 'then' must be a time"),
        (["--period", PERIOD, "--rates", "r.csv"], "r.csv: cannot be read"),
        (["--period", PERIOD, "--settlement", "usd"], "--settlement: 'usd' is no currency code"),
    ],
)
def test_bad_options_are_refused(run: Run, options: list[str], expected: str) -> None:
    write("a.yaml", tariff(fixed("1")))
    assert expected in refused(run("bill", "--tariff", "a.yaml", "--samples", csv("use.csv", HEADER), *options))[0]


def test_check_lists_what_is_valid(run: Run) -> None:
    result = run("check", write("a.yaml", tariff(fixed("1"), name="x")), "--json")
    assert json.loads(result.stdout) == {
        "valid": True,
        "objects": [{"kind": "Tariff", "name": "x", "file": "a.yaml"}],
        "problems": [],
    }


def test_check_lists_what_is_wrong_for_machines_too(run: Run) -> None:
    result = run("check", write("a.yaml", tariff(fixed("1")), tariff(fixed("x"), name="u")), "--json")
    (told,) = refused(result)
    answer = json.loads(result.stdout)
    (problem,) = answer["problems"]
    assert (answer["valid"], answer["objects"]) == (False, [])
    assert (problem["file"], problem["document"], problem["path"]) == ("a.yaml", 2, "spec.charges[0].fixed.price")
    assert told == f"a.yaml:{problem['line']}: {problem['path']}: {problem['text']}"
