"""The bill of a period from raw documents: entries rounded once, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from switcher.tariff import Sample, Stay
from tests.oracle import clock
from tests.oracle.account import Account, Span, Spec, moment, winner
from tests.oracle.charges import ZERO, amount

DIGITS = {"JPY": 0, "KWD": 3}


class NoBill(Exception):  # noqa: N818 # an answer, not a fault
    """The inputs must be refused."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked for; every edge of lists, rows and the period lies on the grid of ``step``."""

    documents: Sequence[Mapping[str, Any]]
    rows: Sequence[Sample]
    period: Span
    step: timedelta
    stays: Sequence[Stay] | None = None
    known_at: datetime | None = None
    settlement: str | None = None


@dataclass(frozen=True)
class Due:
    """One contract in one billing period."""

    contract: str
    start: datetime
    exact: Fraction
    rounded: Fraction


def bill(question: Question) -> list[Due]:
    """Every entry. Raises NoBill where the text says that the inputs are refused."""
    contracts: dict[str, list[Spec]] = {}
    for document in question.documents:
        spec = written(document["spec"])
        if document["kind"] == "Tariff" and _known(spec, question.known_at):
            contracts.setdefault(contract_of(document), []).append(spec)
    accounts = {name: list(_accounts(lists, question)) for name, lists in contracts.items()}
    _refuse(contracts, [one for each in accounts.values() for one in each], question)
    return [_due(name, one, question) for name, each in sorted(accounts.items()) for one in each if one.used]


def contract_of(document: Mapping[str, Any]) -> str:
    """Its own, or the object's name."""
    return str(document["spec"].get("contract") or document.get("metadata", {}).get("name"))


def written(value: Any) -> Any:
    """What is written; a field that is null is as good as absent."""
    if isinstance(value, Mapping):
        return {key: written(each) for key, each in value.items() if each is not None}
    return [written(each) for each in value] if isinstance(value, list) else value


def _known(spec: Spec, known_at: datetime | None) -> bool:
    return known_at is None or "recordedAt" not in spec or moment(spec["recordedAt"]) <= known_at


def _accounts(lists: Sequence[Spec], question: Question) -> Iterator[Account]:
    at = question.period[0]
    while at < question.period[1]:
        whole = clock.period(lists[0]["billingPeriod"], lists[0].get("timezone", "UTC"), at)
        yield Account(
            lists=lists,
            whole=whole,
            billed=(max(whole[0], question.period[0]), min(whole[1], question.period[1])),
            step=question.step,
            rows=question.rows,
            stays=question.stays or (),
        )
        at = whole[1]


def _due(contract: str, account: Account, question: Question) -> Due:
    each = [(spec, sum((amount(account, spec, charge) for charge in spec["charges"]), ZERO)) for spec in account.used]
    exact = sum((due for _, due in each), ZERO)
    exact = max(exact, sum((account.of_period(spec) * Fraction(spec.get("minimum", 0)) for spec, _ in each), ZERO))
    if any("maximum" in spec for spec, _ in each):
        limits = [
            account.of_period(spec) * Fraction(spec["maximum"]) if "maximum" in spec else due for spec, due in each
        ]
        exact = min(exact, sum(limits, ZERO))
    currency = account.lists[0]["currency"]
    target = question.settlement or currency
    exact *= _rate(question, currency, target, account)
    digits = DIGITS.get(target, 2)
    return Due(contract, account.billed[0], exact, Fraction(floor(exact * 10**digits + Fraction(1, 2)), 10**digits))


def _rate(question: Question, source: str, target: str, account: Account) -> Fraction:
    if source == target:
        return Fraction(1)
    zone = ZoneInfo(account.lists[0].get("timezone", "UTC"))
    last = (account.whole[1] - timedelta(seconds=1)).astimezone(zone).date().isoformat()
    specs = [one["spec"] for one in question.documents if one["kind"] == "ExchangeRate"]
    dated = [one for one in specs if (one["from"], one["to"]) == (source, target) and str(one["date"]) <= last]
    if not dated:
        raise NoBill(f"no rate from {source} to {target}")
    return Fraction(max(dated, key=lambda one: str(one["date"]))["rate"])


# --- refusals ------------------------------------------------------------------------------------


def _refuse(contracts: Mapping[str, Sequence[Spec]], accounts: Sequence[Account], question: Question) -> None:
    if not contracts:
        raise NoBill("no tariff")
    if len({account.lists[0]["currency"] for account in accounts if account.used}) > 1 and not question.settlement:
        raise NoBill("several currencies")
    for account in accounts:
        for spec in account.used:
            _refuse_lacking(account, spec, question)
    _refuse_gaps(contracts, question)
    spans = [account.whole for account in accounts]
    _refuse_classes(contracts, (min(s for s, _ in spans), max(e for _, e in spans)), question)


def _refuse_lacking(account: Account, spec: Spec, question: Question) -> None:
    each = {charge["fixed"].get("each") for charge in spec["charges"] if "fixed" in charge}
    if "attachment" in each and question.stays is None:
        raise NoBill("no attachments")
    rows = [row for parts in account.parts for row, _ in parts]
    if "node" in each and any(row.node is None and row.network in spec["physicalNetworks"] for row in rows):
        raise NoBill("no node")


def _refuse_gaps(contracts: Mapping[str, Sequence[Spec]], question: Question) -> None:
    """A time in which something flows or is attached on a network of a contract that has no list then."""
    at = question.period[0]
    used = [*(row for row in question.rows if row.bytes), *(question.stays or ())]
    while at < question.period[1]:
        for network in {one.network for one in used if one.start < at + question.step and one.end > at}:
            naming = [
                lists for lists in contracts.values() if any(network in spec["physicalNetworks"] for spec in lists)
            ]
            valid = [winner(lists, at) for lists in naming]
            if naming and (None in valid or not any(spec and network in spec["physicalNetworks"] for spec in valid)):
                raise NoBill(f"no price of {network} at {at}")
        at += question.step


def _refuse_classes(contracts: Mapping[str, Sequence[Spec]], wide: Span, question: Question) -> None:
    """A row of a class that no charge counts, or without one where a charge needs it."""
    for row in question.rows:
        at = max(row.start, wide[0])
        while at < min(row.end, wide[1]):
            valid = [winner(lists, at) for lists in contracts.values()]
            classes = {
                charge[kind].get("destination")
                for spec in valid
                if spec and row.network in spec["physicalNetworks"]
                for charge in spec["charges"]
                for kind in ("volume", "percentile", "quota")
                if kind in charge
            }
            lacks = row.destination is None and classes != {None}
            unknown = row.destination not in classes and None not in classes
            if classes and (lacks or unknown):
                raise NoBill(f"class {row.destination} of {row.network}")
            at += question.step
