"""The choice itself: values in, a value out, the same in whatever order the candidates come. Pure.

What the pod or the node objects to is out. The rest stand in three classes: ranked by the controller, with room; known
to the node's own counters; known to nobody. The first of the best class is chosen. Networks to which attaching failed
lately, or whose last addresses are on their way, come after all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from cni.smart.model import Candidate, Choice, LeftOut, NoNetworkError, Objection, Source, Word
from cni.smart.objections import objections, same
from cni.smart.outlook import Outlook
from cni.smart.questionnaire import Questionnaire
from cni.smart.words import age, money, rate


class _Grade(IntEnum):
    """How well a candidate is known, best first."""

    RANKED = 0
    COUNTED = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a candidate stands among the others: ``key`` within its grade, ties by name."""

    candidate: Candidate
    avoided: Objection | None
    grade: _Grade
    key: tuple[Any, ...]
    figures: str
    """What the key is, for people."""

    @property
    def order(self) -> tuple[Any, ...]:
        return self.avoided is not None, self.grade, self.key, self.candidate.network


def pick(asked: Questionnaire, candidates: Sequence[Candidate], outlook: Outlook) -> Choice:
    """The network for a new workload. Raises NoNetworkError when none may be chosen."""
    known = {candidate.network: candidate for candidate in candidates}
    against = {name: objections(asked, candidate, outlook) for name, candidate in known.items()}
    out = [LeftOut(network=name, objections=why) for name, why in against.items() if why]
    out += _never_heard_of(asked, known)
    places = [_place(asked, known[name], outlook) for name, why in against.items() if not why]
    if not places:
        raise NoNetworkError(_by_name(out))
    best, *others = sorted(places, key=lambda place: place.order)
    out += [LeftOut(network=other.candidate.network, objections=(_behind(other, best, outlook),)) for other in others]
    return Choice(
        network=best.candidate.network,
        physical_network=best.candidate.physical_network,
        reason=_reason(best, outlook),
        source=_source(best, outlook),
        age_seconds=outlook.age_seconds,
        demand_bps=asked.demand_bps or outlook.demand_bps,
        left_out=_by_name(out),
    )


def _by_name(out: Sequence[LeftOut]) -> tuple[LeftOut, ...]:
    return tuple(sorted(out, key=lambda other: other.network))


def _never_heard_of(asked: Questionnaire, known: Mapping[str, Candidate]) -> Iterator[LeftOut]:
    """Networks that are asked for by name and not on this node: a misspelt name must be seen."""
    for name in sorted(set(asked.networks or ())):
        if not any(same(name, network) for network in known):
            why = Objection(Word.NOT_INSTALLED, "this node has no configuration for it")
            yield LeftOut(network=name, objections=(why,))


def _place(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> _Place:
    demand = asked.demand_bps or outlook.demand_bps
    grade, key, figures = (
        _ranked(asked, candidate, outlook, demand)
        or _counted(candidate, outlook, demand)
        or _unknown(candidate, outlook)
    )
    avoided = outlook.avoided(candidate)
    return _Place(candidate=candidate, avoided=avoided, grade=grade, key=key, figures=figures)


_Standing = tuple[_Grade, tuple[Any, ...], str]


def _ranked(asked: Questionnaire, candidate: Candidate, outlook: Outlook, demand: float) -> _Standing | None:
    """By its rank; by its cost where the pod says what it will carry: the ranks are for what is expected of others."""
    entry, room = outlook.entry(candidate), outlook.room(candidate)
    price, cost = outlook.price_per_hour(candidate, demand), outlook.cost(candidate, demand)
    if entry is None or entry.rank is None or room is None or price is None or cost is None or room < demand:
        return None
    congestion = f" and {money(cost - price)} for congestion" if cost > price else ""
    figures = f"{money(price)} {outlook.currency} per hour{congestion}, room for {rate(room)}"
    return _Grade.RANKED, (entry.rank if asked.demand_bps is None else cost,), figures


def _counted(candidate: Candidate, outlook: Outlook, demand: float) -> _Standing | None:
    """By the use of its uplink in whole percents; then by free addresses, those that are not known last."""
    used = outlook.utilisation(candidate, demand)
    if used is None:
        return None
    return _Grade.COUNTED, (round(used * 100), *_scarcity(candidate, outlook)), f"uplink used by {used:.0%}"


def _unknown(candidate: Candidate, outlook: Outlook) -> _Standing:
    """The node's default first."""
    key = candidate.network != outlook.default, *_scarcity(candidate, outlook)
    return _Grade.UNKNOWN, key, "the use of its uplink is not known"


def _scarcity(candidate: Candidate, outlook: Outlook) -> tuple[bool, int]:
    free = outlook.free(candidate)
    return free is None, -(free or 0)


def _source(best: _Place, outlook: Outlook) -> Source:
    if best.grade is _Grade.RANKED:
        return Source.RANKING
    if best.grade is _Grade.UNKNOWN and best.candidate.network == outlook.default:
        return Source.DEFAULT
    return Source.COUNTERS


def _reason(best: _Place, outlook: Outlook) -> str:
    old = "" if outlook.age_seconds is None else age(outlook.age_seconds)
    match _source(best, outlook):
        case Source.RANKING:
            return f"best with room in the ranking of {old} ago: {best.figures}"
        case Source.COUNTERS:
            return f"{_why_not_ranked(outlook, old)}; best by the node's own counters: {best.figures}"
        case Source.DEFAULT:
            return f"{_why_not_ranked(outlook, old)}, and no counters: the node's default network"


def _why_not_ranked(outlook: Outlook, old: str) -> str:
    if outlook.ranking is not None:
        return f"the ranking of {old} ago has none that fits"
    return f"the last ranking is {old} old" if old else "no ranking came from the controller"


def _behind(other: _Place, best: _Place, outlook: Outlook) -> Objection:
    """Why not this one, which nothing stands against."""
    if other.avoided is not None and best.avoided is None:
        return other.avoided
    entry = outlook.entry(other.candidate)
    if other.grade is best.grade or best.grade is not _Grade.RANKED:
        return Objection(Word.BEHIND, other.figures)
    if entry is not None and entry.rank is not None:
        return Objection(Word.NO_CAPACITY, f"ranked {entry.rank}, but what room it had is given away")
    return Objection(Word.NOT_RANKED, "not in the ranking" if entry is None else f"the controller says {entry.reason}")
