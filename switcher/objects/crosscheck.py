"""What must hold between objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from switcher.errors import Problem
from switcher.objects.base import KubeObject
from switcher.objects.naming import bare
from switcher.objects.networks import LogicalNetwork, NetworkAttachmentDefinition, PhysicalNetwork
from switcher.objects.policies import CongestionThreshold, SwitchPolicy
from switcher.objects.tariffs import ExchangeRate, Tariff
from switcher.objects.yamltree import Document, Path


@dataclass(frozen=True, slots=True)
class Placed:
    """A valid object and the document that it came from."""

    item: KubeObject
    document: Document

    def problem(self, path: Path, text: str) -> Problem:
        """A problem with this object."""
        return self.document.problem(path, text)


@dataclass(slots=True)
class Unread:
    """What may be among the inputs all the same: that it is missing would only follow from another problem."""

    names: set[str] = field(default_factory=set)
    """Of objects of kinds that nobody knows."""
    files: bool = False
    """Whether whole files could not be read."""

    def add(self, document: Document) -> None:
        """An object of an unknown kind."""
        metadata = document.data.get("metadata") if isinstance(document.data, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(name, str):
            self.names.add(name)

    def beside(self, other: Unread) -> Unread:
        """Both."""
        return Unread(self.names | other.names, self.files or other.files)


def between(
    placed: Sequence[Placed], known_networks: Collection[str] | None, unread: Unread | None = None
) -> Iterator[Problem]:
    """Everything that is wrong between objects that are valid one by one."""
    checks: tuple[Callable[[Sequence[Placed]], Iterator[Problem]], ...] = (
        _names_differ,
        _lists_differ,
        _lists_agree,
        _rates_differ,
        _thresholds_differ,
    )
    for check in checks:
        yield from check(placed)
    yield from _physical_networks_exist(placed, unread or Unread())
    if known_networks is not None:
        yield from _candidates_exist(placed, known_networks)


def _names_differ(placed: Sequence[Placed]) -> Iterator[Problem]:
    seen: dict[tuple[str, str | None, str], Placed] = {}
    for one in placed:
        if isinstance(one.item, Tariff | ExchangeRate):
            continue
        key = (one.item.kind, one.item.metadata.namespace, one.item.name)
        if key in seen:
            where = seen[key].document
            text = f"a second {one.item.kind} named {one.item.name!r}: the first is in {where.file}"
            yield one.problem(("metadata", "name"), f"{text}, line {where.mark(()).line}")
        seen.setdefault(key, one)


def _lists_differ(placed: Sequence[Placed]) -> Iterator[Problem]:
    seen: dict[Any, Placed] = {}
    for one in placed:
        if not isinstance(one.item, Tariff):
            continue
        key = (one.item.contract, one.item.order)
        if key in seen:
            where = seen[key].document
            recorded = one.item.spec.recorded_at
            text = (
                f"a second price list of contract {one.item.contract!r} valid from "
                f"{one.item.spec.valid_from.isoformat()} and recorded at "
                f"{recorded.isoformat() if recorded else 'no stated time'}: "
                f"the first is in {where.file}, line {where.mark(()).line}; give "
                f"{'another recordedAt' if recorded else 'recordedAt'} to the one that counts"
            )
            yield one.problem(("spec", "validFrom"), text)
        seen.setdefault(key, one)


def _lists_agree(placed: Sequence[Placed]) -> Iterator[Problem]:
    first: dict[str, Tariff] = {}
    for one in placed:
        if not isinstance(one.item, Tariff):
            continue
        spec, other = one.item.spec, first.setdefault(one.item.contract, one.item).spec
        pairs = (
            ("currency", spec.currency, other.currency),
            ("timezone", spec.timezone, other.timezone),
            ("billingPeriod", spec.billing_period, other.billing_period),
        )
        for name, mine, theirs in pairs:
            if mine != theirs:
                text = f"{mine} here, but {theirs} in another price list of contract {one.item.contract!r}"
                yield one.problem(("spec", name), f"{text}: lists that replace each other must agree")


def _rates_differ(placed: Sequence[Placed]) -> Iterator[Problem]:
    seen: dict[Any, ExchangeRate] = {}
    for one in placed:
        if isinstance(one.item, ExchangeRate):
            spec = one.item.spec
            other = seen.setdefault((spec.source, spec.target, spec.date), one.item).spec
            if other.rate != spec.rate:
                text = f"a second rate from {spec.source} to {spec.target} dated {spec.date.isoformat()}"
                yield one.problem(("spec", "rate"), f"{text}: {spec.rate} here, and {other.rate}")


def _thresholds_differ(placed: Sequence[Placed]) -> Iterator[Problem]:
    seen: dict[str | None, str] = {}
    for one in placed:
        if isinstance(one.item, CongestionThreshold):
            for network in one.item.spec.physical_networks or (None,):
                if network in seen:
                    what = f"for {network!r}" if network else "default"
                    text = f"a second threshold {what}: {seen[network]!r} is one already"
                    yield one.problem(("spec", "physicalNetworks"), text)
                seen.setdefault(network, one.item.name)


def _physical_networks_exist(placed: Sequence[Placed], unread: Unread) -> Iterator[Problem]:
    known = sorted({one.item.name for one in placed if isinstance(one.item, PhysicalNetwork)})
    if not known or unread.files:
        return
    for one in placed:
        for path, name in _physical_names(one.item):
            if name.rpartition("/")[2] not in unread.names.union(known):
                yield one.problem(path, f"unknown physical network {name!r}: known are {', '.join(known)}")


def _physical_names(item: KubeObject) -> Iterator[tuple[Path, str]]:
    if isinstance(item, Tariff | CongestionThreshold):
        for number, name in enumerate(item.spec.physical_networks or ()):
            yield ("spec", "physicalNetworks", number), name
    elif isinstance(item, NetworkAttachmentDefinition) and item.physical_network is not None:
        yield ("metadata", "annotations"), item.physical_network
    elif isinstance(item, LogicalNetwork) and item.spec.physical_net:
        yield ("spec", "physicalNet"), item.spec.physical_net


def _candidates_exist(placed: Sequence[Placed], known: Collection[str]) -> Iterator[Problem]:
    by_bare: defaultdict[str, list[str]] = defaultdict(list)
    for network in sorted(known):
        by_bare[bare(network)].append(network)
    for one in placed:
        if not isinstance(one.item, SwitchPolicy):
            continue
        for number, name in enumerate(one.item.spec.candidates or ()):
            path: Path = ("spec", "candidates", number)
            matches = by_bare.get(name, [])
            if name not in known and not matches:
                yield one.problem(path, f"unknown network {name!r}: known are {', '.join(sorted(known)) or 'none'}")
            elif name not in known and len(matches) > 1:
                yield one.problem(path, f"{name!r} may be {' or '.join(matches)}: write which")
