"""Objects that users took away: a version without a document.

What was removed before has no record; the controller notes it when it next reads its files.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _document(nullable=True)


def _document(*, nullable: bool) -> None:
    with op.batch_alter_table("objects") as table:
        table.alter_column("document", existing_type=sa.Text(), nullable=nullable)


def downgrade() -> None:
    """What was removed is then known again, as the version before has it."""
    op.execute("DELETE FROM objects WHERE document IS NULL")
    _document(nullable=False)
