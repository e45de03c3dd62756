"""Documents that no JSON library would write: trees of values that are mutated as trees and written as bytes.

Beside dictionaries, lists, texts, numbers, booleans and None a tree may have :class:`Raw` (bytes as they are),
:class:`Pairs` (an object whose keys may repeat) and :class:`Text` (a string that holds another document, as annotations
and NetworkAttachmentDefinitions do): what is inside is mutated like everything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Tree = Any
Place = tuple[Any, Any]
"""A holder (dictionary, list, :class:`Text`, or :class:`Pairs`) and the key or number in it."""


@dataclass(frozen=True)
class Raw:
    """Bytes that are written as they are: ``NaN``, brackets without end, what is no JSON at all."""

    data: bytes


@dataclass
class Pairs:
    """An object with its keys in order, each as often as it is listed."""

    items: list[tuple[str, Tree]] = field(default_factory=list)


@dataclass
class Text:
    """A string whose content is a document of its own."""

    value: Tree


def write(tree: Tree) -> bytes:
    """The tree as JSON, as far as it is any."""
    if isinstance(tree, Raw):
        return tree.data
    if isinstance(tree, Text):
        return _quoted(content(tree))
    if isinstance(tree, dict):
        return _braced((str(key), value) for key, value in tree.items())
    if isinstance(tree, Pairs):
        return _braced(iter(tree.items))
    if isinstance(tree, list):
        return b"[" + b", ".join(write(each) for each in tree) + b"]"
    return json.dumps(tree).encode()


def content(tree: Tree) -> bytes:
    """What a reader of a string finds in it: of a text the text itself, of everything else its JSON."""
    if isinstance(tree, Text):
        return content(tree.value) if isinstance(tree.value, str) else write(tree.value)
    if isinstance(tree, str):
        return tree.encode("utf-8", "surrogatepass")
    return write(tree)


def copied(tree: Tree) -> Tree:
    """Another tree that is the same; what is in :class:`Raw` is shared."""
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [copied(each) for each in tree]
    if isinstance(tree, Pairs):
        return Pairs([(key, copied(value)) for key, value in tree.items])
    if isinstance(tree, Text):
        return Text(copied(tree.value))
    return tree


def places(tree: Tree, level: int = 0) -> Iterator[tuple[int, Place]]:
    """Every place below the root where something stands that can be changed, and how deep it is."""
    keys: list[Any] = []
    if isinstance(tree, dict):
        keys = list(tree)
    elif isinstance(tree, list):
        keys = list(range(len(tree)))
    elif isinstance(tree, Text):
        keys = ["value"]
    for key in keys:
        yield level, (tree, key)
        yield from places(standing((tree, key)), level + 1)


def standing(place: Place) -> Tree:
    """What stands there."""
    holder, key = place
    return holder.value if isinstance(holder, Text) else holder[key]


def put(place: Place, value: Tree) -> None:
    """Something else in its place."""
    holder, key = place
    if isinstance(holder, Text):
        holder.value = value
    else:
        holder[key] = value


def drop(place: Place) -> None:
    """Nothing in its place; of a text nothing is left."""
    holder, key = place
    if isinstance(holder, Text):
        holder.value = ""
    else:
        del holder[key]


def _quoted(data: bytes) -> bytes:
    """A JSON string of these bytes, which need not be UTF-8: then neither is the document."""
    text = data.decode("utf-8", "surrogateescape")
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogateescape")


def _braced(items: Iterator[tuple[str, Tree]]) -> bytes:
    return b"{" + b", ".join(json.dumps(key).encode() + b": " + write(value) for key, value in items) + b"}"
