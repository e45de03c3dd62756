"""YAML and JSON text as plain data that remembers where every value stands.

Stricter than YAML: keys are strings and given once, and what YAML 1.1 turns into something that nobody wrote (``22:00``
into 1320, ``010`` into 8) is refused with a hint. Times stay text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from switcher.errors import MOST_SHOWN, Problem, clipped, quoted

Path = tuple[str | int, ...]
PLAIN_INT = re.compile(r"-?(0|[1-9][0-9]*)")
MOST_NODES = 200_000
MOST_CHARACTERS = 8_000_000
"""Of one text: it is read at some 100,000 a second."""
DEEPEST = 60
TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value stands (the first line is 1) and, for a scalar, its text and the type that YAML saw."""

    line: int
    raw: str | None = None
    tag: str = ""
    refused: bool = False
    """What is wrong with it has been said already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file; ``prefix`` leads to it inside a ``kind: List``.

    ``number`` counts the documents of the file from 1; the first is not worth a word.
    """

    data: Any
    file: str
    marks: dict[Path, Mark] = field(default_factory=dict)
    prefix: Path = ()
    number: int = 1

    def mark(self, path: Path) -> Mark:
        """The mark of the value at ``path`` or of the nearest one around it."""
        whole = self.prefix + path
        for length in range(len(whole), -1, -1):
            if whole[:length] in self.marks:
                found = self.marks[whole[:length]]
                return found if length == len(whole) else Mark(found.line)
        return Mark(0)

    def problem(self, path: Path, text: str) -> Problem:
        """A problem with the value at ``path``."""
        told = _in_document(text, self.number)
        return Problem(self.file, self.mark(path).line, dotted(self.prefix + path), told, self.number)


def _in_document(text: str, number: int) -> str:
    return f"{text} (document {number})" if number > 1 else text


def dotted(path: Path) -> str:
    """``spec.charges[2].volume`` from its parts."""
    text = ""
    for part in path:
        name = str(part) if len(str(part)) <= MOST_SHOWN else f"{str(part)[:MOST_SHOWN]}…"
        text += f"[{name}]" if isinstance(part, int) else f".{name}" if text else name
    return text


def read(text: str, file: str) -> tuple[list[Document], list[Problem]]:
    """All documents of a text, and everything that is wrong with it as YAML or JSON."""
    documents: list[Document] = []
    problems: list[Problem] = []
    if len(text) > MOST_CHARACTERS:
        what = f"is too large: {len(text):,} characters, more than {MOST_CHARACTERS:,}"
        return documents, [Problem(file, 0, "", f"{what}; write several files")]
    try:
        for number, node in enumerate(yaml.compose_all(_without_tabs(text), Loader=yaml.SafeLoader), 1):
            walk = _Walk(file, number)
            data = walk.value(node, (), 0)
            problems += walk.problems
            if data is not None:
                documents.append(Document(data=data, file=file, marks=walk.marks, number=number))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.append(Problem(file, line, "", f"no valid YAML: {error.problem or error.context}"))
    except RecursionError:
        problems.append(Problem(file, 0, "", "no valid YAML: too deeply nested"))
    except yaml.YAMLError as error:
        problems.append(Problem(file, 0, "", f"no valid YAML: {' '.join(str(error).split())}"))
    return documents, problems


def _without_tabs(text: str) -> str:
    """JSON may be indented by tabs, YAML not; inside JSON's strings a tab cannot stand."""
    if "\t" not in text:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


class _Walk:
    """Turns one document's nodes into data, noting marks and problems on the way."""

    def __init__(self, file: str, number: int) -> None:
        self.file = file
        self.number = number
        self.marks: dict[Path, Mark] = {}
        self.problems: list[Problem] = []
        self._count = 0

    def value(self, node: yaml.Node | None, path: Path, depth: int) -> Any:
        if node is None:
            return None
        self._count += 1
        if self._count > MOST_NODES or depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem="too large or too deeply nested", problem_mark=node.start_mark)
        if path not in self.marks:
            self.marks[path] = Mark(node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number), depth + 1) for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == TAG + "merge":
                merged.update(self._merged(value_node, path, depth))
                continue
            key = self._key(key_node, path)
            if key in first:
                self._problem(line, (*path, key), f"{quoted(key)} is given twice: first on line {first[key]}")
                continue
            first[key] = line
            self.marks[(*path, key)] = Mark(line, *_scalar_text(value_node))
            found[key] = self.value(value_node, (*path, key), depth + 1)
        return {**merged, **found}

    def _merged(self, node: yaml.Node, path: Path, depth: int) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, Any] = {}
        for part in reversed(parts):
            if not isinstance(part, yaml.MappingNode):
                self._problem(part.start_mark.line + 1, path, "<< merges mappings only")
            else:
                result.update(self._mapping(part, path, depth + 1))
        return result

    def _key(self, node: yaml.Node, path: Path) -> str:
        text = str(node.value) if isinstance(node, yaml.ScalarNode) else "?"
        if not isinstance(node, yaml.ScalarNode) or node.tag != TAG + "str":
            kind = node.tag.removeprefix(TAG)
            self._problem(
                node.start_mark.line + 1, (*path, text), f"the key {clipped(text)} is read by YAML as {kind}: quote it"
            )
        return text

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        raw, tag = _scalar_text(node)
        line = node.start_mark.line + 1
        if self.marks[path].raw is None:
            self.marks[path] = Mark(self.marks[path].line, raw, tag)
        if tag in ("str", "timestamp"):
            return raw
        if tag not in ("int", "float", "bool", "null"):
            self._refuse(line, path, f"the tag {clipped(node.tag)} is not allowed")
            return None
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            self._refuse(line, path, f"{clipped(raw)} cannot be read: {error}")
            return None
        if tag == "int" and not PLAIN_INT.fullmatch(raw):
            self._refuse(
                line, path, f'YAML reads {clipped(raw)} as the number {clipped(value)}: quote it: "{clipped(raw)}"'
            )
        return value

    def _refuse(self, line: int, path: Path, text: str) -> None:
        self.marks[path] = replace(self.marks[path], refused=True)
        self._problem(line, path, text)

    def _problem(self, line: int, path: Path, text: str) -> None:
        told = _in_document(text, self.number)
        self.problems.append(Problem(self.file, line, dotted(path), told, self.number))


def _scalar_text(node: yaml.Node) -> tuple[str, str]:
    if not isinstance(node, yaml.ScalarNode):
        return "", ""
    return str(node.value), node.tag.removeprefix(TAG)


def listed(documents: list[Document]) -> Iterator[Document]:
    """The documents, those inside a ``kind: List`` one by one."""
    for document in documents:
        data = document.data
        if isinstance(data, dict) and data.get("kind") == "List" and isinstance(data.get("items"), list):
            for number, item in enumerate(data["items"]):
                yield replace(document, data=item, prefix=("items", number))
        else:
            yield document
