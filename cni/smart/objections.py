"""What stands against a candidate: the node's own state, and what the pod asks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from cni.smart.model import Candidate, Objection, Word
from cni.smart.outlook import Outlook
from cni.smart.questionnaire import Questionnaire
from cni.smart.words import money, rate

PREFIX = "cni:"


def objections(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> tuple[Objection, ...]:
    """Everything that stands against it, so that people see all they must change; nothing: it may be chosen."""
    checks: tuple[Check, ...] = (_named, _node, _capacity, _sla, _price, _busy, _slow, _room)
    return tuple(objection for check in checks for objection in check(asked, candidate, outlook))


def same(name: str, network: str) -> bool:
    """Whether what a user wrote, ``blue`` or ``cni:blue``, means the network."""
    return network in (name, f"{PREFIX}{name}")


Check = Callable[[Questionnaire, Candidate, Outlook], Iterator[Objection]]


def _named(asked: Questionnaire, candidate: Candidate, _outlook: Outlook) -> Iterator[Objection]:
    if asked.networks is not None and not any(same(name, candidate.network) for name in asked.networks):
        yield Objection(Word.NOT_ASKED, "it is not among the networks asked for")
    if any(same(name, candidate.network) for name in asked.exclude):
        yield Objection(Word.NOT_ASKED, "it is excluded")


def _node(_asked: Questionnaire, candidate: Candidate, _outlook: Outlook) -> Iterator[Objection]:
    if candidate.missing:
        yield Objection(Word.NOT_INSTALLED, f"plugin {', '.join(candidate.missing)} is not installed on this node")
    if candidate.uplink_up is False:
        yield Objection(Word.UPLINK_DOWN, f"the uplink of {candidate.physical_network} is down or missing")
    # Addresses on their way do not count here: some of them are taken already, and a pod must not fail for them.
    if candidate.free_addresses is not None and candidate.free_addresses <= 0:
        yield Objection(Word.NO_ADDRESS, "no address is free")


def _capacity(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> Iterator[Objection]:
    if asked.min_capacity_bps is None:
        return
    capacity = outlook.capacity(candidate)
    if capacity is None:
        yield Objection(Word.TOO_SMALL, "its capacity is not known, and minCapacity is asked")
    elif capacity < asked.min_capacity_bps:
        yield Objection(Word.TOO_SMALL, f"its capacity of {rate(capacity)} is below {rate(asked.min_capacity_bps)}")


def _sla(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> Iterator[Objection]:
    if asked.min_sla is None:
        return
    sla = outlook.sla(candidate)
    if sla is None:
        yield Objection(Word.SLA_TOO_LOW, "its SLA is not known, and minSla is asked")
    elif sla < asked.min_sla:
        yield Objection(Word.SLA_TOO_LOW, f"its SLA of {sla} % is below {asked.min_sla} %")


def _price(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> Iterator[Objection]:
    demand = asked.demand_bps or outlook.demand_bps
    limits: tuple[tuple[str, Decimal | None, Decimal | None], ...] = (
        ("hour", asked.max_price_per_hour, outlook.price_per_hour(candidate, demand)),
        ("GB", asked.max_price_per_gb, outlook.price_per_gb(candidate)),
    )
    for unit, limit, price in limits:
        if limit is None:
            continue
        if price is None:
            why = "" if outlook.ranking is not None else "; the controller sent no ranking lately"
            yield Objection(Word.UNKNOWN_PRICE, f"its price per {unit} is not known, and a limit is asked{why}")
        elif price > limit:
            yield Objection(Word.TOO_DEAR, f"its price of {money(price)} per {unit} is above {money(limit)}")


def _busy(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> Iterator[Objection]:
    if asked.max_utilisation is None:
        return
    used = outlook.utilisation(candidate, asked.demand_bps or outlook.demand_bps)
    if used is None:
        yield Objection(Word.TOO_BUSY, "its utilisation is not known, and maxUtilisation is asked")
    elif used > asked.max_utilisation:
        yield Objection(Word.TOO_BUSY, f"it would be used by {used:.0%}, above {float(asked.max_utilisation):.0%}")


def _slow(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> Iterator[Objection]:
    if asked.max_latency_ms is None:
        return
    latency = outlook.latency_ms(candidate)
    if latency is None:
        yield Objection(Word.TOO_SLOW, "its latency is not known, and maxLatency is asked")
    elif latency > asked.max_latency_ms:
        yield Objection(Word.TOO_SLOW, f"its latency of {latency:g} ms is above {asked.max_latency_ms:g} ms")


def _room(asked: Questionnaire, candidate: Candidate, outlook: Outlook) -> Iterator[Objection]:
    """Only for a demand that the pod states: one that is merely assumed keeps no pod from starting."""
    if asked.demand_bps is None:
        return
    room = outlook.room(candidate)
    if room is not None and room < asked.demand_bps:
        yield Objection(Word.NO_CAPACITY, f"it has room for {rate(max(room, 0.0))}, not for {rate(asked.demand_bps)}")
