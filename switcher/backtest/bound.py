"""What nobody could have beaten, with all traffic and prices known: the highest of the bounds that hold for a world.

One bound holds for every set of price lists: each charge is replaced by the least that a unit can add to the bill, and
every slot is then solved with free moves under ``shed``. It is exact for prices per GB and per attachment, and low
where tiers fall, quotas are included or percentiles give slots for nothing; for those two sharper bounds are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from switcher.objects.model import Book, Charge, Fixed, Tariff, TariffSpec, Volume
from switcher.objects.tariffs import Tier
from switcher.objects.words import Direction, Each, Mode
from switcher.simulate import World
from switcher.simulate.bounds import free_moves_bound, percentile_bound, volumes_bound
from switcher.tariff.lists import by_contract, networks_of, timeline

MOST_SLOTS = 2_500
"""Of which the mixed-integer programme of tiers and quotas still proves something in its time."""
SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Money that the workloads add to the bill at least, penalties included; moves are free."""

    money: float
    exact: bool
    """Whether every price is in it as it is. Else a policy that seems far above may be near the true optimum."""
    no_room_percent: float
    """Of the traffic: what finds no room under ``shed`` even so, and counts at its cheapest price."""


def best_bound(world: World, foreign: Decimal, told: Callable[[int], None]) -> Bound | None:
    """The highest bound that holds; None where some charge may fall as traffic grows (allUnits).

    ``foreign``: the bill of the foreign load alone; ``told`` hears the number of slots done.
    """
    floor = floors(world.site.book, (world.start, world.end), world.site.physical_networks)
    if floor is None:
        return None
    lists, exact = floor
    book = replace(world.site.book, tariffs=lists)
    free = free_moves_bound(replace(world, site=replace(world.site, book=book)), told)
    others = [] if exact else list(_sharper(world, foreign))
    return Bound(money=max(free.money, *others, 0.0), exact=exact, no_room_percent=free.no_room_percent)


def _sharper(world: World, foreign: Decimal) -> Iterator[float]:
    with suppress(ValueError):  # it says for which price lists it holds
        yield float(percentile_bound(world) - foreign)
    if world.slots <= MOST_SLOTS:
        with suppress(ValueError):
            yield volumes_bound(world, SECONDS)


def floors(
    book: Book, period: tuple[datetime, datetime], networks: Collection[str]
) -> tuple[tuple[Tariff, ...], bool] | None:
    """Price lists of the least that anything adds, one after the other in time, and whether they are exact.

    Contracts of none of these physical networks do not matter: what they cost is the same in every row.
    """
    found, exact = [], True
    for lists in by_contract(book.tariffs).values():
        if not networks_of(lists) & set(networks):
            continue
        for number, stretch in enumerate(timeline(lists, *period)):
            if stretch.tariff is None:
                continue
            spec = stretch.tariff.spec
            if any(_may_fall(charge) for charge in spec.charges):
                return None
            charges = tuple(floor for charge in spec.charges if (floor := _floor(charge, bounded=_bounded(spec))))
            exact &= charges == tuple(charge for charge in spec.charges if not _due_anyway(charge))
            found.append(_list_of(stretch.tariff, number, charges, (stretch.start, stretch.end)))
    return tuple(found), exact


def _list_of(tariff: Tariff, number: int, charges: tuple[Charge, ...], valid: tuple[datetime, datetime]) -> Tariff:
    """The list with other charges, for a time in which no other list of its contract is valid."""
    spec = tariff.spec.model_copy(
        update={
            "contract": tariff.contract,
            "valid_from": valid[0],
            "valid_to": valid[1],
            "recorded_at": None,
            "charges": charges,
            "minimum": None,
            "maximum": None,
        }
    )
    metadata = tariff.metadata.model_copy(update={"name": f"{tariff.name}-{number}"})
    return tariff.model_copy(update={"metadata": metadata, "spec": spec})


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
    if volume.mode is Mode.STEP_FEE:
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
