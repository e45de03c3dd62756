"""The last ranking of each node's networks for new workloads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select

from cni.wire import Ranking, decode, encode
from switcher.adapters.store.instants import DAY, micros, micros_of
from switcher.adapters.store.schema import rankings
from switcher.adapters.store.upsert import insert_into


def store(connection: Connection, found: Sequence[Ranking], now: datetime) -> None:
    """Keep each in place of its node's older one; what no tick has renewed for a day goes."""
    rows = [
        {"node": one.node, "computed_at": micros_of(one.computed_at), "ranking": encode(one).decode()} for one in found
    ]
    if not rows:
        return
    insert = insert_into(connection, rankings)
    # A controller that lost the lead while it decided must not undo what its successor knows. What is dated ahead of
    # the clock, which was set back since, must not outlast all that is decided until the clock has caught up.
    statement = insert.on_conflict_do_update(
        index_elements=["node"],
        set_={"computed_at": insert.excluded.computed_at, "ranking": insert.excluded.ranking},
        where=or_(rankings.c.computed_at <= insert.excluded.computed_at, rankings.c.computed_at > micros(now)),
    )
    connection.execute(statement, rows)
    newest = max(micros_of(one.computed_at) for one in found)
    connection.execute(delete(rankings).where(rankings.c.computed_at < newest - DAY))


def of_node(connection: Connection, node: str) -> Ranking | None:
    """The node's last one."""
    text = connection.execute(select(rankings.c.ranking).where(rankings.c.node == node)).scalar()
    if text is None:
        return None
    found: Ranking = decode(text.encode(), Ranking)
    return found
