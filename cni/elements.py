"""What an attachment was asked for as, in one spelling: it stays with it while its network changes. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from cni.nadspec import NO_OPTIONS, Options

BY_ANNOTATION = "annotation"
"""Asked for by the standard's annotation: an edit of that takes it away."""
BY_HAND = "hand"
"""Asked for by ``switcher attach``: edits of annotations leave it alone."""


def element_of(network: str | None, options: Options = NO_OPTIONS) -> str:
    """One element of a selection without its interface; equal ones are equal texts."""
    asked = {key: value for key, value in msgspec.to_builtins(options).items() if _says_something(key, value)}
    return json.dumps({"network": network, **asked}, sort_keys=True)


def recorded(element: str, ifname: str, by: str = "") -> str:
    """For ``Attachment.request``: the element, the interface that it got, and who asked."""
    return json.dumps({**json.loads(element), "interface": ifname, **({"by": by} if by else {})})


def asked_as(request: str) -> tuple[str, str]:
    """Of ``Attachment.request``: the element, and who asked."""
    content: dict[str, Any] = json.loads(request or "{}")
    content.pop("interface", None)
    by = content.pop("by", "")
    return json.dumps(content, sort_keys=True), str(by)


def _says_something(key: str, value: Any) -> bool:
    # An empty list of gateways says that there is no default route; none says nothing.
    return bool(value) or (key == "default_route" and value is not None)
