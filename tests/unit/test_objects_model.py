"""Defaults of the objects, and the questions that a decision asks of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cni.wire import DrainEnd, MoveReason
from switcher.objects.load import book_from_documents
from switcher.objects.model import Book, Budget, LabelSelector, PolicyMode, SwitchPolicy
from tests.unit.pricing import at


def policy(name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": "SwitchPolicy", "metadata": {"name": name}, "spec": spec}


def threshold(name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": "CongestionThreshold", "metadata": {"name": name}, "spec": spec}


def test_defaults_of_a_policy() -> None:
    found = SwitchPolicy.model_validate(policy("x"))
    spec = found.spec
    assert (spec.mode, spec.horizon, found.payback) == (PolicyMode.AUTO, timedelta(hours=1), timedelta(hours=1))
    assert (spec.cooldown, spec.minimum_age) == (timedelta(minutes=15), timedelta(minutes=5))
    assert (spec.move_cost, spec.move_rate, spec.flap) == (None, Decimal("0.0001"), None)
    assert (spec.verify.successes, spec.verify.settle) == (3, timedelta(seconds=30))
    assert (spec.drain.deadline, spec.drain.then) == (timedelta(seconds=60), DrainEnd.CLOSE)
    assert spec.accept == ()


def test_payback_defaults_to_the_horizon() -> None:
    assert SwitchPolicy.model_validate(policy("x", horizon="2h")).payback == timedelta(hours=2)
    assert SwitchPolicy.model_validate(policy("x", horizon="2h", payback="1h30m")).payback == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("given", "savings", "safety"),
    [
        pytest.param([], ["10%"], ["10%"], id="the defaults"),
        pytest.param([{"moves": "3", "per": "1h", "reasons": ["Savings"]}], ["3"], ["10%"], id="one for savings"),
        pytest.param([{"moves": "3", "reasons": ["Safety"]}], ["10%"], ["3"], id="one for safety"),
        pytest.param([{"moves": "3"}], ["3"], ["10%"], id="without reasons: all but safety"),
        pytest.param(
            [{"moves": "0", "schedule": "0 8 * * *", "duration": "2h"}],
            ["0", "10%"],
            ["10%"],
            id="a freeze beside the default",
        ),
    ],
)
def test_budgets_and_their_defaults(given: list[dict[str, Any]], savings: list[str], safety: list[str]) -> None:
    budgets = SwitchPolicy.model_validate(policy("x", budgets=given)).budgets
    assert [each.moves for each in budgets if each.names(MoveReason.SAVINGS)] == savings
    assert [each.moves for each in budgets if each.names(MoveReason.SAFETY)] == safety


@pytest.mark.parametrize(
    ("moves", "attachments", "limit"), [("10%", 11, 2), ("10%", 0, 0), ("0", 9, 0), ("3", 1, 3), (2, 9, 2)]
)
def test_percentages_round_up(moves: Any, attachments: int, limit: int) -> None:
    assert Budget(moves=moves).limit(attachments) == limit


@pytest.mark.parametrize(
    ("schedule", "duration", "timezone", "moment", "active"),
    [
        ("0 8 * * mon-fri", "2h", "UTC", "2026-12-01 08:00", True),
        ("0 8 * * mon-fri", "2h", "UTC", "2026-12-01 09:59", True),
        ("0 8 * * mon-fri", "2h", "UTC", "2026-12-01 10:00", False),
        ("0 8 * * mon-fri", "2h", "UTC", "2026-12-05 08:30", False),
        ("0 8 * * 1-5", "2h", "Europe/Berlin", "2026-12-01 07:30", True),
        ("30 22 * * *", "8h", "UTC", "2026-12-01 05:00", True),
        ("0 0 24-26 12 *", "1d", "UTC", "2026-12-25 13:00", True),
        ("0 0 1 * sun", "1d", "UTC", "2026-12-06 13:00", True),
        ("*/15 9-17/4 * dec 7", "1m", "UTC", "2026-12-06 13:45", True),
        ("*/15 9-17/4 * dec 7", "1m", "UTC", "2026-12-06 13:46", False),
        ("0 12 * * *", "36h", "UTC", "2026-12-01 03:00", True),
        ("30 2 * * *", "1h", "Europe/Berlin", "2026-03-29T01:00:00Z", True),  # 02:00 jumps to 03:00: opens then
        ("30 2 * * *", "1h", "Europe/Berlin", "2026-03-29T02:00:00Z", False),
        ("15 2 * * *", "45m", "America/New_York", "2026-03-08T07:00:00Z", True),
        ("15 2 * * *", "45m", "America/New_York", "2026-03-08T07:45:00Z", False),
    ],
)
def test_a_scheduled_budget_applies_while_its_window_is_open(
    schedule: str, duration: str, timezone: str, moment: str, active: bool
) -> None:
    budget = Budget.model_validate({"moves": "0", "schedule": schedule, "duration": duration, "timezone": timezone})
    assert budget.active(at(moment)) is active
    assert budget.freezes


def book(*documents: dict[str, Any]) -> Book:
    return book_from_documents(documents)


def chosen(book: Book, labels: dict[str, str], attachment: str = "net1", primary: bool = False) -> str | None:
    found = book.policy_for("lab", labels, attachment, primary, {"tier": "prod"})
    return found.name if found else None


def test_the_highest_priority_applies_and_ties_go_by_name() -> None:
    found = book(policy("b", priority=1), policy("a", priority=1), policy("c"))
    assert chosen(found, {}) == "a"
    assert chosen(book(policy("a"), policy("z", priority=1)), {}) == "z"


@pytest.mark.parametrize(
    ("spec", "labels", "applies"),
    [
        ({"podSelector": {"matchLabels": {"app": "web"}}}, {"app": "web"}, True),
        ({"podSelector": {"matchLabels": {"app": "web"}}}, {"app": "db"}, False),
        ({"namespaceSelector": {"matchLabels": {"tier": "prod"}}}, {}, True),
        ({"namespaceSelector": {"matchLabels": {"tier": "test"}}}, {}, False),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "lab"}}}, {}, True),
        ({"namespaceSelector": {}, "podSelector": {}}, {}, True),
        ({"attachments": ["net2"]}, {}, False),
    ],
)
def test_selectors(spec: dict[str, Any], labels: dict[str, str], applies: bool) -> None:
    assert (chosen(book(policy("x", **spec)), labels) == "x") is applies


def test_without_attachments_every_one_but_the_primary_is_selected() -> None:
    assert chosen(book(policy("x")), {}, "eth0", primary=True) is None
    assert chosen(book(policy("x", attachments=["eth0"])), {}, "eth0", primary=True) == "x"


@pytest.mark.parametrize(
    ("expression", "labels", "matches"),
    [
        ({"operator": "In", "values": ["a", "b"]}, {"k": "b"}, True),
        ({"operator": "In", "values": ["a"]}, {}, False),
        ({"operator": "NotIn", "values": ["a"]}, {"k": "a"}, False),
        ({"operator": "NotIn", "values": ["a"]}, {}, True),
        ({"operator": "Exists"}, {"k": ""}, True),
        ({"operator": "Exists"}, {}, False),
        ({"operator": "DoesNotExist"}, {}, True),
        ({"operator": "DoesNotExist"}, {"k": "a"}, False),
    ],
)
def test_match_expressions(expression: dict[str, Any], labels: dict[str, str], matches: bool) -> None:
    selector = LabelSelector.model_validate({"matchExpressions": [{"key": "k", **expression}]})
    assert selector.matches(labels) is matches


def test_a_named_threshold_beats_the_default_one() -> None:
    found = book(threshold("default", fill="0.5"), threshold("p", physicalNetworks=["p"], fill="0.6"))
    assert (found.threshold_for("p").fill, found.threshold_for("q").fill) == (Decimal("0.6"), Decimal("0.5"))


def test_the_documented_threshold_where_there_is_none() -> None:
    spec = Book().threshold_for("p")
    assert (spec.fill, spec.shed, spec.stale_after) == (Decimal("0.70"), Decimal("0.85"), timedelta(minutes=10))
    assert (spec.confirm.at_least, spec.confirm.of) == (1, 1)
