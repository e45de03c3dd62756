"""One bill as a command or a controller asks for it, and what must hold of the answer."""

from __future__ import annotations

import contextlib
import json
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from switcher.commands.bill import as_document
from switcher.decide import decide
from switcher.errors import BadInputError
from switcher.model import Memory, MoveReason, PastMove
from switcher.objects.load import book_from_documents, load_documents
from switcher.objects.model import Book
from switcher.objects.rows import read_moment, read_period, read_rates, read_stays
from switcher.objects.sample_rows import read_samples
from switcher.tariff import Exchange, Flow, Invoice, PriceGap, bill, marginal
from tests.fuzz.money.cases import Case
from tests.oracle import bill as oracle
from tests.oracle import grid
from tests.support.scenes import network, snapshot, workload

SLOW_SECONDS = 5.0
LONGEST_LINE = 2000
NOW = datetime.fromisoformat("2026-12-05T12:00:00Z")
T = TypeVar("T")


@dataclass
class Trial:
    """``outcome``: refused, billed, or billed twice: by the second computation too. Complaints: what must not be."""

    outcome: str = "refused"
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What was read of a case."""

    documents: list[dict[str, Any]]
    book: Book
    files: dict[str, Path]
    case: Case

    def arguments(self) -> dict[str, Any]:
        """What a bill is asked with."""
        return {
            "rows": read_samples(self.files["samples"]),
            "stays": read_stays(self.files["stays"]) if "stays" in self.files else None,
            "rates": read_rates(self.files["rates"]) if "rates" in self.files else [],
            "period": read_period(self.case.period),
        }

    def bill(self) -> Invoice:
        """As the command does it."""
        asked = self.arguments()
        known_at = read_moment(self.case.known_at, "--known-at") if self.case.known_at is not None else None
        exchange = Exchange(rates=(*self.book.rates, *asked["rates"]))
        return bill(self.book.tariffs, asked["rows"], asked["period"], asked["stays"], known_at, exchange)


def run(case: Case, directory: Path, twice: bool = True) -> Trial:
    """Check the objects, bill them (``twice``: by the second computation too), and look at the answers."""
    trial = Trial()
    inputs = _call(trial, "check", lambda: _read(case, directory))
    invoice = None if inputs is None else _call(trial, "bill", inputs.bill)
    try:
        if inputs is not None:
            trial.complaints += _prices(inputs.book)
            trial.complaints += _decided(inputs.book) if twice else ()
        if inputs is not None and invoice is not None:
            trial.outcome = "billed"
            trial.complaints += _sums(invoice)
            trial.complaints += _second(invoice, inputs, trial) if twice else ()
    except Exception as error:  # whatever it is, it is what is looked for
        trial.complaints.append(f"after: {_where(error)}")
    return trial


def _read(case: Case, directory: Path) -> Inputs:
    files = {}
    for name in ("samples", "stays", "rates"):
        data = getattr(case, name)
        if data is not None:
            files[name] = directory / f"{name}.csv"
            files[name].write_bytes(data)
    documents = case.documents
    if documents is None:
        text = directory / "objects.yaml"
        text.write_bytes(case.text or b"")
        documents = load_documents([text])
    return Inputs(documents=documents, book=book_from_documents(documents, "a test"), files=files, case=case)


def _call(trial: Trial, name: str, ask: Callable[[], T]) -> T | None:
    """An answer, or None where it is refused."""
    try:
        with _soon():
            return ask()
    except BadInputError as error:
        trial.complaints += [f"{name}: {each}" for each in _unreadable(error)]
    except Exception as error:  # whatever it is, it is what is looked for
        trial.complaints.append(f"{name}: {_where(error)}")
    return None


@contextlib.contextmanager
def _soon() -> Iterator[None]:
    """Within seconds of the processor's time, or an error that tells where it was then."""

    def late(*_: object) -> None:
        raise TimeoutError("took too long")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOW_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((each for each in reversed(frames) if "/switcher/" in each.filename), frames[-1])
    return f"{type(error).__name__} in {Path(frame.filename).name}, {frame.name}: {str(error)[:100]}"


def _unreadable(error: BadInputError) -> Iterator[str]:
    """A refusal says what is wrong, in lines that a terminal and a log can show."""
    if not error.problems:
        yield "refused without a word"
    for problem in error.problems:
        line = str(problem)
        if not problem.text or not problem.file:
            yield f"a problem without text or file: {line[:100]!r}"
        if not line.isprintable():
            yield "a problem that cannot be printed"
        if len(line) > LONGEST_LINE:
            yield "a problem of thousands of characters"


def _prices(book: Book) -> Iterator[str]:
    """Every network has a marginal price or a gap."""
    for priced in sorted({name for each in book.tariffs for name in each.spec.physical_networks})[:2]:
        found = marginal(book, priced, NOW, NOW + timedelta(hours=1), {}, Flow(out_bps=1e6), Flow(out_bps=1e6))
        if not isinstance(found, PriceGap) and not found.is_finite():
            yield "a price that is no number"


def _decided(book: Book) -> Iterator[str]:
    """Whatever is accepted can be decided on: everyone has an answer, and what a move saves is a number."""
    networks = [network("p", node="n1"), network("q", node="n1", used_bps=95e6, latency_ms=20.0)]
    networks = [replace(each, physical_network=each.name) for each in networks]
    attachments = [workload(f"shop/w{number}", "q", 30e6, node="n1") for number in range(3)]
    moved = PastMove(
        workload="shop/w0", policy="all", source="p", target="q", reason=MoveReason.SAVINGS, at=NOW - timedelta(hours=1)
    )
    seen = snapshot([replace(each, sampled_at=NOW) for each in networks], attachments, NOW)
    answer = decide(seen, Memory(moves=(moved,)), book)
    if len(answer.moves) + len(answer.stays) != len(attachments):
        yield "a workload without an answer"
    if not all(move.saving_per_hour.is_finite() for move in answer.moves):
        yield "a saving that is no number"
    if any("nan" in stay.explanation for stay in answer.stays):
        yield "an explanation with what is no number"


def _sums(invoice: Invoice) -> Iterator[str]:
    answer = json.loads(json.dumps(as_document(invoice)))
    totals = [Decimal(entry["total"]) for entry in answer["tariffs"]]
    if sum(totals, Decimal(0)) != Decimal(answer["total"]):
        yield "the total is not the sum of the entries"
    if any(total < 0 for total in totals):
        yield "less than nothing"


def _second(invoice: Invoice, inputs: Inputs, trial: Trial) -> Iterator[str]:
    """The second computation must come to the same."""
    asked = inputs.arguments()
    documents: Sequence[dict[str, Any]] = inputs.documents
    question = grid.of(documents=documents, known_at=inputs.case.known_at, settlement=invoice.currency, **asked)
    if question is None:
        return
    trial.outcome = "billed twice"
    found = {(entry.contract, entry.start): Fraction(entry.total) for entry in invoice.entries}
    try:
        expected = {(due.contract, due.start): due.rounded for due in oracle.bill(question)}
    except oracle.NoBill as refusal:
        yield f"should be refused: {refusal}"
        return
    if found != expected:
        differing = {key: (float(found.get(key, 0)), float(expected.get(key, 0))) for key in found | expected}
        yield f"another sum: {differing}"
