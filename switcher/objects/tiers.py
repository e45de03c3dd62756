"""Tiers in a document: checked on the raw data, so that each problem names its tier even where others are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError

from switcher.errors import Problem, quoted
from switcher.objects.values import decimal
from switcher.objects.yamltree import Document, Path


def out_of_order(document: Document) -> Iterator[Problem]:
    """Every tier that does not end above the one before, is open too early, or closes the list."""
    spec = document.data.get("spec")
    charges = spec.get("charges") if isinstance(spec, dict) else None
    for number, charge in enumerate(charges if isinstance(charges, list) else []):
        for kind in ("volume", "percentile"):
            body = charge.get(kind) if isinstance(charge, dict) else None
            tiers = body.get("tiers") if isinstance(body, dict) else None
            if isinstance(tiers, list):
                yield from _of_list(document, ("spec", "charges", number, kind, "tiers"), tiers)


def _of_list(document: Document, path: Path, tiers: list[Any]) -> Iterator[Problem]:
    before = Decimal(0)
    for number, tier in enumerate(tiers):
        if not isinstance(tier, dict):
            continue
        last = number == len(tiers) - 1
        up_to = tier.get("upTo")
        here = (*path, number, "upTo")
        if up_to is None and not last:
            yield document.problem(here, "required, but missing: only the last tier is open")
        elif up_to is not None and last:
            yield document.problem(
                here, f"{quoted(up_to)} on the last tier: it must have none, or units beyond had no price"
            )
        elif up_to is not None:
            try:
                end = decimal(up_to)
            except PydanticCustomError:
                continue  # the model says what is wrong with it
            if 0 < end <= before:  # one below zero is wrong for itself
                yield document.problem(here, f"{quoted(up_to)} is out of order: it must be above {before}")
            before = max(before, end)
