"""``switcher status``, ``networks``, ``moves``: what is, and what was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from switcher.bootstrap import load_book, open_history
from switcher.commands.asking import Asking, currency_of
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import Row, show
from switcher.model import Decision, workload_id
from switcher.ports import RecordedMove, UplinkLoad
from switcher.settings import load_settings


def status(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Where every attachment is, and what the last decision says of it.

    Example: switcher status --json
    """
    history = open_history(load_settings(config).database)
    decided = history.decision()
    said = _words(decided.decision) if decided is not None else {}
    rows = []
    for known in history.attachments():
        report = known.report
        rows.append(
            {
                "workload": report.workload,
                "attachment": report.attachment,
                "node": known.node,
                "network": report.network,
                "addresses": " ".join(report.addresses),
                "since": datetime.fromtimestamp(report.since, UTC),
                "decision": said.get(workload_id(report.workload, report.attachment)),
            }
        )
    columns = ["workload", "attachment", "node", "network", "addresses", "since", "decision"]
    show(rows, columns, as_json=as_json, nothing="no attachment is known yet: no agent has reported one")


def _words(decision: Decision) -> Mapping[str, str]:
    """By attachment, the last decision's word on it."""
    moves = {move.workload: f"{move.reason.value} -> {move.target}" for move in decision.moves}
    return moves | {stay.workload: stay.reason.value for stay in decision.stays}


def networks(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Every network on every node: price, load, capacity, who is on it, free addresses.

    Prices are what one more attachment would cost now, by the hour, and one more GB out, in the present tier.

    Example: switcher networks
    """
    settings = load_settings(config)
    history = open_history(settings.database)
    now = datetime.now(UTC)
    loads = {(load.physical_network, load.node): load for load in history.uplink_loads(now, settings.window)}
    book = load_book(settings)
    prices = Asking(book, history, now, settings.settlement_currency)
    currency = currency_of(book, settings.settlement_currency)
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
        rows.append(
            {
                **row,
                **_load(load),
                **prices.of(known.physical_network),
                "currency": currency if known.physical_network else None,
            }
        )
    columns = ["network", "node", "physical network", "price/h", "price/GB out", "currency"]
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
