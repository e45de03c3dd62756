"""``switcher status``, ``networks``, ``moves``, ``explain``: what is, what was, why and why not."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer

from switcher.bootstrap import load_book, open_history
from switcher.commands.asking import Asking
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import Row, show
from switcher.errors import BadInputError, Problem, SwitcherError
from switcher.model import Decision, Move, Stay
from switcher.ports import History, RecordedMove, UplinkLoad
from switcher.settings import load_settings


def status(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Where every attachment is, and what the last decision says of it.

    Example: switcher status --json
    """
    history = open_history(load_settings(config).database)
    decided = history.decision()
    choices = _choices(decided.decision) if decided is not None else []
    said = {choice.workload: choice for choice in choices}
    rows = []
    for known in history.attachments():
        report = known.report
        choice = said.get(f"{report.workload}:{report.attachment}")
        rows.append(
            {
                "workload": report.workload,
                "attachment": report.attachment,
                "node": known.node,
                "network": report.network,
                "addresses": " ".join(report.addresses),
                "since": datetime.fromtimestamp(report.since, UTC),
                "decision": None if choice is None else _word(choice),
            }
        )
    columns = ["workload", "attachment", "node", "network", "addresses", "since", "decision"]
    show(rows, columns, as_json=as_json, nothing="no attachment is known yet: no agent has reported one")


def _choices(decision: Decision) -> list[Move | Stay]:
    return [*decision.moves, *decision.stays]


def _word(choice: Move | Stay) -> str:
    return f"{choice.reason.value} -> {choice.target}" if isinstance(choice, Move) else choice.reason.value


def networks(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Every network on every node: price, load, capacity, who is on it, free addresses.

    Prices are what one more attachment would cost now, by the hour, and one more GB out, in the present tier.

    Example: switcher networks
    """
    settings = load_settings(config)
    history = open_history(settings.database)
    now = datetime.now(UTC)
    loads = {(load.physical_network, load.node): load for load in history.uplink_loads(now, settings.window)}
    prices = Asking(load_book(settings), history, now, settings.settlement_currency)
    attached = Counter((known.node, known.report.network) for known in history.attachments())
    rows = []
    for known in history.networks():
        load = loads.get((known.physical_network or "", known.node))
        row = {
            "network": known.network,
            "node": known.node,
            "physical network": known.physical_network,
            "attached": attached[known.node, known.network],
            "free addresses": known.free_addresses,
        }
        rows.append({**row, **_load(load), **prices.of(known.physical_network)})
    columns = ["network", "node", "physical network", "price/h", "price/GB out"]
    loads_of = ["capacity Mbps", "in Mbps", "out Mbps", "utilisation %"]
    show(
        rows,
        [*columns, *loads_of, "attached", "free addresses", "sampled"],
        as_json=as_json,
        nothing="no network is known yet: no agent has reported one",
    )


def _load(load: UplinkLoad | None) -> Row:
    if load is None:
        return {"capacity Mbps": None, "in Mbps": None, "out Mbps": None, "utilisation %": None, "sampled": None}
    busiest = max(load.in_bps, load.out_bps)
    return {
        "capacity Mbps": load.capacity_bps / 1e6,
        "in Mbps": load.in_bps / 1e6,
        "out Mbps": load.out_bps / 1e6,
        "utilisation %": 100 * busiest / load.capacity_bps if load.capacity_bps else None,
        "sampled": load.sampled_at,
    }


def moves(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 50,
) -> None:
    """Moves, newest first, with their reason and outcome.

    Example: switcher moves --limit 10
    """
    history = open_history(load_settings(config).database)
    rows = [_move(move) for move in history.moves(limit=limit)]
    columns = ["decided", "workload", "attachment", "from", "to", "reason", "saving/h", "phase", "outcome", "message"]
    show(rows, columns, as_json=as_json, nothing="no move yet")


def _move(move: RecordedMove) -> Row:
    order, now = move.order, move.status
    return {
        "decided": move.decided_at,
        "workload": order.workload,
        "attachment": order.attachment,
        "from": order.source,
        "to": order.target,
        "reason": order.reason.value,
        "saving/h": move.saving_per_hour,
        "phase": now.phase.value if now else None,
        "outcome": now.outcome.value if now and now.outcome else None,
        "message": now.message if now else None,
        "id": order.id,
        "node": move.node,
        "explanation": move.explanation,
    }


def explain(
    workload: Annotated[str, typer.Argument(help="namespace/name, or namespace/name:attachment")],
    config: ConfigFile = DEFAULT_CONFIG,
    at: Annotated[str | None, typer.Option(help="RFC 3339 time of the decision; default: the last.")] = None,
    as_json: AsJson = False,
) -> None:
    """Why a workload moved, or stays, in money.

    Example: switcher explain shop/web-0 --at 2026-12-01T12:00:00Z
    """
    history = open_history(load_settings(config).database)
    rows = _explanations(history, workload, _time(at))
    if as_json:
        show(rows, [], as_json=True, nothing="")
        return
    for row in rows:
        typer.echo(f"{row['workload']}  {row['answer']}  (decided {row['decided']})\n  {row['explanation']}")


def _explanations(history: History, workload: str, at: datetime | None) -> list[Row]:
    recorded = history.decision(at)
    if recorded is None:
        raise SwitcherError("nothing was decided yet" if at is None else f"nothing was decided at or before {at}")
    decision = recorded.decision
    every: list[Move | Stay] = [*decision.moves, *decision.stays]
    chosen = [choice for choice in every if choice.workload == workload or choice.workload.startswith(f"{workload}:")]
    if not chosen:
        raise SwitcherError(f"the decision of {recorded.at.isoformat()} knows no workload {workload}")
    return [
        {
            "workload": choice.workload,
            "decided": recorded.at,
            "answer": _word(choice),
            "explanation": choice.explanation,
        }
        for choice in chosen
    ]


def _time(text: str | None) -> datetime | None:
    """RFC 3339 with a zone (3.11's parser takes a superset; the zone is what must not lack)."""
    if text is None:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text) is None:
        raise BadInputError([Problem("--at", 0, "", f"{text!r} is not an RFC 3339 time such as 2026-12-01T12:00:00Z")])
    return datetime.fromisoformat(text.upper()).astimezone(UTC)
