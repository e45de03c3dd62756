"""What of a refused object can be compared with others all the same, so that their problems together are told too.

Only for :mod:`switcher.objects.crosscheck`: what was wrong is left out, and something harmless stands in for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pydantic import ValidationError

from switcher.objects.base import KubeObject
from switcher.objects.crosscheck import Placed
from switcher.objects.networks import PhysicalNetwork
from switcher.objects.policies import CongestionThreshold
from switcher.objects.tariffs import Tariff
from switcher.objects.yamltree import Document

IDENTITY = ("name", "namespace")
LIST_FIELDS = ("physicalNetworks", "contract", "currency", "timezone", "billingPeriod", "validFrom", "recordedAt")
COMPARED = {Tariff: LIST_FIELDS, CongestionThreshold: ("physicalNetworks",)}
"""Fields of a spec of which it is compared, too, that they are absent: they cannot be left out."""
STAND_INS: dict[type[KubeObject], dict[str, Any]] = {
    Tariff: {"charges": [{"name": "none", "fixed": {"price": "0", "per": "hour"}}]},
    PhysicalNetwork: {"refer_nic": "eth0"},
}
"""Fields of a spec that must be there, and are not compared."""


def remains(kind: type[KubeObject], document: Document, error: ValidationError) -> list[Placed]:
    """The object without what is wrong with it; none where just that is compared, or it has no name."""
    details = error.errors(include_url=False)
    metadata = _left(document, "metadata", IDENTITY, details)
    spec = _left(document, "spec", COMPARED.get(kind, ()), details)
    unnamed = kind is not Tariff and "name" not in metadata
    if unnamed or (kind in COMPARED and any(_hides_a_field(detail) for detail in details)):
        return []
    left = {"kind": document.data["kind"], "metadata": metadata, "spec": {**STAND_INS.get(kind, {}), **spec}}
    try:
        return [Placed(kind.model_validate(left, by_alias=True, by_name=False), document)]
    except ValidationError:
        return []


def _left(document: Document, part: str, compared: Collection[str], details: Sequence[Any]) -> dict[str, Any]:
    """The fields of a part of the document that are right, or compared and so must be."""
    written = document.data.get(part)
    wrong = {detail["loc"][:2] for detail in details}
    fields = written.items() if isinstance(written, dict) else ()
    return {key: value for key, value in fields if key in compared or (part, key) not in wrong}


def _hides_a_field(detail: Any) -> bool:
    """Whether the spec is none at all, or has an unknown field, which may stand for any."""
    where = detail["loc"]
    return where == ("spec",) or (where[:1] == ("spec",) and len(where) == 2 and detail["type"] == "extra_forbidden")
