"""The tables. Times are microseconds since 1970 UTC; intervals are ``[start, until)``; documents are JSON text.

Sums of samples over equal slots of time are in ``slots.py``. A change here or there needs a new revision in
``migrations/versions``: ``tests/contract/history/test_migrations.py`` compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only what is exactly INTEGER; its INTEGER has 64 bits all the same.
Number = BigInteger().with_variant(Integer, "sqlite")


agents = Table(
    "agents",
    metadata,
    Column("id", Number, primary_key=True),
    Column("identity", Text, nullable=False, unique=True),
    Column("node", Text, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("gaps", BigInteger, nullable=False),
    Column("missed", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
)
"""``gaps``: how often numbers were skipped; ``missed``: how many; ``last_seen``: when its last batch was sent."""

uplinks = Table(
    "uplinks",
    metadata,
    Column("id", Number, primary_key=True),
    Column("node", Text, nullable=False),
    Column("physical_network", Text, nullable=False),
    UniqueConstraint("node", "physical_network"),
)

uplink_samples = Table(
    "uplink_samples",
    metadata,
    Column("uplink_id", Number, ForeignKey("uplinks.id"), primary_key=True, autoincrement=False),
    Column("until", BigInteger, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("in_bytes", BigInteger, nullable=False),
    Column("out_bytes", BigInteger, nullable=False),
    Column("capacity_bps", Float(53), nullable=False),
    Column("latency_ms", Float(53)),
    Column("loss", Float(53)),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (until)",
)
"""The samples of one uplink never overlap: their sum is what it carried."""

paths = Table(
    "paths",
    metadata,
    Column("id", Number, primary_key=True),
    Column("node", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("attachment", Text, nullable=False),
    Column("network", Text, nullable=False),
    UniqueConstraint("node", "workload", "attachment", "network"),
)
"""An attachment on one of the networks that it has been on: what an attachment sample is of."""

path_samples = Table(
    "path_samples",
    metadata,
    Column("path_id", Number, ForeignKey("paths.id"), primary_key=True, autoincrement=False),
    Column("until", BigInteger, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("in_bytes", BigInteger, nullable=False),
    Column("out_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (until)",
)
"""The samples of one path never overlap; those of an attachment's paths may, during a switch."""

attachments = Table(
    "attachments",
    metadata,
    Column("node", Text, primary_key=True),
    Column("workload", Text, primary_key=True),
    Column("attachment", Text, primary_key=True),
    Column("report", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What exists now, each as its node last reported it."""

networks = Table(
    "networks",
    metadata,
    Column("node", Text, primary_key=True),
    Column("network", Text, primary_key=True),
    Column("physical_network", Text),
    Column("free_addresses", BigInteger),
    sqlite_with_rowid=False,
)

rankings = Table(
    "rankings",
    metadata,
    Column("node", Text, primary_key=True),
    Column("computed_at", BigInteger, nullable=False),
    Column("ranking", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""How each node's networks stood for new workloads at the last tick; ``ranking`` is what travels to its agent."""

spans = Table(
    "placement_spans",
    metadata,
    Column("id", Number, primary_key=True),
    Column("node", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("attachment", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("physical_network", Text),
    Column("start", BigInteger, nullable=False),
    Column("until", BigInteger, index=True),
)
"""``until`` NULL: still there."""
Index(
    "uq_placement_spans_open",
    spans.c.node,
    spans.c.workload,
    spans.c.attachment,
    unique=True,
    sqlite_where=spans.c.until.is_(None),
    postgresql_where=spans.c.until.is_(None),
)

objects = Table(
    "objects",
    metadata,
    Column("id", Number, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("document", Text),
    Column("recorded_at", BigInteger, nullable=False),
    Column("valid_from", BigInteger),
    Column("valid_until", BigInteger),
    Index("ix_objects_version", "kind", "name", "recorded_at"),
)
"""Every version of every object, without a ``document`` where it was removed; ``valid_*`` of those whose ``spec`` has
validFrom and validTo (tariffs)."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("inputs", LargeBinary, nullable=False),
    Column("inputs_hash", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("terms", LargeBinary),
    Column("hash", Text),
    Column("previous", Text),
)
"""The decision log. Triggers refuse every change, and deletion unless ``log_retention`` allows it.

``inputs``, ``answer`` (moves and stays) and ``terms`` (settings, versions, hash of the book) are zlib of JSON;
``inputs_hash`` is of the plain inputs, ``hash`` of the whole record with ``previous``, the hash of the record before.
Records from before the chain have no ``previous``, those from before the log no terms either.
"""

decision_objects = Table(
    "decision_objects",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("document", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Users' objects as decisions used them, each once, by SHA-256; a book is a list of such hashes, and one of them."""

log_retention = Table(
    "log_retention",
    metadata,
    Column("id", Number, primary_key=True),
    Column("before", BigInteger, nullable=False),
    Column("cut", Text),
)
"""Records older than the latest ``before`` may be deleted; ``cut``: the hash of the last one that was."""

log_head = Table(
    "log_head",
    metadata,
    Column("id", Number, primary_key=True),
    Column("hash", Text, nullable=False),
)
"""One row: the hash of the last decision; who records one holds it."""

stay_counts = Table(
    "stay_counts",
    metadata,
    Column("decision_id", Number, ForeignKey("decisions.id"), primary_key=True, autoincrement=False),
    Column("reason", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

moves = Table(
    "moves",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("decision_id", Number, ForeignKey("decisions.id")),
    Column("node", Text, nullable=False),
    Column("workload", Text, nullable=False),
    Column("attachment", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("saving_per_hour", Text, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("order_json", Text, nullable=False),
    Column("decided_at", BigInteger, nullable=False, index=True),
    Column("phase", Text),
    Column("outcome", Text),
    Column("refusal", Text),
    Column("shifted_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("largest_gap", Float(53)),
    Column("drained", BigInteger),
    Column("closed", BigInteger),
    Column("status_json", Text),
)
"""``order_json`` and ``status_json`` are what travelled; the columns beside them are for queries by hand."""
Index(
    "ix_moves_open",
    moves.c.decided_at,
    moves.c.number,
    sqlite_where=moves.c.outcome.is_(None),
    postgresql_where=moves.c.outcome.is_(None),
)

move_phases = Table(
    "move_phases",
    metadata,
    Column("move_number", Number, ForeignKey("moves.number"), primary_key=True, autoincrement=False),
    Column("phase", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""When each phase began, or, where the node does not say, when the controller learned of it."""
