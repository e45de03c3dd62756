"""Checks of a mapping or a list as a whole, told together with what is wrong inside it.

Pydantic's validators in mode "after" never run where a field or an element is wrong: the user would learn of what they
find only when all else is mended. These look at what was written, so they run in any case. A check says nothing about
parts that it cannot read, and nothing that only follows from an unknown field: each of those has its own problem.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from switcher.objects.values import wrong

MOST_NAMED = 10
Raw = Mapping[str, Any]
Handler = Callable[[Any], Any]
Check = Callable[[type[BaseModel], Raw], Iterable[InitErrorDetails]]


def fault(text: str, value: Any, *path: str | int) -> InitErrorDetails:
    """What is wrong with a whole, or with the part of it that ``path`` leads to."""
    return InitErrorDetails(type=wrong("whole", text), loc=path, input=value)


def beside(faults: Iterable[InitErrorDetails], value: Any, handler: Handler) -> Any:
    """What ``handler`` makes of the value. Raises ValidationError with the faults and all that it finds itself."""
    found = list(faults)
    if not found:
        return handler(value)
    try:
        handler(value)
    except ValidationError as error:
        found += [_again(detail) for detail in error.errors(include_url=False)]
    raise ValidationError.from_exception_data("whole", found)


def empty_if(must: bool, why: str, value: Any, handler: Handler) -> Any:
    """The list that ``handler`` makes of the value; one that must be empty, and is not, is wrong."""
    return beside([fault(why, value)] if must and listed(value) else (), value, handler)


def _again(detail: Any) -> InitErrorDetails:
    same = PydanticCustomError(detail["type"], detail["msg"], detail.get("ctx"))
    return InitErrorDetails(type=same, loc=detail["loc"], input=detail["input"])


def of_fields(check: Check) -> Any:
    """A validator of a model: the check sees the mapping as it was written."""

    def run(cls: type[BaseModel], value: Any, handler: Handler) -> Any:
        return beside(check(cls, value) if isinstance(value, Mapping) else (), value, handler)

    return model_validator(mode="wrap")(run)


def exactly_one(*ways: str) -> Any:
    """A validator: one of the fields is given, and only one."""

    def check(cls: type[BaseModel], raw: Raw) -> Iterator[InitErrorDetails]:
        count = len(given(raw, ways))
        if count > 1 or (count == 0 and not unknown(cls, raw)):
            yield fault(f"needs exactly one of {', '.join(ways[:-1])} and {ways[-1]}", raw)

    return of_fields(check)


def together(*fields: str) -> Any:
    """A validator: both of the fields are given, or none."""

    def check(cls: type[BaseModel], raw: Raw) -> Iterator[InitErrorDetails]:
        if 0 < len(given(raw, fields)) < len(fields) and not unknown(cls, raw):
            yield fault(f"{' and '.join(fields)} go together", raw)

    return of_fields(check)


def distinct(*fields: str) -> Any:
    """A validator of lists of names."""

    def run(names: Any, handler: Handler) -> Any:
        twice = repeated(listed(names))
        return beside([fault(f"names {', '.join(twice)} twice", names)] if twice else (), names, handler)

    return field_validator(*fields, mode="wrap")(run)


def given(raw: Raw, fields: Iterable[str]) -> list[str]:
    """Those of the fields that say something, right or wrong."""
    return [field for field in fields if raw.get(field) not in (None, [], ())]


def unknown(model: type[BaseModel], keys: Iterable[str]) -> bool:
    """Whether the model does not know one of the fields: it may stand for one that seems to be missing."""
    return not set(keys) <= {key for name, info in model.model_fields.items() for key in (name, info.alias)}


def listed(value: Any) -> list[Any]:
    """The elements, as far as it is a list."""
    return list(value) if isinstance(value, list | tuple) else []


def part(whole: Any, *names: str) -> Any:
    """The first of the fields that is there, of a mapping or a model; None: none is."""
    found = [whole.get(name) if isinstance(whole, Mapping) else getattr(whole, name, None) for name in names]
    return next((value for value in found if value is not None), None)


def repeated(names: Iterable[Any]) -> list[str]:
    """Names that come more than once; of many only the first."""
    counts = Counter(name for name in names if isinstance(name, str) and name)
    return sorted(name for name, times in counts.items() if times > 1)[:MOST_NAMED]
