"""JSON that others wrote, read strictly: what is taken can be written again and passed on. Pure.

Source: RFC 8259, as Go's decoder holds runtimes and plugins to it: UTF-8 alone, no NaN, no lone surrogates. Beyond it a
bound on the nesting: no configuration needs it, and what is nested deeper than the interpreter can follow would fail
somewhere later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

DEEPEST = 100
"""Lists and objects within each other."""


def parse(text: bytes | str) -> Any:
    """The value. Raises ValueError that says what is wrong."""
    try:
        value = msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError(f"nested more than {DEEPEST} deep") from error
    if _openings(text) > DEEPEST and _is_deeper(value, DEEPEST):
        raise ValueError(f"nested more than {DEEPEST} deep")
    return value


def _openings(text: bytes | str) -> int:
    """At least as many as lists and objects begin in it: counting them is much cheaper than following each."""
    return text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
    return any(_is_deeper(each, levels - 1) for each in inner)
