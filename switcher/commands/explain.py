"""``switcher explain``: why a workload moved, or stays, as one sum of money against every alternative."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated

import typer

from switcher.bootstrap import open_history
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import write_table, written_time
from switcher.decide import decide_and_tell
from switcher.decide.account import Side
from switcher.decide.adding import digits, shown
from switcher.decide.constraints import clock, mbps, span
from switcher.decide.tell import Told
from switcher.errors import SwitcherError
from switcher.model import Move, Stay, picked
from switcher.objects.rows import read_moment
from switcher.ports import RecordedDecision
from switcher.replay import opened
from switcher.settings import load_settings
from switcher.terms import versions

Answer = Move | Stay
COLUMNS = ("network", "price", "next tier", "penalty", "congestion", "move", "total", "here - there", "")
MOST_COMPARED = 10_000
"""Names that a misspelt one is compared with."""
LEAST_DIGITS = 4
"""Behind the point, of the table's amounts."""


def explain(
    workload: Annotated[str, typer.Argument(help="namespace/name, or namespace/name:attachment")],
    config: ConfigFile = DEFAULT_CONFIG,
    at: Annotated[str | None, typer.Option(help="RFC 3339 time of the decision; default: the last.")] = None,
    as_json: AsJson = False,
) -> None:
    """Why a workload moved, or stays: its sum in money here and on every alternative, and what binds it.

    It is made from the record of that tick alone. Example: switcher explain shop/web-0 --at 2026-12-01T12:00:00Z
    """
    moment = None if at is None else read_moment(at, "--at")
    recorded = open_history(load_settings(config).database).decision(moment)
    if recorded is None:
        raise SwitcherError("nothing was decided yet" if moment is None else f"nothing was decided at or before {at}")
    answers = _answers(recorded, workload)
    if not answers:
        raise SwitcherError(_unknown(recorded, workload))
    told = _told(recorded, workload)
    if as_json:
        print(json.dumps([_object(recorded, answer, told.get(answer.workload)) for answer in answers], indent=2))
        return
    for answer in answers:
        _show(recorded, answer, told.get(answer.workload))


def _named(name: str, workload: str) -> bool:
    return name == workload or name.startswith(f"{workload}:")


def _answers(recorded: RecordedDecision, workload: str) -> Sequence[Answer]:
    """What the record says of the workload's attachments."""
    decision = recorded.decision
    moves = [move for move in decision.moves if _named(move.workload, workload)]
    return [*moves, *picked(decision.stays, lambda name: _named(name, workload))]


def _unknown(recorded: RecordedDecision, workload: str) -> str:
    """What to say of a workload that the decision does not know, with the nearest that it knows."""
    decision = recorded.decision
    names = [*(move.workload for move in decision.moves), *(stay.workload for stay in decision.stays)][:MOST_COMPARED]
    spelt = {short: name for name in names for short in _ways(name)}
    near = get_close_matches(workload, spelt, n=1)
    hint = f": is {spelt[near[0]]} meant?" if near else "; `switcher status` lists all that were reported"
    return f"the decision of {written_time(recorded.at)} knows no workload {workload}{hint}"


def _ways(name: str) -> tuple[str, ...]:
    """An attachment's name as people write it: without the namespace, without the attachment, whole."""
    workload = name.partition(":")[0]
    return workload.partition("/")[2], workload, name


def _told(recorded: RecordedDecision, workload: str) -> dict[str, Told]:
    """The sums, by attachment; none where the record has no terms to decide on again."""
    if recorded.terms is None:
        return {}
    snapshot, memory, terms = opened(recorded)
    wanted = decide_and_tell(snapshot, memory, terms.book(), terms.settings, lambda name: _named(name, workload))[1]
    return {told.answer.workload: told for told in wanted}


def word(answer: Answer) -> str:
    """The answer in a word."""
    return f"{answer.reason.value} -> {answer.target}" if isinstance(answer, Move) else answer.reason.value


def _differs(answer: Answer, told: Told) -> str | None:
    """That this version decides otherwise than the record, if it does."""
    if word(answer) == word(told.answer):
        return None
    return f"this version ({versions()['genie-switcher']}) decides otherwise: {word(told.answer)}"


def _object(recorded: RecordedDecision, answer: Answer, told: Told | None) -> dict[str, object]:
    found: dict[str, object] = {
        "workload": answer.workload,
        "decided": written_time(recorded.at),
        "answer": word(answer),
        "explanation": answer.explanation if told is None else told.answer.explanation,
        "record": {"hash": recorded.hash, "inputs_hash": recorded.inputs_hash},
    }
    if told is None:
        return found
    summed = told.account
    sides = [_side_object(side) for side in summed.sides]
    return {
        **found,
        "agrees": _differs(answer, told) is None,
        "versions": dict(recorded.terms.versions) if recorded.terms else {},
        "currency": told.currency,
        "per": "hour",
        "node": summed.node,
        "policy": summed.policy,
        "horizon": span(summed.horizon),
        "demand_bps": f"{summed.demand_bps:f}",
        "constraints": list(told.constraints),
        "here": next((side for side in sides if side["here"]), None),
        "alternatives": [side for side in sides if not side["here"]],
    }


def _side_object(side: Side) -> dict[str, object]:
    """Every number as a decimal string."""
    money = ("price", "next_tier", "penalty", "congestion", "move", "total", "saving")
    rates = ("load_bps", "limit_bps", "capacity_bps")
    numbers = {name: getattr(side, name) for name in (*money, *rates)}
    return {
        "network": side.network,
        "physical_network": side.physical_network,
        "here": side.here,
        "target": side.target,
        **{name: None if value is None else f"{value:f}" for name, value in numbers.items()},
        "free_addresses": None if side.free_addresses is None else str(side.free_addresses),
        "verdict": side.verdict,
    }


def _show(recorded: RecordedDecision, answer: Answer, told: Told | None) -> None:
    typer.echo(f"{answer.workload}  {word(answer)}  (decided {clock(recorded.at)})")
    typer.echo(f"  {answer.explanation if told is None else told.answer.explanation}")
    if told is None:
        return
    for line in (_differs(answer, told), *(f"binding: {text}" for text in told.constraints)):
        if line is not None:
            typer.echo(f"  {line}")
    summed = told.account
    where = "" if summed.node is None else f" on node {summed.node}"
    policy = "no policy" if summed.policy is None else f"policy {summed.policy}"
    typer.echo(
        f"  {told.currency} per hour, mean over {span(summed.horizon)}, for {mbps(float(summed.demand_bps))} Mbps"
        f"{where}, by {policy}:"
    )
    rows = list(_rows(summed.sides))
    if sys.stdout.isatty():
        write_table(COLUMNS, rows)
        return
    for row in ((*COLUMNS[:-1], "verdict"), *rows):
        typer.echo("\t".join(row))


def _rows(sides: Sequence[Side]) -> Iterator[tuple[str, ...]]:
    """Each with as many digits as the smallest amount needs; the rows add up, and so does what is saved."""
    places = max(LEAST_DIGITS, digits(amount for side in sides for amount in _parts(side)))
    totals = [None if side.price is None else sum(shown(_parts(side), places)) for side in sides]
    here = next((total for side, total in zip(sides, totals, strict=True) if side.here), None)
    for side, total in zip(sides, totals, strict=True):
        mark = " (here)" if side.here else " (chosen)" if side.target else ""
        price, *others = shown(_parts(side), places)
        saving = None if total is None or here is None else here - total
        shown_saving = "" if side.here else _money(saving)
        yield (
            f"{side.network}{mark}",
            _money(None if side.price is None else price),
            *map(_money, others),
            _money(total),
            shown_saving,
            side.verdict,
        )


def _parts(side: Side) -> tuple[Decimal, ...]:
    return (side.price or Decimal(0), side.next_tier, side.penalty, side.congestion, side.move)


def _money(amount: Decimal | int | None) -> str:
    return "unknown" if amount is None else f"{amount:f}"
