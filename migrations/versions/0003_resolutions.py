"""Sums of samples at three resolutions, how far each reaches, and PostgreSQL's partitions by time.

Sums of whole hours are there already. Those of hours whose samples are all still there are made again from them, by
the ordinary upkeep, together with the new finer ones; older ones stay as they are. Nothing is copied on PostgreSQL:
the tables of samples become the first partitions of the new ones. On SQLite they stay as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HOUR = 3_600_000_000
DAY = 24 * HOUR
SAMPLES = {"uplink_samples": "uplinks", "path_samples": "paths"}
ALL = (*SAMPLES, "uplink_minutes", "uplink_fives", "uplink_hours", "path_fives", "path_hours")
NETWORKS = ("network_minutes", "network_fives", "network_hours")


def upgrade() -> None:
    _make_states()
    _make_sums("uplink_minutes", "uplink", partitioned=True)
    _make_sums("uplink_fives", "uplink", partitioned=True)
    _make_sums("path_fives", "path", partitioned=True)
    _make_sums("path_hours", "path")
    for name in NETWORKS:
        _make_sums(name, None)
    complete = _complete_from()
    _move_hours(complete)
    if _postgresql():
        for name, owners in SAMPLES.items():
            _partition(name, owners)
    for name in (*ALL, *NETWORKS):
        of_paths, hours = name.startswith("path"), name in ("uplink_hours", "network_hours")
        rolled = 0 if of_paths or name in SAMPLES else complete
        kept = 0 if of_paths or hours else complete
        op.execute(f"INSERT INTO resolutions VALUES ('{name}', {rolled}, {kept})")  # noqa: S608 - our own words


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _make_states() -> None:
    op.create_table(
        "resolutions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rolled_until", sa.BigInteger(), nullable=False),
        sa.Column("kept_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_resolutions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "probes",
        sa.Column("id", Number, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("filler", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probes")),
    )
    if _postgresql():
        op.execute("ALTER TABLE probes ALTER COLUMN filler SET STORAGE EXTERNAL")  # it is there to take room


def _make_sums(name: str, owner: str | None, *, partitioned: bool = False) -> None:
    """A table of sums of uplinks, of paths, or (None) of physical networks."""
    key = (
        sa.Column("physical_network", sa.Text(), nullable=False)
        if owner is None
        else sa.Column(f"{owner}_id", Number, autoincrement=False, nullable=False)
    )
    capacity = [sa.Column("capacity_bps", sa.Float(precision=53), nullable=False)] if owner == "uplink" else []
    refers = (
        []
        if owner is None or (partitioned and _postgresql())
        else [sa.ForeignKeyConstraint([f"{owner}_id"], [f"{owner}s.id"], name=op.f(f"fk_{name}_{owner}_id_{owner}s"))]
    )
    more = {"postgresql_partition_by": "RANGE (slot)"} if partitioned else {}
    op.create_table(
        name,
        key,
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("in_bytes", sa.BigInteger(), nullable=False),
        sa.Column("out_bytes", sa.BigInteger(), nullable=False),
        sa.Column("covered", sa.BigInteger(), nullable=False),
        *capacity,
        *refers,
        sa.PrimaryKeyConstraint(key.name, "slot", name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
        **more,
    )
    if partitioned and _postgresql():
        op.execute(f"CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT")


def _complete_from() -> int:
    """The first hour from whose start on no sample was ever deleted; 0: there are neither samples nor sums."""
    oldest = sa.text(
        "SELECT min(m) FROM (SELECT (SELECT min(until) FROM uplink_samples s WHERE s.uplink_id = u.id) AS m"
        " FROM uplinks u) AS oldest"
    )
    newest = sa.text("SELECT max(hour) FROM uplink_hours")
    first = op.get_bind().execute(oldest).scalar()
    if first is not None:
        return -(-int(first) // HOUR) * HOUR
    last = op.get_bind().execute(newest).scalar()
    return 0 if last is None else int(last) + HOUR


def _move_hours(complete: int) -> None:
    """The sums of hours in their new shape, of those before ``complete``; a whole hour counts as covered."""
    op.rename_table("uplink_hours", "uplink_hours_0002")
    if _postgresql():
        op.drop_constraint("fk_uplink_hours_uplink_id_uplinks", "uplink_hours_0002", type_="foreignkey")
        op.drop_constraint("pk_uplink_hours", "uplink_hours_0002", type_="primary")
    _make_sums("uplink_hours", "uplink")
    op.execute(
        "INSERT INTO uplink_hours (uplink_id, slot, in_bytes, out_bytes, covered, capacity_bps)"  # noqa: S608
        f" SELECT uplink_id, hour, in_bytes, out_bytes, {HOUR}, 0 FROM uplink_hours_0002 WHERE hour < {complete}"
    )
    op.execute(
        "INSERT INTO network_hours (physical_network, slot, in_bytes, out_bytes, covered)"
        " SELECT u.physical_network, h.slot, sum(h.in_bytes), sum(h.out_bytes), sum(h.covered)"
        " FROM uplink_hours h JOIN uplinks u ON u.id = h.uplink_id GROUP BY u.physical_network, h.slot"
    )
    op.drop_table("uplink_hours_0002")


def _partition(name: str, owners: str) -> None:
    """Make the table the first partition of one by the same name: all that ends before the day after its newest."""
    owner = f"{owners[:-1]}_id"
    newest = op.get_bind().execute(sa.text(f"SELECT max(until) FROM {name}")).scalar()  # noqa: S608
    op.rename_table(name, f"{name}_before")
    # References are looked up and stored in one transaction; to check each of 100,000 rows a second costs too much.
    op.drop_constraint(f"fk_{name}_{owner}_{owners}", f"{name}_before", type_="foreignkey")
    op.execute(f"ALTER TABLE {name}_before RENAME CONSTRAINT pk_{name} TO pk_{name}_before")
    op.execute(f"CREATE TABLE {name} (LIKE {name}_before) PARTITION BY RANGE (until)")
    op.execute(f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY ({owner}, until)")
    op.execute(f"CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT")
    if newest is None:
        op.drop_table(f"{name}_before")
    else:
        edge = (int(newest) // DAY + 1) * DAY
        op.execute(f"ALTER TABLE {name} ATTACH PARTITION {name}_before FOR VALUES FROM (MINVALUE) TO ({edge})")


def downgrade() -> None:
    """For tests of an empty history: sums of time that was not rolled up yet are not made."""
    for name in (*NETWORKS, "path_hours", "path_fives", "uplink_fives", "uplink_minutes", "probes", "resolutions"):
        op.drop_table(name)
    with op.batch_alter_table("uplink_hours") as hours:
        hours.alter_column("slot", new_column_name="hour")
        hours.drop_column("covered")
        hours.drop_column("capacity_bps")
