"""Reads fields of an object's spec, and gathers everything that is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any

from cni.yamltext import quoted

MAX_DEVICE = 15


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with an object: each with its path in it, and what to do."""

    problems: list[str] = field(default_factory=list)
    """With any of these it cannot be used."""
    unknown: list[str] = field(default_factory=list)
    """Fields that mean nothing: CNI-Genie passed over them, and so must who reads a cluster that it has served."""


class Fields:
    """A mapping of fields; what is absent, null or empty counts as not given."""

    def __init__(self, content: Any, path: str, findings: Findings) -> None:
        self._path = path
        self._findings = findings
        self._known: list[str] = []
        self._content: Mapping[str, Any] = {}
        if isinstance(content, Mapping):
            self._content = content
        elif content is not None:
            self.problem("", f"{quoted(content)} must be a mapping of fields")

    def problem(self, key: str, text: str) -> None:
        """Something is wrong with that field; empty: with all of this mapping."""
        self._findings.problems.append(f"{self._path}{'.' if key else ''}{key}: {text}")

    def text(self, key: str) -> str:
        """A text, without blanks around it."""
        value = self._take(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.problem(key, f'{quoted(value)} must be a text: write "{quoted(value)}" in quotes')
            return ""
        return value.strip()

    def subnet(self, key: str) -> str:
        """A subnet such as 10.1.0.0/16 or fd00::/64."""
        value = self.text(key)
        if not value:
            return ""
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            self.problem(key, f"{quoted(value)} is no subnet such as 10.1.0.0/16")
            return ""
        if "/" not in value or not _is_exact(value):
            self.problem(key, f"{quoted(value)} is an address, no subnet: write {network}")
        return value

    def device(self, key: str) -> str:
        """The name of a network interface."""
        value = self.text(key)
        if len(value.encode()) > MAX_DEVICE or value in (".", "..") or set(value) & set("/: \t\n"):
            self.problem(key, f"{quoted(value)} is no interface name: at most 15 characters, no blank, slash or colon")
        return value

    def flag(self, key: str) -> bool:
        """True or false, false when not given."""
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            self.problem(key, f"{quoted(value)} must be true or false, without quotes")
        return value is True

    def labels(self, key: str) -> dict[str, str]:
        """A mapping of texts, such as labels."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in (*value, *value.values())):
            self.problem(key, f"{quoted(value)} must be a mapping of texts, such as {{app: web}}")
            return {}
        return dict(value)

    def words(self, key: str) -> list[str]:
        """A list of texts."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.problem(key, f"{quoted(value)} must be a list of texts")
            return []
        return value

    def inner(self, key: str) -> Fields:
        """The fields below this one."""
        return Fields(self._take(key), f"{self._path}.{key}", self._findings)

    def each(self, key: str) -> Iterator[Fields]:
        """The fields of every element of a list."""
        value = self._take(key)
        if value is not None and not isinstance(value, list):
            self.problem(key, f"{quoted(value)} must be a list")
            return
        for number, element in enumerate(value or []):
            yield Fields(element, f"{self._path}.{key}[{number}]", self._findings)

    def end(self) -> None:
        """Every field that means something has been read."""
        for key in self._content:
            if key not in self._known:
                near = get_close_matches(str(key), self._known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self._findings.unknown.append(f"{self._path}.{key}: unknown field{hint}")

    def _take(self, key: str) -> Any:
        self._known.append(key)
        return self._content.get(key)


def _is_exact(value: str) -> bool:
    """Whether no bit is set behind the subnet's length."""
    try:
        ip_network(value)
    except ValueError:
        return False
    return True
