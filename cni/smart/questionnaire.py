"""What a pod asks of the network that is chosen for it: annotation ``switcher.genie.io/questionnaire``. Pure.

A JSON object; every key is optional, and each narrows the choice. It is refused whole when anything in it is wrong:
a limit that was misspelt must not count as no limit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from cni.protocol import CniError, Code
from cni.strict import duration, rate

QUESTIONNAIRE_KEY = "switcher.genie.io/questionnaire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """The answers wanted; None: anything will do. What is not known of a network satisfies no limit."""

    networks: tuple[str, ...] | None = None
    """Only these, as ``NAME`` or ``cni:NAME``."""
    exclude: tuple[str, ...] = ()
    min_capacity_bps: float | None = None
    min_sla: Decimal | None = None
    """A percentage."""
    max_price_per_hour: Decimal | None = None
    """Of the whole workload at its demand, in the settlement currency."""
    max_price_per_gb: Decimal | None = None
    max_utilisation: Decimal | None = None
    """Share of the uplink's capacity that may be used, this workload included."""
    max_latency_ms: float | None = None
    demand_bps: float | None = None
    """What the workload will carry: there must be room for it."""


ANYTHING = Questionnaire()


def parse_questionnaire(annotations: Mapping[str, str]) -> Questionnaire:
    """What the annotations ask. Raises CniError 4 with every problem: what, where, and what to write instead."""
    text = annotations.get(QUESTIONNAIRE_KEY, "")
    if not text.strip():
        return ANYTHING
    content = _content(text)
    problems: list[str] = []
    given: dict[str, Any] = {}
    for key, value in content.items():
        if key not in ANSWERS:
            problems.append(_unknown(key))
            continue
        name, parse = ANSWERS[key]
        try:
            given[name] = parse(value)
        except ValueError as error:
            problems.append(f"{key}: {error}")
    if problems:
        raise _refused("; ".join(problems))
    return Questionnaire(**given)


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text, object_pairs_hook=_distinct, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError as error:
        raise _refused("it is nested too deeply") from error
    except ValueError as error:
        raise _refused(f'it is not JSON ({error}); write an object such as {{"maxPricePerHour": "0.05"}}') from error
    if not isinstance(content, dict):
        raise _refused('it must be a JSON object such as {"maxPricePerHour": "0.05"}')
    return content


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is there twice")
    return content


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _unknown(key: str) -> str:
    near = get_close_matches(key, ANSWERS, 1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(ANSWERS)}"
    return f"{key}: unknown key; {hint}"


def _refused(problem: str) -> CniError:
    return CniError(Code.INVALID_ENVIRONMENT, f"annotation {QUESTIONNAIRE_KEY} is refused", problem)


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name.strip() for name in value):
        raise ValueError(f'{_shown(value)} is no list of networks such as ["blue", "red"]')
    return tuple(name.strip() for name in value)


def _some_names(value: Any) -> tuple[str, ...]:
    names = _names(value)
    if not names:
        raise ValueError("the list is empty, so that no network is left; name some, or leave the key out")
    return names


def _number(value: Any, example: str) -> Decimal:
    """A decimal, as text or as a JSON number."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"{_shown(value)} is no number such as {example}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{_shown(value)} is no number such as {example}")
    return number


def _money(value: Any) -> Decimal:
    amount = _number(value, '"0.05"')
    if amount < 0:
        raise ValueError(f"{_shown(value)} is below zero")
    return amount


def _percentage(value: Any) -> Decimal:
    share = _number(value, '"95" for 95 %')
    if not 0 < share <= 100:
        raise ValueError(f"{_shown(value)} is no percentage above 0 and up to 100")
    return share


def _fraction(value: Any) -> Decimal:
    share = _number(value, '"0.7" for 70 %')
    if not 0 < share <= 1:
        raise ValueError(f'{_shown(value)} is no share above 0 and up to 1; write "0.7" for 70 %')
    return share


def _milliseconds(value: Any) -> float:
    return duration(value) * 1000


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else json.dumps(value, default=str)


ANSWERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "networks": ("networks", _some_names),
    "exclude": ("exclude", _names),
    "minCapacity": ("min_capacity_bps", rate),
    "minSla": ("min_sla", _percentage),
    "maxPricePerHour": ("max_price_per_hour", _money),
    "maxPricePerGB": ("max_price_per_gb", _money),
    "maxUtilisation": ("max_utilisation", _fraction),
    "maxLatency": ("max_latency_ms", _milliseconds),
    "demand": ("demand_bps", rate),
}
"""The key in the annotation, the field of Questionnaire, and how the one becomes the other."""
