"""``switcher bill``: the exact bill of a period, from tariffs and samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from switcher.bootstrap import open_history
from switcher.commands.files import readable
from switcher.commands.options import AsJson
from switcher.commands.tables import show, written_time
from switcher.commands.together import Together
from switcher.objects.load import extend, load
from switcher.objects.model import Book
from switcher.objects.rows import read_currency, read_moment, read_period, read_rates, read_stays
from switcher.objects.sample_rows import read_samples
from switcher.recorded import recorded, with_gaps
from switcher.tariff.bill import bill as compute
from switcher.tariff.exchange import Exchange
from switcher.tariff.invoice import Entry, Invoice, Line
from switcher.tariff.lists import known_by
from switcher.tariff.money import plain
from switcher.tariff.unrated import refuse_unrated
from switcher.versions import billed_objects


def bill(  # the options of the command line are its parameters
    tariff: Annotated[
        list[str], typer.Option(metavar="FILE|URL...", help="Tariff files or directories, one or more; or a history.")
    ],
    samples: Annotated[
        str,
        typer.Option(metavar="CSV|URL", help="start,seconds,network,direction,bytes and more; or a history."),
    ],
    period: Annotated[str, typer.Option(metavar="START/END", help="Two times with a zone; END is exclusive.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="More tariff files.")] = None,
    attachments: Annotated[
        Path | None, typer.Option(metavar="CSV", help="attachment,network,start,end: for prices per attachment.")
    ] = None,
    rates: Annotated[Path | None, typer.Option(metavar="CSV", help="from,to,rate,date: exchange rates.")] = None,
    settlement: Annotated[
        str | None, typer.Option(metavar="CURRENCY", help="Of the total; default: the one that all have rates into.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only price lists recorded by then; default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute the exact bill: every charge, rounded once per contract and billing period.

    One of the files may be - for standard input. Times are RFC 3339 with a zone, amounts in the contract's currency.

    Example: switcher bill --tariff a.yaml b.yaml --samples use.csv --period 2026-12-01T00:00:00Z/2027-01-01T00:00:00Z
    """
    wanted = period, known_at, settlement
    invoice = _inputs_together([*tariff, *(more or [])], samples, attachments, rates, wanted)
    if invoice.unpriced:
        names = ", ".join(invoice.unpriced)
        typer.echo(f"not billed, because no tariff names them: {names}", err=True)
    if as_json:
        typer.echo(json.dumps(as_document(invoice), indent=2))
    else:
        _print(invoice)


def _inputs_together(
    tariffs: list[str],
    samples: str,
    attachments: Path | None,
    rates: Path | None,
    wanted: tuple[str, str | None, str | None],
) -> Invoice:
    """The bill; ``wanted``: period, known-at and settlement. Problems of all inputs are reported together."""
    inputs = Together()
    period = inputs.read(read_period, wanted[0])
    known_at = inputs.read(read_moment, wanted[1], "--known-at") if wanted[1] is not None else None
    settlement = inputs.read(read_currency, wanted[2], "--settlement") if wanted[2] is not None else None
    book = inputs.read(_book, tariffs, known_at)
    stored = "://" in samples
    rows = [] if stored else inputs.read(read_samples, readable(Path(samples)))
    stays = inputs.read(read_stays, readable(attachments)) if attachments is not None else None
    table = inputs.read(read_rates, readable(rates), book.rates if book else ()) if rates is not None else []
    exchange = Exchange.of(book or Book(), settlement, table or ())
    if inputs.refused and book and period and table is not None:  # else the bill itself says so, beside all the rest
        inputs.read(refuse_unrated, book.tariffs, period, known_at, exchange)
    inputs.accept()
    assert book and period and rows is not None  # noqa: S101, PT018 - told to the type checker
    if not stored:
        return compute(book.tariffs, rows, period, stays, known_at, exchange)
    with closing(open_history(samples)) as history:
        rows, placed = recorded(history, book.tariffs, period, datetime.now(UTC))
        stays = placed if stays is None else stays
        invoice = compute(book.tariffs, rows, period, stays, known_at, exchange)
        return with_gaps(invoice, history, known_by(book.tariffs, known_at))


def _book(tariffs: Sequence[str], known_at: datetime | None) -> Book:
    """The objects of files, and the price lists and exchange rates that histories have kept."""
    files = [readable(Path(name)) for name in tariffs if "://" not in name]
    book = load(files) if files else Book()
    for url in (name for name in tariffs if "://" in name):
        with closing(open_history(url)) as history:
            book = extend(book, billed_objects(history, known_at), "the history")
    return book


def as_document(invoice: Invoice) -> dict[str, Any]:
    """The bill as api.md's JSON; every amount is a decimal string."""
    return {
        "currency": invoice.currency,
        "total": f"{invoice.total:f}",
        "period": _period(invoice.start, invoice.end),
        "tariffs": [
            {
                "name": entry.contract,
                "period": _period(entry.start, entry.end),
                "total": f"{entry.total:f}",
                "currency": entry.currency,
                "exchangeRate": None if entry.currency == invoice.currency else plain(entry.rate),
                "lines": [_line(line) for line in entry.lines],
                "adjustment": entry.adjustment,
            }
            for entry in invoice.entries
        ],
        "gaps": [{"network": gap.network, **_period(gap.start, gap.end)} for gap in invoice.gaps],
    }


def _line(line: Line) -> dict[str, Any]:
    price: dict[str, Any] = {"rate": plain(line.rate)} if line.rate is not None else {"tiers": _tiers(line)}
    return {
        "charge": line.charge,
        "list": line.tariff,
        "quantity": plain(line.quantity),
        "unit": line.unit,
        **price,
        "amount": plain(line.amount),
    }


def _tiers(line: Line) -> list[dict[str, str]]:
    return [
        {
            **({"upTo": plain(portion.up_to)} if portion.up_to is not None else {}),
            "price": plain(portion.price),
            "quantity": plain(portion.quantity),
            "amount": plain(portion.amount),
        }
        for portion in line.portions
    ]


def _period(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": written_time(start), "end": written_time(end)}


def _print(invoice: Invoice) -> None:
    rows = [row for entry in invoice.entries for row in _entry_rows(entry, invoice.currency)]
    rows.append({"contract": "total", "amount": f"{invoice.total:f} {invoice.currency}"})
    show(rows, ["contract", "from", "to", "charge", "quantity", "unit", "price", "amount"], as_json=False, nothing="")
    for gap in invoice.gaps:
        typer.echo(f"no samples of {gap.network} from {written_time(gap.start)} to {written_time(gap.end)}", err=True)


def _entry_rows(entry: Entry, currency: str) -> list[Mapping[str, object]]:
    about = {"contract": entry.contract, "from": written_time(entry.start), "to": written_time(entry.end)}
    rows: list[Mapping[str, object]] = []
    for line in entry.lines:
        parts: list[tuple[Decimal, Decimal | None, Decimal]] = [
            (part.quantity, part.price, part.amount) for part in line.portions if part.quantity
        ]
        if line.rate is not None or not parts:
            parts = [(line.quantity, line.rate, line.amount)]
        for quantity, price, amount in parts:
            rows.append(
                {
                    **about,
                    "charge": line.charge,
                    "quantity": plain(quantity),
                    "unit": line.unit,
                    "price": None if price is None else plain(price),
                    "amount": plain(amount),
                }
            )
    last = entry.adjustment or "rounded"
    return [*rows, {**about, "charge": last, "amount": f"{entry.total:f} {currency}"}]
