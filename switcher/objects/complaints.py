"""What pydantic finds wrong, said in our words: where, what was written, what is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from switcher.errors import MOST_SHOWN, Problem, clipped, quoted
from switcher.objects.yamltree import Document, Mark, Path

TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "tuple_type": "must be a list",
    "string_unicode": "has half of a character",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "is no valid name",
    "too_short": "must have at least one element",
    "too_long": "has too many elements",
}
BARE = ("int", "float", "bool", "timestamp")
WANTS_TEXT = ("string_type", "bare_number", "number", "duration", "rate", "share", "enum", "literal_error", "wall_time")


def complaints(error: ValidationError, model: type[BaseModel], document: Document) -> list[Problem]:
    """Every error as a problem.

    Left out is what only follows from others, or is said elsewhere: tiers' order (tiers.py), the version (kinds.py).
    """
    details = error.errors(include_url=False)
    paths = [tuple(detail["loc"]) for detail in details]
    around = {path[:length] for path in paths for length in range(len(path))}
    problems = []
    for path, detail in zip(paths, details, strict=True):
        follows = detail["type"] == "too_short" and path in around
        elsewhere = detail["type"] == "tiers" or path == ("apiVersion",) or document.mark(path).refused
        if not follows and not elsewhere:
            problems.append(document.problem(path, _text(path, detail, model, document)))
    return problems


def _text(path: Path, detail: Mapping[str, Any], model: type[BaseModel], document: Document) -> str:
    kind = detail["type"]
    if kind == "missing":
        return f"required, but missing{_misspelt(path, model, document)}"
    if kind == "extra_forbidden":
        return f"unknown field {quoted(str(path[-1]))}{_nearest(str(path[-1]), _fields(model, path[:-1]))}"
    mark = document.mark(path)
    if kind in ("enum", "literal_error"):
        allowed = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        near = _nearest(str(detail["input"]), allowed).partition(": known are")[0]
        wanted = f"is not one of {', '.join(allowed)}{near}"
    else:
        wanted = detail.get("ctx", {}).get("reason") or TYPES.get(kind) or _lowered(detail["msg"])
    return f"{_quoted(detail['input'], mark)}{wanted}{_hint(kind, mark)}"


def _lowered(message: str) -> str:
    return message.replace("Input should be", "must be")


def _quoted(value: Any, mark: Mark) -> str:
    """The offending value as it was written; a whole mapping or list is not repeated, its message names the parts."""
    if isinstance(value, dict | list | tuple | BaseModel):
        return "" if value else f"{'{}' if isinstance(value, dict) else '[]'} "
    if mark.raw is not None and mark.tag in BARE:
        return f"{clipped(mark.raw)} "
    return "an empty value " if value is None else f"{quoted(value)} "


def _hint(kind: str, mark: Mark) -> str:
    if kind not in WANTS_TEXT or mark.raw is None or mark.tag not in BARE or len(mark.raw) > MOST_SHOWN:
        return ""
    reads = f" (YAML reads a bare {mark.raw} as {mark.tag})" if mark.tag == "bool" else ""
    return f': write "{mark.raw}" in quotes{reads}'


def _misspelt(path: Path, model: type[BaseModel], document: Document) -> str:
    """Nothing, unless an unknown field beside it looks like it."""
    beside: Any = document.data
    for part in path[:-1]:
        beside = beside[part]
    known = _fields(model, path[:-1])
    unknown = [key for key in beside if key not in known] if isinstance(beside, dict) else []
    match = get_close_matches(str(path[-1]), unknown, 1)
    return f" (is {quoted(match[0])} meant?)" if match else ""


def _nearest(word: str, known: Sequence[str]) -> str:
    by_lower = {name.lower(): name for name in known}
    match = get_close_matches(word.lower(), by_lower, 1, 0.5)
    return f", did you mean {by_lower[match[0]]!r}?" if match else f": known are {', '.join(known)}" if known else ""


def _fields(model: type[BaseModel], path: Path) -> list[str]:
    """The fields that are known at ``path``."""
    here: type[BaseModel] | None = model
    for part in path:
        if here is None or isinstance(part, int):
            continue
        wanted = [info for name, info in here.model_fields.items() if part in (info.alias, name)]
        here = _model_in(wanted[0].annotation) if wanted else None
    return [info.alias or name for name, info in here.model_fields.items()] if here else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
