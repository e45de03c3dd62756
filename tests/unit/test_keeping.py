"""What bills still need of the history, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from switcher.errors import TryLaterError
from switcher.keeping import Cutoffs, Keep, Resolution, cutoffs, needs
from switcher.meters import Meters
from switcher.objects.load import book_from_documents
from switcher.objects.model import Book
from switcher.upkeep import Upkeep
from tests.unit.pricing import fixed, percentile, tariff, volume

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NIGHT = {"days": ["mon"], "from": "22:00", "to": "06:00", "multiply": "0.4"}


def needed(*charges: dict[str, Any], **spec: Any) -> dict[Resolution, datetime]:
    return dict(needs(book_from_documents([tariff(*charges, **spec)], "test").tariffs, NOW))


@pytest.mark.parametrize(
    ("charges", "spec", "resolution"),
    [
        pytest.param([volume((None, "1"))], {}, Resolution.HOURS, id="volume"),
        pytest.param([fixed("1")], {}, Resolution.HOURS, id="fixed"),
        pytest.param([volume((None, "1"), schedule=[NIGHT])], {}, Resolution.HOURS, id="window on hours"),
        pytest.param([percentile()], {}, Resolution.FIVES, id="percentile"),
        pytest.param([percentile(sample="1h")], {}, Resolution.HOURS, id="percentile of hours"),
        pytest.param([percentile(sample="1h")], {"timezone": "Asia/Kolkata"}, Resolution.FIVES, id="half hours"),
        pytest.param([volume((None, "1"))], {"timezone": "Australia/Lord_Howe"}, Resolution.FIVES, id="half summers"),
        pytest.param([percentile(sample="7m")], {}, Resolution.MINUTES, id="sevens"),
        pytest.param([percentile(sample="90s")], {}, Resolution.SAMPLES, id="samples shorter than minutes"),
        pytest.param(
            [volume((None, "1"), schedule=[{**NIGHT, "to": "06:07"}])], {}, Resolution.MINUTES, id="window on minutes"
        ),
        pytest.param([volume((None, "1"))], {"validFrom": "2026-11-01T00:05:00Z"}, Resolution.FIVES, id="fives"),
        pytest.param(
            [volume((None, "1"))], {"validFrom": "2026-11-01T00:00:30Z"}, Resolution.MINUTES, id="list in a minute"
        ),
    ],
)
def test_the_coarsest_resolution_that_is_exact(
    charges: list[dict[str, Any]], spec: dict[str, Any], resolution: Resolution
) -> None:
    assert list(needed(*charges, **spec)) == [resolution]


def test_it_is_kept_from_the_billing_period_before_the_running_one() -> None:
    assert needed(percentile()) == {Resolution.FIVES: datetime(2026, 10, 1, tzinfo=UTC)}
    berlin = needed(percentile(), timezone="Europe/Berlin", billingPeriod={"unit": "year"})
    assert berlin == {Resolution.FIVES: datetime(2024, 12, 31, 23, tzinfo=UTC)}


def test_settings_are_a_least_and_bills_minutes_stay_as_long_as_fives() -> None:
    book = book_from_documents([tariff(percentile(sample="90s"), billingPeriod={"unit": "year"})], "test")
    found = cutoffs(Keep(), book.tariffs, NOW)
    assert found.series[Resolution.SAMPLES] == NOW - timedelta(days=2)
    assert found.bills[Resolution.SAMPLES] == datetime(2025, 1, 1, tzinfo=UTC)
    assert found.series[Resolution.MINUTES] == NOW - timedelta(days=40)
    assert found.bills[Resolution.MINUTES] == NOW - timedelta(days=400)
    assert found.decisions == NOW - timedelta(days=90)


class Done:
    deleted = 3


class Away:
    """A history that is away every other time."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, Cutoffs]] = []

    def look_after(self, now: datetime, cutoffs: Cutoffs) -> Done:
        self.asked.append((now, cutoffs))
        if len(self.asked) % 2:
            raise TryLaterError("the database is away")
        return Done()


def test_upkeep_that_must_wait_is_put_off_and_counted() -> None:
    away, meters = Away(), Meters()
    upkeep = Upkeep(history=away, book=Book, keep=Keep(), clock=lambda: NOW, stopwatch=lambda: 0.0, meters=meters)
    upkeep.round()
    upkeep.round()
    assert away.asked == [(NOW, cutoffs(Keep(), (), NOW))] * 2
    text = meters.exposition().decode()
    assert 'switcher_history_upkeep_seconds_count{result="later"} 1.0' in text
    assert 'switcher_history_upkeep_seconds_count{result="done"} 1.0' in text
