"""``switcher move``: a move by hand."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from cni.wire import Outcome, SwitchOrder, SwitchStatus
from switcher.bootstrap import hands_of, load_book, open_history
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import show
from switcher.errors import BadInputError, Problem, RefusedError, SwitcherError
from switcher.model import WorkloadState, workload_id
from switcher.observe import Sight, observe
from switcher.plan import manual_move
from switcher.ports import History, NodeHands, RecordedMove
from switcher.record import record_refusal
from switcher.settings import ControllerSettings, load_settings

POLL_SECONDS = 0.5


def move(
    workload: Annotated[str, typer.Argument(help="namespace/name")],
    attachment: Annotated[str, typer.Argument(help="the interface's name at first, such as net1")],
    to: Annotated[str, typer.Option("--to", help="the network to move to")],
    config: ConfigFile = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what the node would refuse")] = False,
    as_json: AsJson = False,
) -> None:
    """Moves one attachment by hand, live, and waits for its end; exit 1 unless it moved.

    Example: switcher move shop/web-0 net1 --to cni:internet-b
    """
    settings = load_settings(config)
    history, hands = open_history(settings.database), hands_of(settings)
    planned = _planned(settings, history, workload_id(workload, attachment), to)
    if dry_run:
        hands.check(planned.node, planned.order)
        _say_possible(planned.order, as_json=as_json)
        return
    history.record_move(planned)
    ended = _carried_out(hands, history, planned)
    row = {
        "workload": workload,
        "attachment": attachment,
        "from": ended.source,
        "to": ended.target,
        "outcome": ended.outcome.value if ended.outcome else None,
        "largest gap ms": None if ended.measured.largest_gap is None else 1000 * ended.measured.largest_gap,
        "message": ended.message,
    }
    show([row], list(row), as_json=as_json, nothing="")
    if ended.outcome is not Outcome.MOVED:
        raise SwitcherError(f"not moved: {ended.message or ended.outcome}")


def _say_possible(order: SwitchOrder, *, as_json: bool) -> None:
    words = f"{order.workload} {order.attachment}: {order.source} -> {order.target}: nothing stands against it"
    row = {"workload": order.workload, "attachment": order.attachment, "from": order.source, "to": order.target}
    typer.echo(json.dumps({**row, "possible": True}, indent=2) if as_json else words)


def _planned(settings: ControllerSettings, history: History, name: str, target: str) -> RecordedMove:
    book, now = load_book(settings), datetime.now(UTC)
    snapshot, _ = observe(history, book, now, Sight(window=settings.window))
    state = next((workload for workload in snapshot.workloads if workload.id == name), None)
    if state is None:
        known = ", ".join(workload.id for workload in snapshot.workloads) or "none"
        raise BadInputError([Problem("WORKLOAD ATTACHMENT", 0, "", f"{name} is not known (known: {known})")])
    names = {network.name for network in snapshot.networks if network.node == state.node}
    full = target if target in names else f"cni:{target}"
    if full not in names:
        raise BadInputError([Problem("--to", 0, "", _unknown(target, state, names))])
    return manual_move(now, state, full, state.node or "", book)


def _unknown(target: str, state: WorkloadState, names: set[str]) -> str:
    return f"{target!r} is no network of node {state.node} (it has: {', '.join(sorted(names)) or 'none'})"


def _carried_out(hands: NodeHands, history: History, planned: RecordedMove) -> SwitchStatus:
    """Order, then wait for the outcome; each new phase is said on the terminal."""
    try:
        hands.order(planned.node, planned.order)
    except RefusedError as error:
        record_refusal(history, planned, str(error), at=time.time())
        raise
    said = None
    while True:
        status = next((s for s in hands.switches(planned.node) if s.id == planned.order.id), None)
        if status is None:
            raise SwitcherError(f"node {planned.node} has lost switch {planned.order.id}")
        if status.phase != said:
            said = status.phase
            typer.echo(f"{said.value} ...", err=True)
        if status.outcome is not None:
            history.advance_move(status)
            return status
        time.sleep(POLL_SECONDS)
