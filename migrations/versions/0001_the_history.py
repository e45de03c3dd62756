"""The history: samples, placements, objects, decisions, moves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("id", Number, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("gaps", sa.BigInteger(), nullable=False),
        sa.Column("missed", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("identity", name=op.f("uq_agents_identity")),
    )
    op.create_table(
        "attachments",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("workload", sa.Text(), nullable=False),
        sa.Column("attachment", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", "workload", "attachment", name=op.f("pk_attachments")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("id", Number, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("inputs_hash", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_at", "decisions", ["at"], unique=False)

    op.create_table(
        "networks",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("physical_network", sa.Text(), nullable=True),
        sa.Column("free_addresses", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("node", "network", name=op.f("pk_networks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "objects",
        sa.Column("id", Number, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objects")),
    )
    op.create_index("ix_objects_version", "objects", ["kind", "name", "recorded_at"], unique=False)

    op.create_table(
        "paths",
        sa.Column("id", Number, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("workload", sa.Text(), nullable=False),
        sa.Column("attachment", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paths")),
        sa.UniqueConstraint(
            "node", "workload", "attachment", "network", name=op.f("uq_paths_node_workload_attachment_network")
        ),
    )
    op.create_table(
        "placement_spans",
        sa.Column("id", Number, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("workload", sa.Text(), nullable=False),
        sa.Column("attachment", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("physical_network", sa.Text(), nullable=True),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_spans")),
    )
    op.create_index("ix_placement_spans_until", "placement_spans", ["until"], unique=False)
    op.create_index(
        "uq_placement_spans_open",
        "placement_spans",
        ["node", "workload", "attachment"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )

    op.create_table(
        "uplinks",
        sa.Column("id", Number, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("physical_network", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uplinks")),
        sa.UniqueConstraint("node", "physical_network", name=op.f("uq_uplinks_node_physical_network")),
    )
    op.create_table(
        "moves",
        sa.Column("number", Number, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("decision_id", Number, nullable=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("workload", sa.Text(), nullable=False),
        sa.Column("attachment", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("saving_per_hour", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("order_json", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("shifted_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("largest_gap", sa.Float(precision=53), nullable=True),
        sa.Column("drained", sa.BigInteger(), nullable=True),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.Column("status_json", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_moves_decision_id_decisions")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_moves")),
        sa.UniqueConstraint("id", name=op.f("uq_moves_id")),
    )
    op.create_index("ix_moves_decided_at", "moves", ["decided_at"], unique=False)
    op.create_index(
        "ix_moves_open",
        "moves",
        ["decided_at", "number"],
        unique=False,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )

    op.create_table(
        "path_samples",
        sa.Column("path_id", Number, autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("in_bytes", sa.BigInteger(), nullable=False),
        sa.Column("out_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["path_id"], ["paths.id"], name=op.f("fk_path_samples_path_id_paths")),
        sa.PrimaryKeyConstraint("path_id", "until", name=op.f("pk_path_samples")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stay_counts",
        sa.Column("decision_id", Number, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_stay_counts_decision_id_decisions")),
        sa.PrimaryKeyConstraint("decision_id", "reason", name=op.f("pk_stay_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "uplink_hours",
        sa.Column("uplink_id", Number, autoincrement=False, nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("in_bytes", sa.BigInteger(), nullable=False),
        sa.Column("out_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["uplink_id"], ["uplinks.id"], name=op.f("fk_uplink_hours_uplink_id_uplinks")),
        sa.PrimaryKeyConstraint("uplink_id", "hour", name=op.f("pk_uplink_hours")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "uplink_samples",
        sa.Column("uplink_id", Number, autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("in_bytes", sa.BigInteger(), nullable=False),
        sa.Column("out_bytes", sa.BigInteger(), nullable=False),
        sa.Column("capacity_bps", sa.Float(precision=53), nullable=False),
        sa.Column("latency_ms", sa.Float(precision=53), nullable=True),
        sa.Column("loss", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["uplink_id"], ["uplinks.id"], name=op.f("fk_uplink_samples_uplink_id_uplinks")),
        sa.PrimaryKeyConstraint("uplink_id", "until", name=op.f("pk_uplink_samples")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "move_phases",
        sa.Column("move_number", Number, autoincrement=False, nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["move_number"], ["moves.number"], name=op.f("fk_move_phases_move_number_moves")),
        sa.PrimaryKeyConstraint("move_number", "phase", name=op.f("pk_move_phases")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("move_phases")
    op.drop_table("uplink_samples")
    op.drop_table("uplink_hours")
    op.drop_table("stay_counts")
    op.drop_table("path_samples")

    op.drop_table("moves")
    op.drop_table("uplinks")

    op.drop_table("placement_spans")
    op.drop_table("paths")

    op.drop_table("objects")
    op.drop_table("networks")

    op.drop_table("decisions")
    op.drop_table("attachments")
    op.drop_table("agents")
