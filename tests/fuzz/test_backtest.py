"""The files of a backtest with cells changed at random: played, or refused in words."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from switcher.backtest.case import make_case
from switcher.backtest.editions import Editions
from switcher.backtest.files import read_files
from switcher.backtest.reach import newcomers
from switcher.commands.backtest import past_in
from switcher.commands.spans import read_span
from switcher.errors import BadInputError, Problem
from switcher.objects.load import book_from_documents
from tests.fuzz.money.odd import NUMBERS, TIMES
from tests.support.scenes import per_attachment, per_gb, policy

CASES = 600
SPAN = read_span("2026-11-02T00:00:00Z/2026-11-02T01:00:00Z", "5m")
FILES = {
    "attachments.csv": (
        "start,seconds,workload,network,direction,bytes,attachment,node",
        "2026-11-02T00:00:00Z,300,shop/a,p,out,1000,net1,n1",
        "2026-11-02T00:05:00Z,300,shop/a,q,in,1000,net1,n1",
        "2026-11-02T00:00:00Z,3600,b,p,out,5,net1,n2",
    ),
    "uplinks.csv": (
        "start,seconds,network,direction,bytes,node,destination",
        "2026-11-02T00:00:00Z,3600,p,out,100000,n1,",
        "2026-11-02T00:00:00Z,300,q,in,100000,n1,zone",
        "2026-11-02T00:00:00Z,300,p,in,1,n2,zone",
    ),
    "placements.csv": (
        "workload,network,start,end,attachment,node,physicalNetwork",
        "shop/a,p,2026-11-01T00:00:00Z,2026-11-02T00:05:00Z,net1,n1,p",
        "shop/a,q,2026-11-02T00:05:00Z,,net1,n1,",
        "b,p,2026-11-01T00:00:00Z,,net1,n2,p",
    ),
    "networks.csv": (
        "network,physicalNetwork,node,capacity",
        *("p,p,n1,1Gbps", "q,q,n1,100Mbps", "p,p,n2,1Gbps", "q,q,n2,1Gbps"),
    ),
    "workloads.csv": (
        "workload,attachment,labels,primary,doNotMove,destination",
        *("shop/a,net1,app=web,true,false,zone", "b,net1,,false,true,"),
    ),
}
ODD = [
    *(each for each in (*NUMBERS, *TIMES) if isinstance(each, str) and len(each) < 100 and "," not in each),
    *("", "p", "q", "zz", "n1", "n3", "in", "out", "both", "true", "zone", "a=b;c", "shop/", "/", "cni:p", "nad:x/p"),
    *("300", "3600", "0", "\x1b[2J", "é", "x" * 400, '"'),
]


def classed(network: str, *classes: str) -> dict[str, Any]:
    """A list with a price for each class."""
    listed: dict[str, Any] = per_gb(network, "0")
    volumes = [{**listed["spec"]["charges"][0]["volume"], "destination": name} for name in classes]
    charges = [{"name": volume["destination"], "volume": volume} for volume in volumes]
    return {**listed, "spec": {**listed["spec"], "charges": charges}}


BOOKS = (
    book_from_documents([per_gb("p", "0.1"), per_gb("q", "0.2", ("1", "0.5")), policy()]),
    book_from_documents([per_attachment("p", "0.1"), classed("q", "zone", "moon"), policy()]),
)


def written(chance: Random, directory: Path) -> None:
    """Some of the files, with rows left out and cells changed."""
    for name, (header, *lines) in FILES.items():
        (directory / name).unlink(missing_ok=True)
        if name != "attachments.csv" and chance.random() < 0.3:
            continue
        rows = [line.split(",") for line in lines if chance.random() < 0.9]
        for _ in range(chance.choice([0, 0, 0, 1, 1, 2]) if rows else 0):
            row = chance.choice(rows)
            row[chance.randrange(len(row))] = chance.choice(ODD)
        text = "\n".join([header, *map(",".join, rows)]) + "\n"
        (directory / name).write_bytes(text.encode("utf-8", "surrogatepass"))


def played(chance: Random, directory: Path) -> tuple[Problem, ...] | None:
    """The problems for which it is refused; None: it is played. Raises whatever else goes wrong."""
    written(chance, directory)
    try:
        past = past_in(read_files(directory, SPAN), SPAN, lambda *_: None)
        editions = Editions.unchanged(chance.choice(BOOKS))
        make_case(past, editions, "", newcomers(past, editions))
    except BadInputError as refusal:
        return refusal.problems
    return None


def test_whatever_is_in_the_files_is_played_or_refused_in_words(tmp_path: Path) -> None:
    answers = [played(Random(f"short {number}"), tmp_path) for number in range(CASES)]
    refusals = [problems for problems in answers if problems is not None]
    assert 20 <= len(refusals) <= CASES - 20
    assert all(refusals)
    lines = [str(problem) for problems in refusals for problem in problems]
    assert all(line.isprintable() and len(line) < 2000 for line in lines)
