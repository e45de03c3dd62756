"""The decision log as a chain: each record's hash covers that of the one before, and ``log_head`` has the last.

Records from before stay as they are; the first chained one follows the last of them. ``log_retention.cut`` is where
retention cut the chain. What deletes rows without a DELETE is refused too: PostgreSQL's TRUNCATE, and SQLite's
INSERT OR REPLACE, for which no trigger of DELETE runs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEPT = "the decision log is never changed"
START = "0" * 64
LOG = ("decisions", "decision_objects")
REPLACED = {
    "decisions": "EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id)",
    "decision_objects": "EXISTS (SELECT 1 FROM decision_objects WHERE hash = NEW.hash AND document <> NEW.document)",
}
"""By table, what is no new row (SQLite); an object may be offered again as it is."""


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("decisions", sa.Column("previous", sa.Text(), nullable=True))
    op.add_column("log_retention", sa.Column("cut", sa.Text(), nullable=True))
    op.create_table(
        "log_head",
        sa.Column("id", number, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )
    last = "(SELECT hash FROM decisions ORDER BY id DESC LIMIT 1)"
    op.execute(f"INSERT INTO log_head VALUES (1, COALESCE({last}, '{START}'))")  # noqa: S608 - our own words
    for table in LOG:
        if _sqlite():
            refused = f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
            op.execute(f"CREATE TRIGGER {table}_new BEFORE INSERT ON {table} WHEN {REPLACED[table]} {refused}")
        else:
            refused = f"EXECUTE FUNCTION {table}_unchanged()"
            op.execute(f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refused}")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def downgrade() -> None:
    for table in LOG:
        op.execute(f"DROP TRIGGER {table}_new" if _sqlite() else f"DROP TRIGGER {table}_whole ON {table}")
    op.drop_table("log_head")
    op.drop_column("log_retention", "cut")
    op.drop_column("decisions", "previous")
