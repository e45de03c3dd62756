"""A past tick decided again from its record alone, and whether the answer is the same. Pure.

Nothing of today enters: the inputs, the objects in force, the settings and the answer are all in the record. What can
differ is the program: a record names the versions that decided it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from switcher.decide import decide
from switcher.errors import SwitcherError
from switcher.model import Decision, Memory, Move, Snapshot
from switcher.ports import RecordedDecision
from switcher.snapshots import from_json
from switcher.terms import Terms, versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the record says and what is decided now; None: nothing of this workload."""

    workload: str
    recorded: str | None
    now: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of deciding a record again."""

    at: datetime
    recorded: Decision
    differences: tuple[Difference, ...]
    """By workload; then what else differs, under a name in brackets."""
    then: Mapping[str, str]
    """The versions that decided the record."""
    now: Mapping[str, str]

    @property
    def agrees(self) -> bool:
        """Whether the answer is the same."""
        return not self.differences

    @property
    def other_versions(self) -> Mapping[str, tuple[str | None, str | None]]:
        """By name: (then, now), of those that differ."""
        names = sorted({*self.then, *self.now})
        pairs = {name: (self.then.get(name), self.now.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def replay(recorded: RecordedDecision) -> Verdict:
    """Decide a record again. Raises SwitcherError when the record cannot be decided again, with the reason."""
    snapshot, memory, terms = opened(recorded)
    again = decide(snapshot, memory, terms.book(), terms.settings)
    return Verdict(
        at=recorded.at,
        recorded=recorded.decision,
        differences=differences(recorded.decision, again),
        then=terms.versions,
        now=versions(),
    )


def opened(recorded: RecordedDecision) -> tuple[Snapshot, Memory, Terms]:
    """All that a record was decided on. Raises SwitcherError when it does not hold it or cannot be read."""
    moment = recorded.at.isoformat()
    if recorded.terms is None:
        raise SwitcherError(
            f"the decision of {moment} was recorded without the objects and settings that it was taken on"
            " (by a version before the decision log): it can be read, but not decided again"
        )
    try:
        return *from_json(recorded.inputs), recorded.terms
    except msgspec.MsgspecError as error:
        raise SwitcherError(f"this version cannot read the inputs of the decision of {moment}: {error}") from error


def differences(recorded: Decision, again: Decision) -> tuple[Difference, ...]:
    """What the two say differently, by workload."""
    then, now = _said(recorded), _said(again)
    found = [
        Difference(workload=name, recorded=then.get(name), now=now.get(name))
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    surcharges = _surcharges(recorded), _surcharges(again)
    if surcharges[0] != surcharges[1]:
        found.append(Difference(workload="(surcharge)", recorded=surcharges[0], now=surcharges[1]))
    return tuple(found)


def _said(decision: Decision) -> Mapping[str, str]:
    """By workload, the whole answer as one text; the reasons of those that stay, for their texts follow from them."""
    moves = {move.workload: _move(move) for move in decision.moves}
    return moves | {stay.workload: f"stays on {stay.network}: {stay.reason}" for stay in decision.stays}


def _move(move: Move) -> str:
    saving = format(move.saving_per_hour, "f")
    return f"{move.reason}: {move.source} -> {move.target}, saving {saving} per hour ({move.explanation})"


def _surcharges(decision: Decision) -> str:
    return ", ".join(f"{name} {price:f}" for name, price in sorted(decision.surcharge.items()))
