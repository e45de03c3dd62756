"""The history in SQL, behind the port :class:`switcher.ports.History`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cni.wire import Batch, Phase, Ranking, SwitchStatus
from switcher.adapters.store import (
    carried,
    charting,
    counting,
    decisions,
    health,
    lately,
    loads,
    moves,
    objects,
    present,
    rankings,
    upkeep,
    usage,
)
from switcher.adapters.store.engine import Database
from switcher.adapters.store.ingest import ingest
from switcher.adapters.store.instants import micros, moment_of
from switcher.adapters.store.migrate import require_head
from switcher.adapters.store.reach import kept_from
from switcher.adapters.store.reading import Wanted
from switcher.adapters.store.silence import silences
from switcher.decide.memory import LOOK_BACK
from switcher.errors import SwitcherError
from switcher.keeping import Cutoffs, Resolution
from switcher.model import Decision, Placement, Uplink
from switcher.ports import (
    AttachmentPath,
    KnownAttachment,
    KnownNetwork,
    LoadSeries,
    ObjectVersion,
    PlacementSpan,
    RecordedDecision,
    RecordedMove,
    SlotBytes,
    StoredObject,
    Switched,
    UplinkLoad,
    UsageRow,
)
from switcher.reported import Attached
from switcher.tariff.periods import Span
from switcher.terms import Terms


def _now() -> datetime:
    return datetime.now(UTC)


class SqlHistory:
    """All that is remembered, in one database. Each method is one transaction; any number of threads may call.

    Every method raises TryLaterError when the database is away, locked for too long, full or read-only.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = _now) -> None:
        """``clock``: when a status was learned whose phase the node gives no time for; what is dated ahead of now."""
        self._database = database
        self._clock = clock
        self._reports = present.Reports()
        self._lately = lately.Lately()

    @classmethod
    def open(cls, url: str) -> SqlHistory:
        """The history at ``url``, as it is.

        Raises SwitcherError, which says what to do, when it is missing, behind this program or newer than it;
        TryLaterError when it is away; BadInputError when the URL is malformed.
        """
        database = Database(url)
        if database.file is not None and not database.file.exists():
            raise SwitcherError(f"there is no history at {database.file}: run `switcher db upgrade`, which creates it")
        try:
            with database.reading() as connection:
                require_head(connection, database.name)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def ping(self) -> None:
        """Nothing, if the database answers and takes what it is given; else raises TryLaterError."""
        health.ping(self._database, self._clock())

    def prepare(self, now: datetime) -> None:
        """Read what ticks keep from one to the next: what nodes reported, and the moves of the last day.

        Raises TryLaterError.
        """
        with self._database.reading() as connection:
            self._reports.reported(connection, now)
            self._lately.since(connection, now - LOOK_BACK)

    # What agents reported.

    def ingest(self, batch: Batch) -> int:
        with self._database.writing() as connection:
            return ingest(connection, batch)

    def uplink_loads(self, now: datetime, window: timedelta) -> Sequence[UplinkLoad]:
        with self._database.reading() as connection:
            return loads.uplink_loads(connection, now, window)

    def attachments(self) -> Sequence[KnownAttachment]:
        with self._database.reading() as connection:
            return present.known_attachments(connection)

    def attached(self, now: datetime, window: timedelta) -> Attached:
        with self._database.reading() as connection:
            return loads.attached(connection, self._reports.reported(connection, now), now, window)

    def networks(self) -> Sequence[KnownNetwork]:
        with self._database.reading() as connection:
            return present.known_networks(connection)

    def placements(self, since: datetime) -> Mapping[str, tuple[Placement, ...]]:
        with self._database.reading() as connection:
            return present.placements(connection, since)

    def changes(self, since: datetime) -> Mapping[str, tuple[Placement, ...]]:
        with self._database.reading() as connection:
            return present.placements(connection, since, changed=True)

    def placement_spans(self, start: datetime, end: datetime) -> Sequence[PlacementSpan]:
        with self._database.reading() as connection:
            return present.placement_spans(connection, start, end)

    def usage(self, start: datetime, end: datetime) -> Sequence[UsageRow]:
        with self._database.reading() as connection:
            return usage.usage(connection, start, end)

    def usage_totals(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        with self._database.reading() as connection:
            return usage.usage_totals(connection, start, end)

    def slot_totals(self, start: datetime, end: datetime, slot: timedelta) -> Mapping[str, SlotBytes]:
        with self._database.reading() as connection:
            return carried.slot_totals(connection, start, end, slot)

    def silences(self, start: datetime, end: datetime) -> Mapping[str, Sequence[Span]]:
        """By physical network, the times of a second or more in which no uplink of it was sampled, in order.

        Nothing of time whose hours of uplinks are deleted.
        """
        with self._database.reading() as connection:
            found = silences(connection, (micros(start), micros(end)))
        return {
            name: [(moment_of(first), moment_of(last)) for first, last in intervals]
            for name, intervals in found.items()
        }

    def kept_from(self, *, nodes: bool) -> Mapping[Resolution, datetime]:
        """Since when nothing was deleted of whole networks, or (``nodes``) of each node's uplinks."""
        with self._database.reading() as connection:
            return kept_from(connection, nodes=nodes)

    def uplink_slots(self, start: datetime, end: datetime, slot: timedelta) -> Iterator[tuple[Uplink, SlotBytes]]:
        with self._database.reading() as connection:
            yield from carried.uplink_slots(connection, carried.Slots(start, end, slot))

    def path_slots(self, start: datetime, end: datetime, slot: timedelta) -> Iterator[tuple[AttachmentPath, SlotBytes]]:
        with self._database.reading() as connection:
            yield from carried.path_slots(connection, carried.Slots(start, end, slot))

    def resolution(self, start: datetime) -> timedelta:
        with self._database.reading() as connection:
            return carried.resolution(connection, start)

    def series(
        self, physical_network: str, node: str | None, start: datetime, end: datetime, points: int
    ) -> LoadSeries:
        """The load of an uplink (None: of the whole physical network) in about so many steps, for a chart.

        Raises ValueError when the period is empty or no point is asked for.
        """
        with self._database.reading() as connection:
            return charting.series(connection, Wanted(network=physical_network, node=node), start, end, points)

    # What users wrote.

    def store_objects(self, versions: Sequence[ObjectVersion]) -> None:
        with self._database.writing() as connection:
            objects.store(connection, versions)

    def objects(self, known_at: datetime | None = None) -> Sequence[StoredObject]:
        with self._database.reading() as connection:
            return objects.known(connection, known_at)

    def object_versions(self, after: datetime, until: datetime | None = None) -> Sequence[ObjectVersion]:
        with self._database.reading() as connection:
            return objects.versions(connection, after, until)

    # What was decided, and what became of it.

    def record_decision(
        self, decision: Decision, inputs: bytes, moves: Sequence[RecordedMove], terms: Terms | None = None
    ) -> None:
        self.ping()  # a decision may still fit where samples do not any more: then none is taken
        with self._database.writing() as connection:
            decisions.record(connection, decision, inputs, moves, terms)

    def decision(self, at: datetime | None = None) -> RecordedDecision | None:
        with self._database.reading() as connection:
            return decisions.taken(connection, at)

    def record_rankings(self, found: Sequence[Ranking]) -> None:
        with self._database.writing() as connection:
            rankings.store(connection, found, self._clock())

    def ranking(self, node: str) -> Ranking | None:
        with self._database.reading() as connection:
            return rankings.of_node(connection, node)

    def record_move(self, move: RecordedMove) -> None:
        with self._database.writing() as connection:
            moves.record(connection, move, None)

    def advance_move(self, status: SwitchStatus) -> None:
        with self._database.writing() as connection:
            moves.advance(connection, status, self._clock())

    def open_moves(self) -> Sequence[RecordedMove]:
        with self._database.reading() as connection:
            return moves.still_open(connection)

    def moves(self, since: datetime | None = None, limit: int | None = None) -> Sequence[RecordedMove]:
        with self._database.reading() as connection:
            return moves.decided(connection, since, limit)

    def lately(self, since: datetime) -> Sequence[Switched]:
        with self._database.reading() as connection:
            return self._lately.since(connection, since)

    def phases(self, move: str) -> Mapping[Phase, datetime]:
        """When each phase of the move with this id began, oldest first."""
        with self._database.reading() as connection:
            return moves.phases(connection, move)

    # Upkeep.

    def prune(self, before: datetime) -> int:
        """Delete samples that ended by then, and say how many; hourly totals and all else stay."""
        return upkeep.prune(self._database, before)

    def look_after(self, now: datetime, cutoffs: Cutoffs) -> upkeep.Upkept:
        """One round of rolling up and deleting; meant for every minute."""
        return upkeep.look_after(self._database, now, cutoffs)

    def stats(self) -> counting.Stats:
        """How much there is of everything."""
        return counting.stats(self._database)

    def faults(self) -> Sequence[str]:
        """What the database finds wrong with itself."""
        return counting.faults(self._database)
