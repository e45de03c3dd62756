"""YAML that others wrote: read safely, whatever it is, and quoted at a length that can be read. Pure."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from typing import Any

import yaml

_quote = reprlib.Repr()
_quote.maxlevel = 3
_quote.maxdict = _quote.maxlist = _quote.maxset = _quote.maxtuple = 10
_quote.maxstring = _quote.maxother = _quote.maxlong = 200


def load_all(text: str | bytes) -> list[Any]:
    """Every document. Raises ValueError that says on one line what is wrong."""
    try:
        documents = list(yaml.safe_load_all(text))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except Exception as error:  # constructors of tagged values and dates let out whatever they run into
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    for each in _texts(documents):
        if not each.isascii():
            each.encode()  # half a character (an escape of a surrogate) could be passed on to nobody: a ValueError
    return documents


def _texts(tree: Any) -> Iterator[str]:
    """Every text in it, keys included; what has aliases is looked at once."""
    seen: set[int] = set()
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list | set | tuple) and id(value) not in seen:
            seen.add(id(value))
            waiting += [*value, *value.values()] if isinstance(value, dict) else value


def load(text: str | bytes) -> Any:
    """The one document; None when there is none. Raises ValueError."""
    documents = load_all(text)
    if len(documents) > 1:
        raise ValueError(f"it has {len(documents)} documents, where one is wanted")
    return documents[0] if documents else None


def quoted(value: Any) -> str:
    """The value for a message: what has aliases in it may be millions of times as long as its text."""
    return _quote.repr(value)
