"""Hours of spending, by contract and in all, are the bills: pools, foreign load, discounts, lists that take over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from switcher.model import Memory, Snapshot, Usage
from switcher.objects.model import Book
from switcher.shares import by_contract, by_workload
from switcher.spending import Market, added, spending
from switcher.tariff import Sample, Stay, bill, running_periods
from tests.unit.pricing import at, book, fixed, percentile, quota, rate, tariff, volume
from tests.unit.steady import HOUR, Load, ledgers, uplink, workloads
from tests.unit.test_spending_bill import amounts, directions, tiers

START, HOURS = at("2026-12-01"), 24
PERIOD = START, START + timedelta(hours=HOURS)
CENT = Decimal("0.01")
MBPS = 10**6
UPLINKS = (("p", "n1"), ("q", "n1"), ("q", "n2"))
Loads = tuple[tuple[str, str, Load], ...]
"""Physical network, node, load."""
NIGHT = [{"from": "22:00", "to": "06:00", "multiply": "0.4"}]


@st.composite
def charges(draw: st.DrawFn) -> dict[str, Any]:
    """Of every kind, with all that its kind may have."""
    match draw(st.sampled_from(["fixed", "volume", "percentile", "quota"])):
        case "fixed":
            per = draw(st.sampled_from(["hour", "day", "month"]))
            more: dict[str, Any] = {"schedule": NIGHT} if per == "hour" and draw(st.booleans()) else {}
            each = draw(st.sampled_from(["network", "node", "attachment", "attachment"]))
            if each != "network" and draw(st.booleans()):
                more["nth"] = [{"from": 2, "multiply": "0.5"}, {"from": 4, "multiply": "0.1"}]
            return fixed(draw(amounts), per=per, each=each, **more)
        case "volume":
            mode = draw(st.sampled_from(["graduated", "allUnits", "stepFee"]))
            more = {"schedule": NIGHT} if mode == "graduated" and draw(st.booleans()) else {}
            low, high = sorted(draw(st.tuples(st.integers(0, 500), st.integers(1, 1500))))
            limits = {"minimum": str(low), "maximum": str(max(high, 1))}
            kept = draw(st.lists(st.sampled_from(sorted(limits)), unique=True))
            return volume(
                *draw(tiers()), direction=draw(directions), mode=mode, **more, **{name: limits[name] for name in kept}
            )
        case "percentile":
            steps = [{"upTo": top, "price": price} if top else {"price": price} for top, price in draw(tiers())]
            mode = draw(st.sampled_from(["graduated", "allUnits", "stepFee"]))
            more = {"overage": draw(amounts)} if draw(st.booleans()) else {}
            way = draw(st.sampled_from(["in", "out", "sum", "max", "maxOfPercentiles"]))
            commit = draw(st.sampled_from(["0", "5", "500"]))
            return percentile(None, direction=way, tiers=steps, mode=mode, commit=commit, **more)
        case _:
            beyond = draw(st.sampled_from([{"block": "50", "price": "25"}, {"overage": "0.5"}]))
            more = {"schedule": NIGHT} if "overage" in beyond and draw(st.booleans()) else {}
            return quota(str(draw(st.integers(0, 500))), draw(amounts), beyond, direction=draw(directions), **more)


def dearer(charge: dict[str, Any]) -> dict[str, Any]:
    """The same charge at other prices."""
    kind, fields = next(iter(charge.items()))
    if kind == "quota":
        return {kind: {**fields, "price": "7.77", "included": "123"}}
    if "price" in fields:
        return {kind: {**fields, "price": "3.33"}}
    return {
        kind: {**fields, "tiers": [{**step, "price": f"{number}.11"} for number, step in enumerate(fields["tiers"])]}
    }


@st.composite
def contracts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One of a pool, bounded or with a list that takes over within the day; and perhaps one of ``q`` alone beside it.

    Bounds go by a forecast, which takes what has flowed at the present list's plain prices (docs/tariffs.md).
    """
    day: dict[str, Any] = {"billingPeriod": {"unit": "day"}}
    pool: dict[str, Any] = {"physicalNetworks": ["p", "q"], **day}
    some = draw(st.lists(charges(), min_size=1, max_size=3))
    found = []
    if draw(st.booleans()):
        low, high = sorted(draw(st.tuples(st.integers(0, 60_000), st.integers(0, 60_000))))
        limits = {"minimum": str(low), "maximum": str(high)}
        kept = {name: limits[name] for name in draw(st.lists(st.sampled_from(sorted(limits)), unique=True, min_size=1))}
        found.append(tariff(*map(plain, some), name="t", **pool, **kept))
    else:
        hour = draw(st.integers(1, HOURS - 1))
        found.append(tariff(*some, name="t", **pool))
        later = {"validFrom": f"2026-12-01T{hour:02}:00:00Z", "contract": "t"}
        found.append(tariff(*map(dearer, some), name="t2", **pool, **later))
    if draw(st.booleans()):
        found.append(tariff(draw(charges()), name="u", physicalNetworks=["q"], **day))
    return found


def plain(charge: dict[str, Any]) -> dict[str, Any]:
    """The same charge at all hours."""
    return {kind: {key: value for key, value in fields.items() if key != "schedule"} for kind, fields in charge.items()}


loads = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (pair[0] * MBPS, pair[1] * MBPS))
placed = st.tuples(st.sampled_from(UPLINKS), loads).map(lambda pair: (*pair[0], pair[1]))
ours = st.lists(placed, min_size=1, max_size=4).map(tuple)
foreign = st.lists(placed, max_size=2).map(tuple)


def carried(network: str, *all_: Loads) -> Load:
    """All that is on a physical network, in and out."""
    on = [load for each in all_ for name, _, load in each if name == network]
    return sum(load[0] for load in on), sum(load[1] for load in on)


def on_uplink(uplink: tuple[str, str], *all_: Loads) -> Load:
    """All that is on a physical network of one node."""
    return carried(uplink[0], *(tuple(each for each in loads if each[1] == uplink[1]) for loads in all_))


def both(networks: tuple[str, ...], *all_: Loads) -> Load:
    each = [carried(name, *all_) for name in networks]
    return sum(load[0] for load in each), sum(load[1] for load in each)


def market(prices: Book, hour: int, mine: Loads, theirs: Loads) -> Market:
    """The site so many hours into the period."""
    now = START + hour * HOUR
    usage = {}
    for running in running_periods(prices, now):
        into, out = (Decimal(each) * hour * 3600 / 8 for each in both(running.physical_networks, mine, theirs))
        counted = Usage(in_bytes=into, out_bytes=out)
        usage |= {(name, running.contract): counted for name in running.physical_networks}
    networks = tuple(uplink(*each, on_uplink(each, mine, theirs), now) for each in UPLINKS)
    memory = Memory(usage=usage, ledgers=ledgers(prices, lambda names: both(names, mine, theirs)))
    return Market(Snapshot(now=now, networks=networks, workloads=workloads(mine)), memory, prices, None)


def due(prices: Book, mine: Loads, theirs: Loads) -> Mapping[str, Decimal]:
    """The day's bill by contract."""
    rows = [
        Sample(start=PERIOD[0], end=PERIOD[1], network=name, direction=direction, bytes=amount, node=node)
        for name, node in UPLINKS
        for side, direction in enumerate(("in", "out"))
        for load in [
            sum(
                load[side]
                for each in (mine, theirs)
                for network, where, load in each
                if (network, where) == (name, node)
            )
        ]
        for amount in [Decimal(load) * HOURS * 3600 / 8]
    ]
    stays = [
        Stay(attachment=f"w{number}", network=name, start=PERIOD[0], end=PERIOD[1])
        for number, (name, _, _) in enumerate(mine)
    ]
    return {entry.contract: entry.total for entry in bill(prices.tariffs, rows, PERIOD, stays).entries}


PORT = fixed("1", each="attachment", nth=[{"from": 2, "multiply": "0.5"}])
POOL = {"physicalNetworks": ["p", "q"], "billingPeriod": {"unit": "day"}}
TWO: Loads = (("p", "n1", (0, 8 * MBPS)), ("q", "n2", (0, 8 * MBPS)))


@settings(max_examples=40, deadline=None)
@given(documents=contracts(), mine=ours, theirs=foreign)
@example(documents=[tariff(PORT, **POOL)], mine=TWO, theirs=())
@example(documents=[tariff(percentile("2", commit="5"), **POOL)], mine=TWO, theirs=TWO)
def test_a_day_of_all_that_is_shown_is_the_bill(documents: list[dict[str, Any]], mine: Loads, theirs: Loads) -> None:
    prices = book(*documents)
    shown = dict.fromkeys(due(prices, mine, theirs), Decimal(0))
    for hour in range(HOURS):
        now = market(prices, hour, mine, theirs)
        splits, spent = by_contract(now), spending(now)
        for contract, split in splits.items():
            parts = added((split.workloads, split.others, split.anyway))
            assert parts is not None
            shown[contract] += parts
        apart = [added(each) for each in (by_workload(now).values(), (split.workloads for split in splits.values()))]
        assert apart == [pytest.approx(spent.now, abs=Decimal("1e-9"))] * 2
    assert shown == pytest.approx(due(prices, mine, theirs), abs=Decimal("0.0051"))


def test_the_nth_attachment_is_that_of_the_contract_not_of_its_network() -> None:
    spent = spending(market(book(tariff(PORT, **POOL)), 0, TWO, ()))
    assert spent.networks == {"p": Decimal("0.75"), "q": Decimal("0.75")}  # 1 and 0.5, shared by head
    assert spent.attachment == {"p": Decimal("0.5"), "q": Decimal("0.5")}  # the third


def test_a_commit_is_due_anyway_and_what_exceeds_it_is_paid_by_the_load() -> None:
    prices = book(tariff(percentile("24", commit="10"), name="t", **POOL))
    split = by_contract(market(prices, 0, TWO, (("p", "n1", (0, 4 * MBPS)),)))["t"]
    # 20 Mbps of which 16 are ours, 10 of them due anyway: a day's price is 24 a Mbps, an hour's 1
    assert [round(each or 0, 9) for each in (split.workloads, split.others, split.anyway)] == [8, 2, 10]


def test_who_is_below_the_commit_pays_nothing_of_it() -> None:
    prices = book(tariff(percentile("24", commit="100"), name="t", **POOL))
    now = market(prices, 0, TWO, ())
    assert (spending(now).now, round(by_contract(now)["t"].anyway or 0, 9)) == (0, 100)


@pytest.mark.parametrize(("kept", "dropped"), [("p", "q"), ("q", "p")])
@pytest.mark.parametrize("since", ["2026-12-01T00:00:00Z", "2026-12-01T10:00:00Z"])
def test_a_network_that_a_contract_has_dropped_is_no_part_of_it(kept: str, dropped: str, since: str) -> None:
    old = tariff(PORT, name="t", **POOL)
    new = tariff(PORT, name="t2", contract="t", validFrom=since, **{**POOL, "physicalNetworks": [kept]})
    other = tariff(fixed("7", each="attachment"), name="u", **{**POOL, "physicalNetworks": [dropped]})
    spent = spending(market(book(old, new, other), 12, TWO, ()))
    assert spent.networks == {kept: 1, dropped: 7}
    assert spent.attachment == {kept: Decimal("0.5"), dropped: 7}


def test_networks_of_which_a_list_within_the_day_has_only_one_are_billed_together() -> None:
    """Until noon both share the discount; what is added up is the bill, whoever comes first."""
    old = tariff(PORT, name="t", **POOL)
    new = tariff(PORT, name="t2", contract="t", validFrom="2026-12-01T12:00:00Z", **{**POOL, "physicalNetworks": ["p"]})
    other = tariff(fixed("0", each="attachment"), name="u", **{**POOL, "physicalNetworks": ["q"]})
    prices = book(old, new, other)
    days = sum(spending(market(prices, hour, TWO, ())).now or 0 for hour in range(HOURS))
    assert days == sum(due(prices, TWO, ()).values()) == 12 * Decimal("1.5") + 12


def test_a_contract_whose_networks_nobody_reports_is_due_too() -> None:
    idle = tariff(fixed("3"), name="idle", **{**POOL, "physicalNetworks": ["far"]})
    split = by_contract(market(book(idle, tariff(PORT, **POOL)), 0, TWO, ()))["idle"]
    assert (split.workloads, split.others, split.anyway) == (0, 0, 3)


def test_what_is_on_a_network_without_a_valid_list_is_unknown_and_not_free() -> None:
    over = tariff(PORT, name="over", validTo="2026-11-01T00:00:00Z", **{**POOL, "physicalNetworks": ["p"]})
    now = market(book(over, tariff(PORT, name="t", **{**POOL, "physicalNetworks": ["q"]})), 0, TWO, ())
    splits = by_contract(now)
    assert (splits["over"].workloads, splits["over"].others, splits["over"].anyway) == (None, None, 0)
    assert (splits["t"].workloads, spending(now).networks) == (1, {"p": None, "q": 1})


def test_a_percentile_whose_list_changes_within_the_period_is_billed_by_both() -> None:
    """Six hours at 2 a Mbps and eighteen at 4, on all samples of the day: 3.5."""
    old = tariff(percentile("2"), name="t", **POOL)
    new = tariff(percentile("4"), name="t2", contract="t", validFrom="2026-12-01T06:00:00Z", **POOL)
    for hour in (0, 12):
        (standing,) = market(book(old, new), hour, TWO, ()).standings
        assert standing.money(standing.ledger.heading) == 16 * Decimal("3.5")


def test_a_percentile_of_which_a_network_is_reported_by_nobody_is_paid_by_those_on_the_other() -> None:
    pool = {**POOL, "physicalNetworks": ["p", "far"]}
    spent = spending(market(book(tariff(percentile("24"), name="t", **pool)), 0, TWO[:1], ()))
    assert {name: round(cost or 0, 9) for name, cost in spent.networks.items()} == {"p": 8}
    assert spent.attachment["p"] == 0


def test_one_more_is_asked_of_the_lists_that_its_own_network_has() -> None:
    """From half past ten on the contract has only ``p``; it is dear for a second attachment, and the other is free."""
    second_is_dear = fixed("1", each="attachment", nth=[{"from": 2, "multiply": "3"}])
    later = {"contract": "t", "validFrom": "2026-12-01T10:30:00Z", **POOL, "physicalNetworks": ["p"]}
    both_have, one_has = tariff(second_is_dear, name="t", **POOL), tariff(second_is_dear, name="t2", **later)
    free = tariff(fixed("0", each="attachment"), name="u", **{**POOL, "physicalNetworks": ["q"]})
    spent = spending(market(book(both_have, one_has, free), 10, TWO[:1], ()))
    assert spent.attachment == {"p": 3, "q": Decimal("1.5")}
    assert spent.networks == {"p": 1}


def test_what_is_spent_of_a_contract_in_another_currency_is_changed_at_its_rate() -> None:
    port, day = fixed("0.5", each="attachment"), fixed("48", per="day")
    euros = tariff(port, day, volume((None, "1")), name="t", currency="EUR", **POOL)
    prices = book(euros, rate("EUR", "USD", "2", "2026-01-01"))
    seen = market(prices, 0, TWO, TWO)
    split = by_contract(Market(seen.seen, seen.memory, prices, "USD"))["t"]
    # two ports and 7.2 GB of ours, as much of others, and a day's 48 for each network: in dollars twice as much
    assert [round(each or 0, 9) for each in (split.workloads, split.others, split.anyway)] == [
        Decimal("16.4"),
        Decimal("14.4"),
        8,
    ]


def test_traffic_is_shared_by_its_prices_in_and_out_whatever_a_head_costs() -> None:
    port = fixed("10", each="attachment")
    prices = book(tariff(port, volume((None, "1"), direction="in"), volume((None, "3")), name="t", **POOL))
    gigabyte = 8 * 10**9 // 3600
    shares = by_workload(market(prices, 0, (("p", "n1", (gigabyte, 0)), ("p", "n1", (0, gigabyte))), ()))
    assert {name: round(share or 0, 6) for name, share in shares.items()} == {"w0": 11, "w1": 13}
