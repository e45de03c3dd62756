"""The annotations that users and we write on pods, and CNI-Genie's grammar ``NETWORK[@INTERFACE], ...``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cni.model import DO_NOT_MOVE_KEY, MOVE_PRIMARY_KEY
from cni.protocol import CniError, Code, check_ifname

CNI_KEY = "cni"
LOGICAL_KEY = "networks"
NAD_KEY = "k8s.v1.cni.cncf.io/networks"
DEFAULT_NETWORK_KEY = "v1.multus-cni.io/default-network"
LABELS_KEY = "switcher.genie.io/labels"

STATUS_KEY = "k8s.v1.cni.cncf.io/network-status"
ADDRESSES_KEY = "multi-ip-preferences"
"""Written by us: what is attached, and all addresses."""

KEPT_ANNOTATIONS = (DO_NOT_MOVE_KEY, MOVE_PRIMARY_KEY)


@dataclass(frozen=True, slots=True)
class Element:
    """One network asked for; ``ifname`` None: it gets a name by its place."""

    network: str
    ifname: str | None = None


def kept_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Those that stay with an attachment for the live switch."""
    return {key: annotations[key] for key in KEPT_ANNOTATIONS if key in annotations}


def labels_of(annotations: Mapping[str, str]) -> dict[str, str]:
    """A workload's labels outside Kubernetes: ``switcher.genie.io/labels: "app=web,tier=front"``. Raises CniError."""
    labels = {}
    for part in filter(None, (part.strip() for part in annotations.get(LABELS_KEY, "").split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise CniError(Code.INVALID_ENVIRONMENT, f"annotation {LABELS_KEY}: not KEY=VALUE", part)
        labels[key.strip()] = value.strip()
    return labels


def parse_elements(text: str) -> list[Element]:
    """``a,b@eth5`` as elements. Raises CniError that names the bad element."""
    return [_element(part, text) for part in text.split(",")]


def _element(part: str, whole: str) -> Element:
    network, at, rest = part.strip().partition("@")
    # CNI-Genie drops what follows a second @.
    ifname = rest.split("@")[0].strip()
    if not network.strip():
        raise CniError(Code.INVALID_ENVIRONMENT, "a network's name is empty", whole)
    if at and not ifname:
        raise CniError(Code.INVALID_ENVIRONMENT, "an interface's name is empty after @", part.strip())
    if ifname:
        check_ifname(ifname)
    return Element(network.strip(), ifname or None)
