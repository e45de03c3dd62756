"""One YAML or JSON file with objects: read whole, or refused with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cni.objects.parsing import KINDS, Identity, Value, kind_called
from cni.yamltext import load_all, quoted

DEFAULT_NAMESPACE = "default"
"""Where ``kubectl apply`` puts what names no namespace."""
FOREIGN_GROUPS = ("switcher.genie.io/",)
"""The controller's own kinds may lie in the same directory; the node has no use for them."""

Key = tuple[str, str, str]
"""Kind, namespace, name."""


class FileRefused(Exception):  # noqa: N818 - the word that callers read best
    """Nothing of this file is used; ``problems`` says all that is wrong, each with its document and path."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def read(path: Path) -> dict[Key, Value]:
    """The objects of the file. Raises FileRefused."""
    try:
        documents = load_all(path.read_text())
    except (OSError, ValueError) as error:
        raise FileRefused([str(error)]) from error
    found: dict[Key, Value] = {}
    problems: list[str] = []
    for where, content in _objects(documents):
        try:
            key, value = _object(content)
        except FileRefused as refused:
            problems.extend(f"{where}: {problem}" for problem in refused.problems)
            continue
        if value is None:
            continue
        if key in found:
            problems.append(f"{where}: {key[0]} {key[1]}/{key[2]} is there twice: remove one")
        found[key] = value
    if problems:
        raise FileRefused(problems)
    return found


def _objects(documents: list[Any]) -> Iterator[tuple[str, Any]]:
    """Each object and where it stands; ``kubectl get -o yaml`` gives a List of several."""
    for number, document in enumerate(documents, 1):
        where = f"document {number}"
        if document is None:
            continue
        if isinstance(document, dict) and document.get("kind") == "List" and isinstance(document.get("items"), list):
            yield from ((f"{where}: items[{n}]", item) for n, item in enumerate(document["items"]))
        else:
            yield where, document


def _object(content: Any) -> tuple[Key, Value | None]:
    """One object; None: it is not for the node. Raises FileRefused."""
    if not isinstance(content, dict):
        raise FileRefused([f"{quoted(content)} is no object: it needs apiVersion, kind, metadata and spec"])
    name, version = _text(content.get("kind")), _text(content.get("apiVersion"))
    if version.startswith(FOREIGN_GROUPS):
        return ("", "", ""), None
    kind = kind_called(name)
    if kind is None:
        raise FileRefused([f"kind: {quoted(name)} is not for the node{_hint(name)}"])
    identity, problems = _identity(content.get("metadata"))
    if version != kind.api_version:
        problems.insert(0, f"apiVersion: {quoted(version)} must be {kind.api_version} for a {kind.name}")
    value, findings = kind.parse(identity, content.get("spec"))
    problems += [*findings.problems, *findings.unknown]
    if problems:
        raise FileRefused(problems)
    return (kind.name, identity.namespace, identity.name), value


def _identity(metadata: Any) -> tuple[Identity, list[str]]:
    if not isinstance(metadata, dict):
        return Identity(namespace="", name="", annotations={}), ["metadata: must be a mapping with a name"]
    problems = []
    texts = {}
    for key, default in (("name", ""), ("namespace", DEFAULT_NAMESPACE)):
        value = metadata.get(key) or default
        if not isinstance(value, str) or not value:
            problems.append(f"metadata.{key}: {quoted(value)} is no name")
        texts[key] = _text(value)
    annotations = metadata.get("annotations") or {}
    if not isinstance(annotations, dict) or not all(isinstance(each, str) for each in annotations.values()):
        problems.append("metadata.annotations: must be a mapping of texts")
        annotations = {}
    return Identity(namespace=texts["namespace"], name=texts["name"], annotations=annotations), problems


def _text(value: Any) -> str:
    """As it is, or as it can be told."""
    return value if isinstance(value, str) else quoted(value) if value else ""


def _hint(name: str) -> str:
    known = [kind.name for kind in KINDS]
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f": it reads {', '.join(known)}"
