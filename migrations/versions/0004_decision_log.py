"""The decision log: on what terms each tick was decided, the record's own hash, and nothing in it changes afterwards.

Records from before keep neither terms nor hash; they can be read, but not decided again. ``log_retention`` says up to
when records may be deleted: whoever deletes must have said so first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEPT = "the decision log is never changed"
RETAINED = "the decision log is kept: log_retention.before must be later than what is deleted"
GUARDS = {
    "decisions_unchanged": ("UPDATE", "decisions", "", KEPT),
    "decisions_retained": (
        "DELETE",
        "decisions",
        "OLD.at >= COALESCE((SELECT MAX(before) FROM log_retention), 0)",
        RETAINED,
    ),
    "decision_objects_unchanged": ("UPDATE", "decision_objects", "", KEPT),
    "decision_objects_retained": ("DELETE", "decision_objects", "", KEPT),
}
"""By trigger: event, table, when it is refused (always), and the words."""


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("decisions", sa.Column("terms", sa.LargeBinary(), nullable=True))
    op.add_column("decisions", sa.Column("hash", sa.Text(), nullable=True))
    op.create_table(
        "decision_objects",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_decision_objects")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_retention",
        sa.Column("id", number, nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_retention")),
    )
    for name, (event, table, when, words) in GUARDS.items():
        _guard(name, f"BEFORE {event} ON {table}", when, words)


def _guard(name: str, event: str, when: str, words: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        condition = f"WHEN {when}" if when else ""
        op.execute(f"CREATE TRIGGER {name} {event} {condition} BEGIN SELECT RAISE(ABORT, '{words}'); END")
        return
    raising = f"RAISE EXCEPTION '{words}' USING ERRCODE = 'integrity_constraint_violation';"
    body = f"IF {when} THEN {raising} END IF; RETURN OLD;" if when else f"{raising}"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(f"CREATE TRIGGER {name} {event} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    for name, (_, table, _, _) in GUARDS.items():
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER {name}")
        else:
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("decision_objects")
    op.drop_table("log_retention")
    op.drop_column("decisions", "hash")
    op.drop_column("decisions", "terms")
