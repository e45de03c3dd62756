"""``switcher spending``: what networks, contracts and workloads cost now, and where percentile charges stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import typer

from switcher.bootstrap import load_book, open_history
from switcher.commands.asking import currency_of, plain
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import Row, show, written_time
from switcher.objects.model import Book
from switcher.observe import Sight, looked_back, observe
from switcher.past import origins
from switcher.settings import load_settings
from switcher.shares import Split, by_contract, by_workload
from switcher.spending import Market, Spending
from switcher.spending import spending as spending_of
from switcher.standings import Standing
from switcher.tariff.unrated import unrated_now

CONTRACTS = ["contract", "workloads/h", "other traffic/h", "due anyway/h"]
CHARGES = ["contract", "charge", "period ends", "level", "aim", "free samples", "billed so far", "heading for", "bill"]
MONEY = {"cost/h", *CONTRACTS[1:], "billed so far", "bill"}
"""Columns of amounts."""
NONE = "nothing is known yet: no agent has reported anything"


def spending(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """What networks, contracts and workloads cost by the hour, and where percentile charges stand.

    The three columns of a contract add up to its bill: what our workloads pay, what is carried besides, and what is due
    without any traffic (a price per network, a commit, an unused minimum), which no move saves.

    A percentile charge: the level that is billed already, the samples above the aim that are still free, and what its
    billing period comes to if the rest of it is like what has been so far. By the hour that is spread evenly.

    Example: switcher spending --json
    """
    settings = load_settings(config)
    history, book = open_history(settings.database), load_book(settings)
    now = datetime.now(UTC)
    moves = looked_back(history, book, now)
    seen, memory = observe(history, book, now, Sight(window=settings.window), moves)
    for problem in unrated_now(book, now, settings.settlement_currency):
        typer.echo(str(problem), err=True)
    market = Market(seen, memory, book, settings.settlement_currency)
    found, shares = spending_of(market, origins(moves, market.workloads, now)), by_workload(market)
    workloads = [
        {"workload": state.id, "network": state.network, "node": state.node, "cost/h": _money(shares.get(state.id))}
        for state in seen.workloads
    ]
    networks = [{"physical network": name, "cost/h": _money(cost)} for name, cost in sorted(found.networks.items())]
    contracts = [_contract(name, split) for name, split in by_contract(market).items()]
    if as_json:
        parts = _parts(found, networks, contracts, workloads)
        print(json.dumps({**_totals(found, book, settings.settlement_currency), **parts}))
        return
    totals = _total_rows(found) if networks else []
    tables: list[tuple[Sequence[Row], Sequence[str]]] = [
        ([*networks, *totals], ["physical network", "cost/h"]),
        (contracts, CONTRACTS),
        ([_row(each) for each in found.standings], CHARGES),
        (workloads, ["workload", "network", "node", "cost/h"]),
    ]
    _print(tables, currency_of(book, settings.settlement_currency))


def _print(tables: Sequence[tuple[Sequence[Row], Sequence[str]]], currency: str | None) -> None:
    """One below the other, without those that are empty; the first says so."""
    for number, (rows, columns) in enumerate(tables):
        if number and rows:
            print()
        if rows or not number:
            show([_in(currency, row) for row in rows], columns, as_json=False, nothing=NONE)


def _in(currency: str | None, row: Row) -> Row:
    """Its money with the currency, where there is one."""
    if currency is None:
        return row
    return {name: f"{cell} {currency}" if name in MONEY and cell is not None else cell for name, cell in row.items()}


def _total_rows(found: Spending) -> list[Row]:
    sums = {"total": found.now, "total, if nothing had moved": found.unmoved}
    return [{"physical network": name, "cost/h": _money(cost)} for name, cost in sums.items()]


def _totals(found: Spending, book: Book, currency: str | None) -> Mapping[str, object]:
    return {
        "currency": currency_of(book, currency),
        "per_hour": {"now": _money(found.now), "if_nothing_had_moved": _money(found.unmoved)},
    }


def _contract(name: str, split: Split) -> Row:
    money = [_money(each) for each in (split.workloads, split.others, split.anyway)]
    return dict(zip(CONTRACTS, [name, *money], strict=True))


def _parts(
    found: Spending, networks: Sequence[Row], contracts: Sequence[Row], workloads: Sequence[Row]
) -> Mapping[str, object]:
    """The lists of the document: keys as the tables' columns have them, in words of JSON."""
    return {
        "networks": [{"physicalNetwork": row["physical network"], "per_hour": row["cost/h"]} for row in networks],
        "contracts": [
            dict(zip(["contract", "workloads", "other_traffic", "due_anyway"], row.values(), strict=True))
            for row in contracts
        ],
        "workloads": [
            {"workload": row["workload"], "network": row["network"], "node": row["node"], "per_hour": row["cost/h"]}
            for row in workloads
        ],
        "percentiles": [_object(each) for each in found.standings],
    }


def _object(standing: Standing) -> Mapping[str, object]:
    ledger = standing.ledger
    return {
        "contract": standing.contract,
        "charge": standing.charge,
        "physicalNetworks": list(ledger.networks),
        "period": {"start": written_time(standing.running.start), "end": written_time(standing.running.end)},
        "level_bps": ledger.level,
        "aim_bps": ledger.aim,
        "heading_bps": ledger.heading,
        "free_samples": {"left": ledger.free, "of": ledger.dropped},
        "billed_so_far": _money(standing.money(ledger.level)),
        "bill_if_it_goes_on": _money(standing.money(ledger.heading)),
    }


def _row(standing: Standing) -> Row:
    ledger, unit = standing.ledger, standing.priced.unit
    return {
        "contract": standing.contract,
        "charge": standing.charge,
        "period ends": standing.running.end,
        "level": _level(ledger.level, unit.bps, unit.value),
        "aim": _level(ledger.aim, unit.bps, unit.value),
        "free samples": f"{ledger.free} of {ledger.dropped}",
        "billed so far": _money(standing.money(ledger.level)),
        "heading for": _level(ledger.heading, unit.bps, unit.value),
        "bill": _money(standing.money(ledger.heading)),
    }


def _level(bps: float, unit_bps: int, unit: str) -> str:
    return f"{plain(Decimal(bps) / unit_bps)} {unit}"


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)
