"""One batch of an agent: stored whole and once, in the caller's transaction."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, func, select, update

from cni.wire import AttachmentSample, Batch, UplinkSample
from switcher.adapters.store import moves, present
from switcher.adapters.store.instants import HOUR, micros_of, moment_of
from switcher.adapters.store.intervals import hours, interval_of, share
from switcher.adapters.store.schema import agents, path_samples, uplink_hours, uplink_samples
from switcher.adapters.store.series import PATHS, UPLINKS, Piece, Timed, new_pieces
from switcher.adapters.store.upsert import insert_into

log = logging.getLogger(__name__)
LOCK_SPACE = 0x5357_4954
"""PostgreSQL's advisory locks with two keys: this one and the node's hash."""
S = TypeVar("S", UplinkSample, AttachmentSample)


def ingest(connection: Connection, batch: Batch) -> int:
    """Store ``batch`` and return the highest sequence held for its agent.

    A sequence at or below that is a duplicate and changes nothing, a late one included: agents send in order, so it
    was either stored or given up by its agent before a later one was sent. One that skips numbers counts as a gap;
    an agent's first batch never does, whatever its number: this history expected none before it.
    """
    _take_turns(connection, batch.node)
    agent = _agent(connection, batch)
    if batch.sequence <= agent.last_sequence:
        return int(agent.last_sequence)
    missed = batch.sequence - agent.last_sequence - 1 if agent.last_sequence else 0
    if missed:
        log.warning("batches of an agent are missing", extra={"agent": batch.agent, "missed": missed})
    _seen(connection, agent.id, batch, missed)
    _store_uplinks(connection, batch.node, _usable(batch.uplinks, batch.agent))
    _store_traffic(connection, batch.node, _usable(batch.traffic, batch.agent))
    sent_at = micros_of(batch.sent_at)
    if batch.attachments is not None:
        present.replace_attachments(connection, batch.node, batch.attachments, sent_at)
    if batch.networks is not None:
        present.replace_networks(connection, batch.node, batch.networks)
    for status in batch.switches:
        moves.learn(connection, status, batch.node, moment_of(sent_at))
    return batch.sequence


def _take_turns(connection: Connection, node: str) -> None:
    """PostgreSQL: batches of one node, of whichever agent, one after the other; SQLite's write lock is ours already."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK_SPACE, func.hashtext(node))))


def _agent(connection: Connection, batch: Batch) -> Row[*tuple[Any, ...]]:
    """The agent's row, made when it is new."""
    fresh = {"identity": batch.agent, "node": batch.node, "last_sequence": 0, "gaps": 0, "missed": 0, "last_seen": 0}
    connection.execute(insert_into(connection, agents).values(fresh).on_conflict_do_nothing())
    query = select(agents.c.id, agents.c.last_sequence).where(agents.c.identity == batch.agent)
    return connection.execute(query).one()


def _seen(connection: Connection, agent: int, batch: Batch, missed: int) -> None:
    connection.execute(
        update(agents)
        .where(agents.c.id == agent)
        .values(
            node=batch.node,
            last_sequence=batch.sequence,
            gaps=agents.c.gaps + (1 if missed else 0),
            missed=agents.c.missed + missed,
            last_seen=micros_of(batch.sent_at),
        )
    )


def _usable(samples: Sequence[S], agent: str) -> list[Timed[S]]:
    """Without samples that make no sense: refusing their batch would only make the agent send it for ever."""
    kept = [(sample, whole) for sample in samples if (whole := interval_of(sample)) is not None]
    if len(kept) < len(samples):
        log.warning("impossible samples left out", extra={"agent": agent, "count": len(samples) - len(kept)})
    return kept


def _store_uplinks(connection: Connection, node: str, samples: Sequence[Timed[UplinkSample]]) -> None:
    pieces = new_pieces(connection, UPLINKS, node, samples)
    if not pieces:
        return
    rows = [
        {
            "uplink_id": owner,
            "until": part[1],
            "start": part[0],
            "in_bytes": share(sample.in_bytes, whole, part),
            "out_bytes": share(sample.out_bytes, whole, part),
            "capacity_bps": sample.capacity_bps,
            "latency_ms": sample.latency_ms,
            "loss": sample.loss,
        }
        for owner, sample, whole, part in pieces
    ]
    connection.execute(uplink_samples.insert(), rows)
    _add_hours(connection, pieces)


def _store_traffic(connection: Connection, node: str, samples: Sequence[Timed[AttachmentSample]]) -> None:
    rows = [
        {
            "path_id": owner,
            "until": part[1],
            "start": part[0],
            "in_bytes": share(sample.in_bytes, whole, part),
            "out_bytes": share(sample.out_bytes, whole, part),
        }
        for owner, sample, whole, part in new_pieces(connection, PATHS, node, samples)
    ]
    if rows:
        connection.execute(path_samples.insert(), rows)


def _add_hours(connection: Connection, pieces: Iterable[Piece[UplinkSample]]) -> None:
    sums: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for owner, sample, whole, part in pieces:
        for piece in hours(part):
            total = sums[owner, piece[0] // HOUR * HOUR]
            total[0] += share(sample.in_bytes, whole, piece)
            total[1] += share(sample.out_bytes, whole, piece)
    rows = [
        {"uplink_id": owner, "hour": hour, "in_bytes": into, "out_bytes": out}
        for (owner, hour), (into, out) in sorted(sums.items())
    ]
    insert = insert_into(connection, uplink_hours)
    statement = insert.on_conflict_do_update(
        index_elements=["uplink_id", "hour"],
        set_={
            "in_bytes": uplink_hours.c.in_bytes + insert.excluded.in_bytes,
            "out_bytes": uplink_hours.c.out_bytes + insert.excluded.out_bytes,
        },
    )
    connection.execute(statement, rows)
