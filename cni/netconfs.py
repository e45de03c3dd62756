"""What genie's configurations said at the last ADD, for what happens to a container between its runtime's calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

KEPT = ("namespaceIsolation", "globalNamespaces", "genieArgs", "interfacePrefix")
"""The rules that hold for a later network of a container too."""


class Notes(Protocol):
    """The agent's store, as far as it is needed here."""

    def note(self, key: str) -> str | None:
        """The value kept under the key."""

    def keep_note(self, key: str, value: str) -> None:
        """Keep it."""


def remember(notes: Notes, config: Mapping[str, Any]) -> None:
    """Keep the rules of a configuration, by its name; the disk is written to only when they are others."""
    text = json.dumps({key: config[key] for key in KEPT if key in config}, sort_keys=True)
    key = _key(str(config["name"]))
    if notes.note(key) != text:
        notes.keep_note(key, text)


def recall(notes: Notes, name: str) -> dict[str, Any] | None:
    """The rules of the configuration of that name; None where it was never seen."""
    text = notes.note(_key(name))
    return None if text is None else dict(json.loads(text))


def _key(name: str) -> str:
    return f"netconf {name}"
