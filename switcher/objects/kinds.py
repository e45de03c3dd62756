"""Which kind of object a document is; of a misspelt one it is told, and it is judged as what it is meant to be."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from switcher.errors import Problem, quoted
from switcher.objects.base import GENIE, NAD, OURS, KubeObject
from switcher.objects.networks import LogicalNetwork, NetworkAttachmentDefinition, NetworkSwitch, PhysicalNetwork
from switcher.objects.policies import CongestionThreshold, SwitchPolicy
from switcher.objects.tariffs import ExchangeRate, Tariff
from switcher.objects.yamltree import Document

KINDS: dict[str, tuple[type[KubeObject], str]] = {
    "Tariff": (Tariff, OURS),
    "CongestionThreshold": (CongestionThreshold, OURS),
    "SwitchPolicy": (SwitchPolicy, OURS),
    "NetworkSwitch": (NetworkSwitch, OURS),
    "ExchangeRate": (ExchangeRate, OURS),
    "PhysicalNetwork": (PhysicalNetwork, GENIE),
    "Physicalnetwork": (PhysicalNetwork, GENIE),
    "LogicalNetwork": (LogicalNetwork, GENIE),
    "Logicalnetwork": (LogicalNetwork, GENIE),
    "NetworkAttachmentDefinition": (NetworkAttachmentDefinition, NAD),
}
BY_LOWER = {kind.lower(): kind for kind in reversed(KINDS)}
"""Of two spellings the first."""
MEANT = 0.8
"""Words that are so alike are one, misspelt; what is less alike is worth a hint at most."""


def as_known(document: Document, problems: list[Problem]) -> tuple[type[KubeObject] | None, Document]:
    """The kind, and the document as it is to be read; None: nobody knows what it is. Adds what is wrong with it."""
    data = document.data
    if not isinstance(data, dict):
        problems.append(document.problem((), f"an object must be a mapping, but this is {_shown(data)}"))
        return None, document
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        problems.append(document.problem(("kind",), _unknown(kind)))
        kind = _alike(kind, MEANT)
        if kind is None:
            return None, document
        document = replace(document, data={**data, "kind": kind})
    model, version = KINDS[kind]
    if data.get("apiVersion", version) != version:
        problems.append(document.problem(("apiVersion",), f"{quoted(data['apiVersion'])} must be {version} for {kind}"))
    return model, document


def _unknown(kind: Any) -> str:
    if kind is None:
        return "required, but missing"
    near = _alike(kind, 0.6)
    hint = f", did you mean {near!r}?" if near else f": known are {', '.join(KINDS)}"
    return f"unknown kind {quoted(kind)}{hint}"


def _alike(kind: Any, least: float) -> str | None:
    near = get_close_matches(kind.lower(), BY_LOWER, 1, least) if isinstance(kind, str) else []
    return BY_LOWER[near[0]] if near else None


def _shown(data: Any) -> str:
    return "a list" if isinstance(data, list) else quoted(data)
