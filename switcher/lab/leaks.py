"""What a node has beyond what it had: links, addresses, routes, rules, tables, and records of workloads."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from switcher.lab.command import inside, run

Entries = frozenset[str]
KERNEL_RULES = (0, 32766, 32767)
KERNEL_TABLES = {"main", "local", "default"}
FIRST_OWN, PIN_RULE = 20_000, 32_765
NOT_OF_THE_ENTRY = ("flags", "pref", "metrics", "expires", "cache", "mtu")
"""What changes by itself, such as ``linkdown``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything in one namespace that a workload could leave behind; one text an entry."""

    links: Entries = field(default_factory=frozenset)
    addresses: Entries = field(default_factory=frozenset)
    routes: Entries = field(default_factory=frozenset)
    rules: Entries = field(default_factory=frozenset)
    tables: Entries = field(default_factory=frozenset)
    records: Entries = field(default_factory=frozenset)

    def beyond(self, before: Inventory) -> Inventory:
        """What is here and was not there."""
        return Inventory(**{part: getattr(self, part) - getattr(before, part) for part in PARTS})

    def __or__(self, other: Inventory) -> Inventory:
        return Inventory(**{part: getattr(self, part) | getattr(other, part) for part in PARTS})

    def everything(self) -> Entries:
        """All entries, whatever they are."""
        return frozenset(entry for part in PARTS for entry in getattr(self, part))

    def without(self, known: Collection[str]) -> Inventory:
        """Less the entries that every namespace has; these come without the namespace's name."""
        kept = {part: frozenset(e for e in getattr(self, part) if e.partition(": ")[2] not in known) for part in PARTS}
        return Inventory(**kept)

    def counts(self) -> dict[str, int]:
        """How many of each, for the report."""
        return {part: len(entries) for part, entries in asdict(self).items()}

    def lines(self) -> list[str]:
        """One line an entry, for people."""
        return [f"{part[:-1]} {entry}" for part in PARTS for entry in sorted(getattr(self, part))]


PARTS = tuple(part.name for part in fields(Inventory))


def take(namespace: str, records: Iterable[str] = ()) -> Inventory:
    """What is in the namespace now. Raises LabError."""
    links = _ask(namespace, "link", "show")
    routes = _ask(namespace, "route", "show", "table", "all")
    addresses = {
        f"{link['ifname']} {address['local']}/{address['prefixlen']}"
        for link in _ask(namespace, "address", "show")
        for address in link.get("addr_info", [])
    }
    return Inventory(
        links=_marked(namespace, (link["ifname"] for link in links)),
        addresses=_marked(namespace, addresses),
        routes=_marked(namespace, (_text(route) for route in routes)),
        rules=_marked(namespace, (_text(rule) for rule in _ask(namespace, "rule", "show"))),
        tables=_marked(namespace, {str(route.get("table", "main")) for route in routes}),
        records=_marked(namespace, records),
    )


def untidy(namespace: str, ifnames: Collection[str]) -> Inventory:
    """What a workload at rest has beyond one link, one rule and one table for each of its interfaces.

    Rules of a switch under way (preferences below 20000 and 32765) and a second generation's links count. Rules of
    an own table are for addresses, so each interface has as many as it has addresses.
    """
    links = {link["ifname"] for link in _ask(namespace, "link", "show")} - {"lo", *ifnames}
    addresses = {
        address["local"]
        for link in _ask(namespace, "address", "show")
        if link["ifname"] in ifnames
        for address in link.get("addr_info", [])
    }
    rules = [rule for rule in _ask(namespace, "rule", "show") if rule["priority"] not in KERNEL_RULES]
    stray = [r for r in rules if r.get("src") not in addresses or not FIRST_OWN <= r["priority"] < PIN_RULE]
    kept = {str(rule["table"]) for rule in rules} | KERNEL_TABLES
    tables = {str(route.get("table", "main")) for route in _ask(namespace, "route", "show", "table", "all")} - kept
    return Inventory(
        links=_marked(namespace, links),
        rules=_marked(namespace, (_text(rule) for rule in stray)),
        tables=_marked(namespace, tables),
    )


def leases(directory: Path) -> list[str]:
    """Addresses that host-local's files hold (a file an address)."""
    return [
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file() and _is_address(path.name)
    ]


def _ask(namespace: str, *words: str) -> list[dict[str, Any]]:
    text = run(inside(namespace, "ip", "-j", *words)).strip()
    return [entry for entry in json.loads(text or "[]") if entry]


def _text(entry: Mapping[str, Any]) -> str:
    return " ".join(f"{key} {value}" for key, value in sorted(entry.items()) if key not in NOT_OF_THE_ENTRY)


def _marked(namespace: str, entries: Iterable[str]) -> Entries:
    return frozenset(f"{namespace}: {entry}" for entry in entries)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
