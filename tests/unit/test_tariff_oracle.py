"""Bills against a second computation that shares no code with them, to the cent; refusals against its refusals."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings

from switcher.errors import BadInputError
from switcher.objects.load import book_from_documents
from switcher.tariff import Exchange, Invoice, bill
from tests.oracle import bill as oracle
from tests.oracle.bill import NoBill, Question
from tests.oracle.questions import questions


def asked(question: Question) -> Invoice:
    prices = book_from_documents(question.documents, "test")
    exchange = Exchange(rates=prices.rates, settlement=question.settlement)
    return bill(prices.tariffs, question.rows, question.period, question.stays, question.known_at, exchange)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(question=questions())
def test_a_second_computation_comes_to_the_same_cent(question: Question) -> None:
    try:
        expected = oracle.bill(question)
    except NoBill:
        with pytest.raises(BadInputError):
            asked(question)
        return
    invoice = asked(question)
    found = {(entry.contract, entry.start): Fraction(entry.total) for entry in invoice.entries}
    assert found == {(due.contract, due.start): due.rounded for due in expected}
    assert Fraction(invoice.total) == sum(due.rounded for due in expected)
