"""Billing periods and schedules through daylight saving."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switcher.objects.prices import Window
from switcher.objects.wall_time import instant
from switcher.tariff import billing_period
from switcher.tariff.schedule import slots
from tests.unit.pricing import at, book, fixed, tariff


def period(unit: dict[str, Any], moment: str, timezone: str = "UTC") -> tuple[datetime, datetime]:
    prices = book(tariff(fixed("1"), billingPeriod=unit, timezone=timezone))
    return billing_period(prices.tariffs[0], at(moment))


@pytest.mark.parametrize(
    ("unit", "moment", "start", "end"),
    [
        ({"unit": "hour"}, "2026-12-01 10:59", "2026-12-01 10:00", "2026-12-01 11:00"),
        ({"unit": "day"}, "2026-12-01 10:59", "2026-12-01", "2026-12-02"),
        ({"unit": "week"}, "2026-12-02", "2026-11-30", "2026-12-07"),
        ({"unit": "week", "anchor": 4}, "2026-12-02", "2026-11-26", "2026-12-03"),
        ({"unit": "month"}, "2026-12-31 23:59", "2026-12-01", "2027-01-01"),
        ({"unit": "month", "anchor": 15}, "2027-01-14", "2026-12-15", "2027-01-15"),
        ({"unit": "month", "anchor": 15}, "2026-12-15", "2026-12-15", "2027-01-15"),
        ({"unit": "month", "anchor": 31}, "2027-02-27", "2027-01-31", "2027-02-28"),
        ({"unit": "month", "anchor": 31}, "2027-02-28", "2027-02-28", "2027-03-31"),
        ({"unit": "month", "anchor": 31}, "2028-02-28", "2028-01-31", "2028-02-29"),
        ({"unit": "year"}, "2026-12-31", "2026-01-01", "2027-01-01"),
        ({"unit": "year", "anchor": 91}, "2026-03-31", "2025-04-01", "2026-04-01"),
    ],
)
def test_a_moment_lies_in_its_billing_period(unit: dict[str, Any], moment: str, start: str, end: str) -> None:
    assert period(unit, moment) == (at(start), at(end))


@pytest.mark.parametrize("unit", [{"unit": "day"}, {"unit": "month", "anchor": 7}])
def test_a_midnight_that_comes_twice_is_the_first(unit: dict[str, Any]) -> None:
    """Clocks went from 00:01 back to 23:01: the day had begun at 02:30 UTC, and is that of what follows."""
    start, _ = period(unit, "2010-11-07 02:45", "America/St_Johns")
    assert start == at("2010-11-07 02:30")
    _, end = period(unit, "2010-11-07 02:29", "America/St_Johns")
    assert end == at("2010-11-07 02:30")


def test_periods_begin_at_local_midnight() -> None:
    start, end = period({"unit": "month"}, "2026-10-15", "Europe/Berlin")
    assert (start, end) == (at("2026-09-30 22:00"), at("2026-10-31 23:00"))


@pytest.mark.parametrize(
    ("day", "minutes", "timezone", "expected"),
    [
        pytest.param(date(2026, 3, 29), 150, "Europe/Berlin", "2026-03-29 01:00", id="skipped: the jump"),
        pytest.param(date(2026, 3, 29), 180, "Europe/Berlin", "2026-03-29 01:00", id="first after the jump"),
        pytest.param(date(2026, 10, 25), 150, "Europe/Berlin", "2026-10-25 00:30", id="repeated: its first occurrence"),
        pytest.param(date(2026, 10, 25), 180, "Europe/Berlin", "2026-10-25 02:00", id="after the repetition"),
        pytest.param(date(2026, 10, 4), 135, "Australia/Lord_Howe", "2026-10-03 15:30", id="a jump of half an hour"),
        pytest.param(date(2026, 12, 1), 1440, "Asia/Kolkata", "2026-12-01 18:30", id="the day's end"),
    ],
)
def test_wall_time_to_instant(day: date, minutes: int, timezone: str, expected: str) -> None:
    assert instant(day, minutes, timezone) == at(expected)


def windows(*entries: dict[str, Any]) -> tuple[Window, ...]:
    return tuple(Window.model_validate({"multiply": "0.5", **entry}) for entry in entries)


def open_hours(schedule: tuple[Window, ...], timezone: str, start: str, end: str) -> float:
    found = slots(schedule, timezone, at(start), at(end))
    return sum((finish - begin).total_seconds() for begin, finish, window in found if window) / 3600


def test_days_name_the_day_on_which_the_window_starts() -> None:
    friday = windows({"days": ["fri"], "from": "22:00", "to": "06:00"})
    found = slots(friday, "UTC", at("2026-12-05"), at("2026-12-06"))  # a Saturday
    assert [(begin, finish, bool(window)) for begin, finish, window in found] == [
        (at("2026-12-05"), at("2026-12-05 06:00"), True),
        (at("2026-12-05 06:00"), at("2026-12-06"), False),
    ]
    assert open_hours(friday, "UTC", "2026-12-06", "2026-12-07") == 0


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        pytest.param("2026-03-28 12:00", "2026-03-29 12:00", 7, id="the night with a skipped hour"),
        pytest.param("2026-10-24 12:00", "2026-10-25 12:00", 9, id="the night with a repeated hour"),
        pytest.param("2026-12-01 12:00", "2026-12-02 12:00", 8, id="any other night"),
    ],
)
def test_nights_have_the_hours_that_they_have(start: str, end: str, hours: int) -> None:
    assert open_hours(windows({"from": "22:00", "to": "06:00"}), "Europe/Berlin", start, end) == hours


def test_a_window_inside_the_skipped_hour_is_empty() -> None:
    assert open_hours(windows({"from": "02:10", "to": "02:50"}), "Europe/Berlin", "2026-03-29", "2026-03-30") == 0


def test_the_first_matching_entry_wins() -> None:
    both = windows({"from": "10:00", "to": "12:00", "multiply": "2"}, {"from": "08:00", "to": "20:00", "multiply": "3"})
    found = slots(both, "UTC", at("2026-12-01"), at("2026-12-02"))
    assert [str(window.multiply) if window else "-" for _, _, window in found] == ["-", "3", "2", "3", "-"]


clock = st.integers(0, 24 * 4 - 1).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
entries = st.lists(st.tuples(clock, clock).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(entries=entries, hours=st.integers(1, 80), first=st.integers(0, 24 * 10))
def test_slots_fill_the_time_and_say_what_a_wall_clock_says(
    entries: list[tuple[str, str]], hours: int, first: int
) -> None:
    schedule = windows(*({"from": begin, "to": end} for begin, end in entries))
    start = at("2026-03-24") + timedelta(hours=first)  # around the jump of 2026-03-29
    end = start + timedelta(hours=hours)
    found = slots(schedule, "Europe/Berlin", start, end)
    assert [slot[0] for slot in found] + [end] == [start, *(slot[1] for slot in found)]
    for begin, finish, window in found:
        middle = (begin + (finish - begin) / 2).astimezone(ZoneInfo("Europe/Berlin"))
        minute = middle.hour * 60 + middle.minute + middle.second / 60
        inside = [
            each
            for each in schedule
            if (each.start <= minute < each.end)
            or (each.end <= each.start and (minute >= each.start or minute < each.end))
        ]
        assert (inside[0] if inside else None) == window
