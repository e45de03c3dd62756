"""One batch of an agent: stored whole and once, in the caller's transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, func, select, update

from cni.wire import AttachmentSample, Batch, UplinkSample
from switcher.adapters.store import moves, present
from switcher.adapters.store.bulk import insert_rows
from switcher.adapters.store.instants import micros_of, moment_of
from switcher.adapters.store.intervals import Interval, interval_of, share
from switcher.adapters.store.late import correct
from switcher.adapters.store.reach import ROLLING, Reaches, reaches
from switcher.adapters.store.schema import agents, path_samples, uplink_samples
from switcher.adapters.store.series import PATHS, UPLINKS, Timed, new_pieces
from switcher.adapters.store.slots import PATH_LEVELS, UPLINK_LEVELS
from switcher.adapters.store.upsert import insert_into

log = logging.getLogger(__name__)
LOCK_SPACE = 0x5357_4954
"""PostgreSQL's advisory locks with two keys: this one and the node's hash."""
# Statements of every batch are made once: to build one takes longer than to run it.
TURN = select(
    func.pg_advisory_xact_lock(LOCK_SPACE, func.hashtext(bindparam("its_node"))),
    func.pg_advisory_xact_lock_shared(ROLLING),
)
AGENT = select(agents.c.id, agents.c.last_sequence).where(agents.c.identity == bindparam("its_identity"))
SEEN = (
    update(agents)
    .where(agents.c.id == bindparam("its_id"))
    .values(
        node=bindparam("its_node"),
        last_sequence=bindparam("sequence"),
        gaps=agents.c.gaps + bindparam("more_gaps"),
        missed=agents.c.missed + bindparam("more_missed"),
        last_seen=bindparam("sent_at"),
    )
)
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
    reach = reaches(connection)
    _store_uplinks(connection, batch.node, _usable(batch.uplinks, batch.agent), reach)
    _store_traffic(connection, batch.node, _usable(batch.traffic, batch.agent), reach)
    sent_at = micros_of(batch.sent_at)
    if batch.attachments is not None:
        present.replace_attachments(connection, batch.node, batch.attachments, sent_at)
    if batch.networks is not None:
        present.replace_networks(connection, batch.node, batch.networks)
    for status in batch.switches:
        moves.learn(connection, status, batch.node, moment_of(sent_at))
    return batch.sequence


def _take_turns(connection: Connection, node: str) -> None:
    """PostgreSQL: batches of one node, of whichever agent, one after the other, and none while sums are made.

    SQLite's write lock is ours already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(TURN, {"its_node": node})


def _agent(connection: Connection, batch: Batch) -> Row[*tuple[Any, ...]]:
    """The agent's row, made when it is new."""
    who = {"its_identity": batch.agent}
    if (known := connection.execute(AGENT, who).first()) is not None:
        return known
    fresh = {"identity": batch.agent, "node": batch.node, "last_sequence": 0, "gaps": 0, "missed": 0, "last_seen": 0}
    connection.execute(insert_into(connection, agents).values(fresh).on_conflict_do_nothing())
    return connection.execute(AGENT, who).one()


def _seen(connection: Connection, agent: int, batch: Batch, missed: int) -> None:
    news = {"sequence": batch.sequence, "more_gaps": 1 if missed else 0, "more_missed": missed}
    sent = {"its_node": batch.node, "sent_at": micros_of(batch.sent_at)}
    connection.execute(SEEN, {"its_id": agent, **news, **sent})


def _usable(samples: Sequence[S], agent: str) -> list[Timed[S]]:
    """Without samples that make no sense: refusing their batch would only make the agent send it for ever."""
    kept = [(sample, whole) for sample in samples if (whole := interval_of(sample)) is not None]
    if len(kept) < len(samples):
        log.warning("impossible samples left out", extra={"agent": agent, "count": len(samples) - len(kept)})
    return kept


def _store_uplinks(connection: Connection, node: str, samples: Sequence[Timed[UplinkSample]], reach: Reaches) -> None:
    rows = [
        (owner, part[1], part[0], *_amounts(sample, whole, part), sample.capacity_bps, sample.latency_ms, sample.loss)
        for owner, sample, whole, part in new_pieces(connection, UPLINKS, node, samples, reach)
    ]
    insert_rows(connection, uplink_samples, rows)
    edge = reach[UPLINK_LEVELS[0].name].rolled_until
    late = [(row[0], (row[2], row[1]), row[3], row[4], row[5]) for row in rows if row[2] < edge]
    correct(connection, UPLINK_LEVELS, late, reach)


def _store_traffic(
    connection: Connection, node: str, samples: Sequence[Timed[AttachmentSample]], reach: Reaches
) -> None:
    rows = [
        (owner, part[1], part[0], sample.in_bytes, sample.out_bytes)
        if part is whole
        else (owner, part[1], part[0], *_amounts(sample, whole, part))
        for owner, sample, whole, part in new_pieces(connection, PATHS, node, samples, reach)
    ]
    insert_rows(connection, path_samples, rows)
    edge = reach[PATH_LEVELS[0].name].rolled_until
    late = [(row[0], (row[2], row[1]), row[3], row[4], 0.0) for row in rows if row[2] < edge]
    correct(connection, PATH_LEVELS, late, reach)


def _amounts(sample: UplinkSample | AttachmentSample, whole: Interval, part: Interval) -> tuple[int, int]:
    if part == whole:
        return sample.in_bytes, sample.out_bytes
    return share(sample.in_bytes, whole, part), share(sample.out_bytes, whole, part)
