"""What nobody could have beaten, with all traffic and prices known: the highest of the bounds that hold for a world.

One bound holds for every set of price lists: each charge is replaced by the least that a unit can add to the bill, and
every slot is then solved with free moves under ``shed``. It is exact for prices per GB and per attachment, and low
where tiers fall, quotas are included or percentiles give slots for nothing; for those sharper bounds are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from switcher.backtest.editions import respecified
from switcher.objects.charges import Quota
from switcher.objects.model import Book, Charge, Fixed, Tariff, TariffSpec, Volume
from switcher.objects.prices import Tier
from switcher.objects.words import Direction, Each, Mode
from switcher.simulate import World
from switcher.simulate.bounds import Metered, free_moves_bound, percentile_bound, totals_bound
from switcher.tariff import Invoice, billing_period
from switcher.tariff.lists import by_contract, networks_of, timeline
from switcher.tariff.periods import Span, micros

MOST_SLOTS = 2_500
"""Of which the mixed-integer programme of tiers and quotas still proves something in its time."""
SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Money that the workloads add to the bill at least, penalties included; moves are free."""

    money: float
    """Below zero where their traffic may earn the foreign load a discount."""
    exact: bool
    """Whether every price is in it as it is. Else a policy that seems far above may be near the true optimum."""
    no_room_percent: float
    """Of the traffic: what finds no room under ``shed`` even so, and counts at its cheapest price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """Price lists of the least that anything adds, one after the other in time."""

    lists: tuple[Tariff, ...]
    exact: bool
    """Whether they are the lists themselves, but for what is due anyway."""
    falling: frozenset[tuple[str, str]]
    """(contract, charge) that more traffic may make smaller: at most by what the foreign load pays of it."""


def best_bound(world: World, foreign: Invoice, told: Callable[[int], None]) -> Bound:
    """The highest bound that holds.

    ``foreign``: the bill of the foreign load alone; ``told`` hears the number of slots done.
    """
    book, period, networks = world.site.book, (world.start, world.end), world.site.physical_networks
    found = floors(book, period, networks)
    free = free_moves_bound(_with(world, found.lists), told)
    others = [] if found.exact else list(_sharper(world, foreign))
    least = [] if found.falling else [0.0]
    money = max([free.money - _lost(found, foreign), *others, *least])
    return Bound(money=money, exact=found.exact, no_room_percent=free.no_room_percent)


def _with(world: World, lists: tuple[Tariff, ...]) -> World:
    return replace(world, site=replace(world.site, book=replace(world.site.book, tariffs=lists)))


def _lost(found: Floors, foreign: Invoice) -> float:
    """What the bill of the foreign load may fall by: no charge is below nothing."""
    amounts = (
        line.amount * entry.rate
        for entry in foreign.entries
        for line in entry.lines
        if (entry.contract, line.charge) in found.falling
    )
    return float(sum(amounts, Decimal(0)))


def _sharper(world: World, foreign: Invoice) -> Iterator[float]:
    period = world.start, world.end
    lists = _unchanging(world.site.book, period)
    if all(charge.destination is None for tariff in lists for charge in tariff.spec.metered):
        with suppress(ValueError):  # it says for which price lists it holds
            yield float(percentile_bound(_with(world, lists)) - foreign.total)
    counted = dict(_metered(world.site.book, period))
    rest = floors(world.site.book, period, world.site.physical_networks, counted)
    if counted and world.slots <= MOST_SLOTS:
        with suppress(ValueError):
            yield totals_bound(_with(world, rest.lists), list(counted.values()), SECONDS) - _lost(rest, foreign)


def _unchanging(book: Book, period: Span) -> tuple[Tariff, ...]:
    """The list of each contract that counts all the time; none at all where another one does for a part of it."""
    stretches = [stretch for lists in by_contract(book.tariffs).values() for stretch in timeline(lists, *period)]
    found = tuple(stretch.tariff for stretch in stretches if stretch.tariff is not None)
    whole = all((stretch.start, stretch.end) == period for stretch in stretches)
    return found if whole and len(found) == len(stretches) else ()


def floors(book: Book, period: Span, networks: Collection[str], without: Collection[tuple[str, str]] = ()) -> Floors:
    """The floors of all charges but those of ``without``, (contract, charge).

    Contracts of none of these physical networks do not matter: what they cost is the same in every row.
    """
    found, exact, falling = [], True, set[tuple[str, str]]()
    for contract, lists in by_contract(book.tariffs).items():
        if not networks_of(lists) & set(networks):
            continue
        for number, stretch in enumerate(timeline(lists, *period)):
            if stretch.tariff is None:
                continue
            spec = stretch.tariff.spec
            charges = [charge for charge in spec.charges if (contract, charge.name) not in without]
            falling |= {(contract, charge.name) for charge in charges if _may_fall(charge)}
            least = tuple(floor for charge in charges if (floor := _floor(charge, bounded=_bounded(spec))))
            exact &= least == tuple(charge for charge in charges if not _due_anyway(charge))
            found.append(_list_of(stretch.tariff, number, least, (stretch.start, stretch.end)))
    return Floors(lists=tuple(found), exact=exact, falling=frozenset(falling))


def _metered(book: Book, period: Span) -> Iterator[tuple[tuple[str, str], Metered]]:
    """The charges on a total that can be taken as they are: of contracts with one list in one billing period."""
    for contract, lists in by_contract(book.tariffs).items():
        stretches = timeline(lists, *period)
        tariff, whole = stretches[0].tariff, billing_period(lists[0], period[0])
        if len(stretches) > 1 or tariff is None or period[1] > whole[1] or _bounded(tariff.spec):
            continue
        part = Decimal(micros(period[1] - period[0])) / micros(whole[1] - whole[0])
        for charge in tariff.spec.charges:
            counted = charge.volume or charge.quota
            if counted is not None and _is_plain(counted):
                networks = tuple(tariff.spec.physical_networks)
                yield (contract, charge.name), Metered(charge=counted, networks=networks, part=part)


def _is_plain(charge: Volume | Quota) -> bool:
    """Whether only the total in one direction, or in both, of a class or of all, says what it costs."""
    if charge.schedule or charge.direction is Direction.MAX:
        return False
    if isinstance(charge, Quota):
        return not charge.beyond.stop and charge.beyond.throttle is None
    several = len(charge.tiers) > 1 or charge.mode is not Mode.GRADUATED
    return several and charge.minimum is None and charge.maximum is None


def _list_of(tariff: Tariff, number: int, charges: tuple[Charge, ...], valid: tuple[datetime, datetime]) -> Tariff:
    """The list with other charges, for a time in which no other list of its contract is valid."""
    terms = {"contract": tariff.contract, "charges": charges, "recorded_at": None, "minimum": None, "maximum": None}
    alone = respecified(tariff, valid_from=valid[0], valid_to=valid[1], **terms)
    metadata = tariff.metadata.model_copy(update={"name": f"{tariff.name}-{number}"})
    return alone.model_copy(update={"metadata": metadata})


def _bounded(spec: TariffSpec) -> bool:
    """With a minimum or a maximum of the bill, traffic may add nothing."""
    return spec.minimum is not None or spec.maximum is not None


def _may_fall(charge: Charge) -> bool:
    """Whether a unit more may make the bill smaller: all units at the price of the tier reached, or a smaller fee."""
    metered = charge.volume or charge.percentile
    if metered is None or metered.mode is Mode.GRADUATED:
        return False
    fees = [tier.price for tier in metered.tiers]
    return len(fees) > 1 and (metered.mode is Mode.ALL_UNITS or fees != sorted(fees))


def _due_anyway(charge: Charge) -> bool:
    """Due for a network or a node, used or not: foreign load or nobody pays it, and it is in every bill alike."""
    return charge.fixed is not None and charge.fixed.each is not Each.ATTACHMENT


def _floor(charge: Charge, *, bounded: bool) -> Charge | None:
    """A charge of at most what this one adds; None: it may add nothing."""
    if bounded:
        return None
    if charge.fixed is not None and charge.fixed.each is Each.ATTACHMENT:
        return charge.model_copy(update={"fixed": _least_fixed(charge.fixed)})
    volume = charge.volume
    if volume is None or volume.minimum or volume.maximum is not None or volume.direction is Direction.MAX:
        return None
    if volume.mode is Mode.STEP_FEE or _may_fall(charge):
        return None
    return charge.model_copy(update={"volume": _least_volume(volume)})


def _least_fixed(fixed: Fixed) -> Fixed:
    least = min([Decimal(1), *(nth.multiply for nth in fixed.nth)])
    return fixed.model_copy(update={"price": fixed.price * least, "nth": ()}) if fixed.nth else fixed


def _least_volume(volume: Volume) -> Volume:
    """Every unit at the price of the cheapest tier."""
    if len(volume.tiers) == 1:
        return volume
    least = Tier(price=min(tier.price for tier in volume.tiers))
    return volume.model_copy(update={"tiers": (least,), "mode": Mode.GRADUATED})
