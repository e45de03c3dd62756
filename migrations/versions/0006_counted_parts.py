"""What is counted of slots that are not covered whole, so that nothing counts twice once samples are deleted.

Noted from what is still there: the samples, and the finer slots that are full. Of what was deleted before nobody knows
any more which parts of a slot it covered.
"""

from __future__ import annotations

from itertools import pairwise

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MINUTE = 60_000_000
STEPS = {"minutes": MINUTE, "fives": 5 * MINUTE, "hours": 60 * MINUTE}
KINDS = {"uplink": ("minutes", "fives", "hours"), "path": ("fives", "hours")}
"""By kind its sums, from fine to coarse."""


PLANS = ("seqscan", "hashjoin", "mergejoin")
"""Ways of PostgreSQL to find the few samples of a slot that read all of its series."""


def upgrade() -> None:
    _plans("off")
    for kind, levels in KINDS.items():
        _make(kind)
        _note_samples(kind, levels[0])
        for finer, coarser in pairwise(levels):
            _note_full(kind, finer, coarser)
    _plans("DEFAULT")


def _plans(value: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in PLANS:
            op.execute(f"SET LOCAL enable_{name} = {value}")


def _make(kind: str) -> None:
    name, owner = f"{kind}_parts", f"{kind}_id"
    op.create_table(
        name,
        sa.Column(owner, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint([owner], [f"{kind}s.id"], name=op.f(f"fk_{name}_{owner}_{kind}s")),
        sa.PrimaryKeyConstraint(owner, "until", name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def _note_samples(kind: str, finest: str) -> None:
    """The samples that lie in a slot which is not full, or over its end."""
    owner, step = f"{kind}_id", STEPS[finest]
    samples, same = f"{kind}_samples", f"s.{owner} = f.{owner}"
    not_full = f"FROM {kind}_{finest} f JOIN {samples} s ON {same}"
    next_end = f"FROM {samples} o WHERE o.{owner} = f.{owner} AND o.until > f.slot + {step}"
    _note(
        kind,
        f"SELECT s.{owner}, s.until, s.start {not_full} AND s.until > f.slot AND s.until <= f.slot + {step}"
        f" WHERE f.covered < {step}"
        f" UNION SELECT s.{owner}, s.until, s.start {not_full} AND s.until = (SELECT min(o.until) {next_end})"
        f" WHERE f.covered < {step} AND s.start < f.slot + {step}",
    )


def _note_full(kind: str, finer: str, coarser: str) -> None:
    """The full slots in coarser ones that are not full."""
    owner, step, whole = f"{kind}_id", STEPS[finer], STEPS[coarser]
    inside = f"m.{owner} = f.{owner} AND m.slot >= f.slot AND m.slot < f.slot + {whole}"
    _note(
        kind,
        f"SELECT m.{owner}, m.slot + {step}, m.slot FROM {kind}_{coarser} f JOIN {kind}_{finer} m ON {inside}"  # noqa: S608 - our own words
        f" WHERE f.covered < {whole} AND m.covered >= {step}",
    )


def _note(kind: str, query: str) -> None:
    """Of two that end together the longer one stays."""
    owner, table = f"{kind}_id", f"{kind}_parts"
    longer = f"CASE WHEN excluded.start < {table}.start THEN excluded.start ELSE {table}.start END"
    op.execute(
        f"INSERT INTO {table} ({owner}, until, start) SELECT * FROM ({query}) AS found WHERE true"  # noqa: S608 - our own words
        f" ON CONFLICT ({owner}, until) DO UPDATE SET start = {longer}"
    )


def downgrade() -> None:
    for kind in KINDS:
        op.drop_table(f"{kind}_parts")
