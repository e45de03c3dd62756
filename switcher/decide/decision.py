"""One tick, pure: the same snapshot, memory and book give the same decision, in whatever order their rows are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from cni.wire import Ranking
from switcher.decide.board import lay_out
from switcher.decide.budgets import Budgets
from switcher.decide.choose import Chosen, choose
from switcher.decide.crowd import best
from switcher.decide.eligibility import standing
from switcher.decide.explain import Words, surcharges, words
from switcher.decide.limits import worth_staying
from switcher.decide.prices import prices
from switcher.decide.projection import project
from switcher.decide.quotes import Crowd
from switcher.decide.ranking import Afterwards, rankings
from switcher.decide.rules import rules
from switcher.decide.savings import savings
from switcher.decide.settings import Settings
from switcher.decide.stays import stays
from switcher.decide.tell import Told, tell
from switcher.decide.tick import Tick
from switcher.model import Decision, Memory, Move, MoveReason, Snapshot, Stay, picked
from switcher.objects.model import Book

DEFAULTS = Settings()


def decide(seen: Snapshot, memory: Memory, book: Book, settings: Settings = DEFAULTS) -> Decision:
    """A move or a stay, with its reason and its sum in money, for every workload of the snapshot.

    Money is in the settlement currency. Rules and objective: docs/decision.md.
    """
    return _decided(seen, memory, book, settings)[0]


def decide_and_rank(
    seen: Snapshot, memory: Memory, book: Book, settings: Settings = DEFAULTS
) -> tuple[Decision, Sequence[Ranking]]:
    """The decision, and for every node how its networks stand for new workloads once it is carried out."""
    decision, after = _decided(seen, memory, book, settings)
    return decision, rankings(after, book, settings, _currency(book, settings))


def decide_and_tell(
    seen: Snapshot, memory: Memory, book: Book, settings: Settings, wanted: Callable[[str], bool]
) -> tuple[Decision, Sequence[Told]]:
    """The decision, and the whole sum of each workload whose id is wanted, by name."""
    decision, after = _decided(seen, memory, book, settings)
    answers: dict[str, Move | Stay] = {move.workload: move for move in decision.moves if wanted(move.workload)}
    answers |= {stay.workload: stay for stay in picked(decision.stays, wanted)}
    ids = after.tick.board.workloads.id
    rows = [row for row, name in enumerate(ids) if name in answers]
    currency = _currency(book, settings)
    return decision, [tell(after, memory, currency, answers[ids[row]], row) for row in rows]


def _decided(seen: Snapshot, memory: Memory, book: Book, settings: Settings) -> tuple[Decision, Afterwards]:
    board = lay_out(seen)
    ruled = rules(board, memory, book, settings)
    projection = project(board, memory, book, settings)

    def look(crowds: Mapping[str, Crowd]) -> Tick:
        priced = prices(board, ruled, projection, memory, (book, settings.settlement_currency), crowds)
        room = projection.staying(worth_staying(ruled.move_cost, priced.cost))
        stand = standing(board, ruled, room, priced, memory)
        return Tick(board=board, rules=ruled, projection=room, prices=priced, standing=stand)

    budgets = Budgets(board, ruled, memory)
    tick, wanted = best(look, book, budgets)
    chosen = choose(tick, wanted, budgets)

    told = words(tick, wanted.surcharge, _currency(book, settings))
    decision = Decision(
        now=seen.now,
        moves=tuple(_moves(tick, chosen, told)),
        stays=stays(tick, chosen, told, budgets),
        surcharge=surcharges(tick, wanted.surcharge),
    )
    return decision, Afterwards(tick=tick, surcharge=wanted.surcharge, chosen=chosen, budgets=budgets)


def _currency(book: Book, settings: Settings) -> str:
    present = sorted({tariff.spec.currency for tariff in book.tariffs})
    return settings.settlement_currency or (present[0] if len(present) == 1 else "money")


def _moves(tick: Tick, chosen: Chosen, told: Words) -> Iterator[Move]:
    """Safety first, each in the order of their names; told in columns, for a tick may move ten thousands."""
    board, reason_of, column_of = tick.board, chosen.reason, chosen.rooms.moved
    ordered = sorted(reason_of, key=lambda row: (reason_of[row] is not MoveReason.SAFETY, row))
    reasons = [reason_of[row] for row in ordered]
    rows = np.array(ordered, dtype=np.int64)
    columns = np.array([column_of[row] for row in ordered], dtype=np.int64)
    sources, saved = board.workloads.network.take(rows), savings(tick, rows, columns)
    for row, column, reason, source, saving, why in zip(
        ordered, columns.tolist(), reasons, sources, saved, told.moves(rows, columns, reasons), strict=True
    ):
        yield Move(
            workload=board.workloads.id[row],
            source=source,
            target=board.names[column],
            reason=reason,
            saving_per_hour=saving,
            explanation=why,
        )
