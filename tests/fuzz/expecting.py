"""How many networks a request asks for, where it says so plainly: a success attaches no fewer.

Written from the documentation (docs/node.md, docs/networks.md), not from the code that it judges.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tests.fuzz.case import Case
from tests.fuzz.corpus import NAD_KEY

ANNOTATIONS = re.compile(r"(?:^|;)K8S_ANNOT=(\{.*\})$", re.DOTALL)


def networks_asked(case: Case) -> int | None:
    """Their number; None where it is not plain."""
    found = ANNOTATIONS.search(case.env.get("CNI_ARGS", ""))
    annotations = _object(found[1]) if found else None
    netconf = _object(case.stdin)
    if annotations is None or netconf is None:
        return None
    if NAD_KEY in annotations:
        return _defaults(netconf) + _selected(str(annotations[NAD_KEY]))
    if "cni" not in annotations:
        return _defaults(netconf)
    asked = str(annotations["cni"]).strip() or str(annotations.get("networks", "")).strip()
    return _listed(asked) if asked else 1


def _defaults(netconf: Mapping[str, Any]) -> int:
    configured = str(netconf.get("default_plugin") or "").strip()
    return _listed(configured) if configured else 1


def _selected(text: str) -> int:
    if not text.strip():
        return 0
    if not set(text) & set('[{"'):
        return _listed(text)
    content = msgspec.json.decode(text)
    return len(content) if isinstance(content, list) else 1


def _listed(text: str) -> int:
    return text.count(",") + 1


def _object(text: str | bytes) -> dict[str, Any] | None:
    try:
        content = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
