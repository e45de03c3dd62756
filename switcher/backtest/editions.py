"""Which objects were in force when, and the price lists by which a bill is made in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from switcher.backtest.kept import Kept
from switcher.backtest.record import Span
from switcher.objects.load import load_over
from switcher.objects.model import Book, PhysicalNetwork, SwitchPolicy, Tariff
from switcher.tariff.lists import ALWAYS

Item = TypeVar("Item", SwitchPolicy, Tariff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The objects that were in force from a moment on, until the next edition."""

    since: datetime
    book: Book

    def slot(self, span: Span) -> int:
        """The first that begins with it in force; the one after the last where none does."""
        return max(-((span.start - self.since) // span.slot), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Editions:
    """The objects of a period: decisions are made on those in force, bills by all that is known in the end."""

    all: tuple[Edition, ...]
    """Oldest first; the first is in force when the period starts."""
    billed: Book
    """With every price list of the time, each for as long as it was there."""

    @classmethod
    def unchanged(cls, book: Book) -> Editions:
        """One book that is in force all the time."""
        return cls(all=(Edition(since=ALWAYS, book=book),), billed=book)

    @property
    def policies(self) -> tuple[str, ...]:
        """The names of all that were ever in force, in the order in which they came."""
        return tuple(dict.fromkeys(policy.name for edition in self.all for policy in edition.book.policies))

    def had(self, contract: str, start: datetime, end: datetime) -> bool:
        """Whether some list of a contract was in force at each moment of ``[start, end)``."""
        ends = [*(edition.since for edition in self.all[1:]), end]
        during = (one for one, until in zip(self.all, ends, strict=True) if until > start and one.since < end)
        return all(any(tariff.contract == contract for tariff in one.book.tariffs) for one in during)

    def changes(self) -> Iterator[datetime]:
        """When another edition came into force."""
        return (edition.since for edition in self.all[1:])


def editions_of(base: Path | Kept, over: Sequence[Path] = ()) -> Editions:
    """The objects of a configuration, or as they were kept, with others laid over them that are in force all the time.

    Raises BadInputError with every problem of them.
    """
    if isinstance(base, Path):
        return Editions.unchanged(load_over([base], over))
    kept = (Edition(since=since, book=load_over(documents, over)) for since, documents in base.in_force)
    return Editions(all=tuple(kept), billed=load_over(base.billed, over))


def with_candidates(editions: Editions, offered: Sequence[PhysicalNetwork]) -> Editions:
    """Policies that name their candidates have the offered networks among them, all the time."""
    if not offered:
        return editions
    extended = (replace(one, book=_with_candidates(one.book, offered)) for one in editions.all)
    return replace(editions, all=tuple(extended))


def _with_candidates(book: Book, offered: Sequence[PhysicalNetwork]) -> Book:
    names = tuple(item.name for item in offered)
    policies = (
        policy if policy.spec.candidates is None else respecified(policy, candidates=_joined(policy, names))
        for policy in book.policies
    )
    return replace(book, policies=tuple(policies))


def _joined(policy: SwitchPolicy, names: Sequence[str]) -> tuple[str, ...]:
    """Its candidates with others, each once."""
    return tuple(dict.fromkeys((*(policy.spec.candidates or ()), *names)))


def respecified(item: Item, **terms: object) -> Item:
    """The object with other terms in its spec, by their names in the model; they are not checked again."""
    return item.model_copy(update={"spec": item.spec.model_copy(update=terms)})
