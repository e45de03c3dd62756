"""The documentation's tariff is valid, and its bill is what the page says."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from switcher.model import Usage
from switcher.objects.load import book_from_documents, parse_documents
from switcher.objects.rows import read_stays
from switcher.objects.sample_rows import read_samples
from switcher.tariff import Flow, bill, marginal
from tests.unit.pricing import GB, at

PAGE = (Path(__file__).parents[2] / "docs" / "tariffs.md").read_text()
BOOK = book_from_documents(parse_documents(re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0], "docs/tariffs.md"))
DECEMBER = at("2026-12-01T00:00:00+01:00"), at("2027-01-01T00:00:00+01:00")


def test_the_worked_example(tmp_path: Path) -> None:
    use, on = tmp_path / "use.csv", tmp_path / "on.csv"
    for file, text in zip((use, on), re.findall(r"```csv\n(.*?)```", PAGE, re.S), strict=True):
        file.write_text(text)
    invoice = bill(BOOK.tariffs, read_samples(use), DECEMBER, read_stays(on))
    assert f"**{invoice.total}**" in PAGE
    amounts = {line.charge: line.amount.quantize(Decimal("0.01")) for line in invoice.entries[0].lines}
    assert amounts == {
        "port": Decimal("0.45"),
        "egress": Decimal("3.15"),
    }


def test_the_prices_of_a_placement() -> None:
    noon = at("2026-12-01T12:00:00+01:00"), at("2026-12-01T13:00:00+01:00")
    gigabyte = Flow(out_bps=8 * GB / 3600)

    def price(used: int, base_total: int) -> Decimal:
        rest = (DECEMBER[1] - noon[0]).total_seconds()
        base = Flow(out_bps=base_total * 8 * GB / rest)
        usage = {"egress-2026": Usage(out_bytes=Decimal(used) * GB)}
        found = marginal(BOOK, "internet-east", *noon, usage, base, gigabyte)
        assert isinstance(found, Decimal)
        return found.quantize(Decimal("0.001"))

    assert (price(0, 0), price(200, 0)) == (Decimal(0), Decimal("0.09"))
    assert price(0, 500) in (Decimal("0.090"), Decimal("0.036"))
