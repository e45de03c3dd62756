"""A day of moves that lie behind: ``python -m tests.bench.whole_tick FILE NODES PER_NODE moves=COUNT``.

They are written as the history keeps them, with the stays that follow from them; to send them through the ingestion
would take minutes. Each moved another workload, and has ended where its workload is now.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from sqlalchemy import bindparam, update

from cni.wire import AttachmentReport, MoveReason, Outcome, Phase, SwitchOrder, encode, status_of
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.instants import DAY, PER_SECOND
from switcher.adapters.store.schema import moves, spans

TICK = 30 * PER_SECOND
SWITCH_SECONDS = 4.0
Row = dict[str, Any]


def add_moves(url: str, count: int, end: float, networks: int) -> None:
    """Moves of so many workloads, over the day before ``end`` (seconds); those of one tick were decided together."""
    history, rng = SqlHistory.open(url), Random(2)
    known = history.attachments()
    history.close()
    rows = list[tuple[Row, Row]]()
    for number, row in enumerate(rng.sample(range(len(known)), count)):
        at = int(end) * PER_SECOND - DAY + DAY * number // count // TICK * TICK
        source = f"cni:net{rng.randrange(networks)}"
        rows.append(_moved(known[row].node, known[row].report, source, at))
    here = {name: spans.c[name] == bindparam(f"its_{name}") for name in ("node", "workload", "attachment")}
    began = update(spans).where(*here.values(), spans.c.until.is_(None)).values(start=bindparam("began"))
    database = Database(url)
    if not rows:
        return
    with database.writing() as connection:
        connection.execute(moves.insert(), [move for move, _ in rows])
        connection.execute(
            began, [{**{f"its_{name}": stay[name] for name in here}, "began": stay["until"]} for _, stay in rows]
        )
        connection.execute(spans.insert(), [stay for _, stay in rows])
    database.close()


def _moved(node: str, report: AttachmentReport, source: str, at: int) -> tuple[Row, Row]:
    """The rows of a move that was decided then, and of the stay that it ended."""
    seconds = at / PER_SECOND
    order = SwitchOrder(
        id=f"{at}-{report.workload}:{report.attachment}",
        workload=report.workload,
        attachment=report.attachment,
        source=source,
        target=report.network,
        reason=MoveReason.SAVINGS,
    )
    status = status_of(order, Phase.DONE, seconds)
    ended = {"outcome": Outcome.MOVED, "finished_at": seconds + SWITCH_SECONDS}
    whose = {"node": node, "workload": order.workload, "attachment": order.attachment}
    move = {
        **whose,
        "id": order.id,
        "source": source,
        "target": order.target,
        "reason": order.reason.value,
        "policy": "all",
        "saving_per_hour": "0.01",
        "explanation": f"{source} 0.0123 per hour (price 0.0123) -> {order.target} 0.0023 per hour (price 0.0023)",
        "order_json": encode(order).decode(),
        "decided_at": at,
        "phase": Phase.DONE.value,
        "outcome": Outcome.MOVED.value,
        "finished_at": at + int(SWITCH_SECONDS * PER_SECOND),
        "status_json": encode(msgspec.structs.replace(status, **ended)).decode(),
    }
    stay = {**whose, "network": source, "physical_network": None, "start": at - 2 * DAY, "until": at}
    return move, stay
