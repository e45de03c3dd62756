"""Rankings of networks for new workloads: one leader computes them, every replica hands them to agents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rankings",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=False),
        sa.Column("ranking", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_rankings")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("rankings")
