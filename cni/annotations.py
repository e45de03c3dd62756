"""What a pod asks for: CNI-Genie's ``cni`` annotation, the names of its interfaces, its CNI_ARGS. Pure.

``cni: "flannel, weave@eth4"`` is a list of ``NETWORK[@INTERFACE]``. Outside Kubernetes the annotations come as the JSON
object ``K8S_ANNOT`` in CNI_ARGS. Source: CNI-Genie's documentation and code; the CNI conventions for CNI_ARGS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cni.model import DO_NOT_MOVE_KEY, MOVE_PRIMARY_KEY
from cni.protocol import CniError, Code, check_ifname

CNI_KEY = "cni"
LOGICAL_KEY = "networks"
NAD_KEY = "k8s.v1.cni.cncf.io/networks"
DEFAULT_NETWORK_KEY = "v1.multus-cni.io/default-network"
LABELS_KEY = "switcher.genie.io/labels"
ANNOTATIONS_ARG = "K8S_ANNOT"

KNOWN_ARGS = frozenset(
    {
        "IgnoreUnknown",
        "IP",
        "MAC",
        "K8S_POD_NAME",
        "K8S_POD_NAMESPACE",
        "K8S_POD_INFRA_CONTAINER_ID",
        "K8S_POD_UID",
        ANNOTATIONS_ARG,
    }
)
KEPT_ANNOTATIONS = (DO_NOT_MOVE_KEY, MOVE_PRIMARY_KEY)
PREFIXES = ("eth", "net")
OTHER_KINDS = ("nad:", "logical:")


@dataclass(frozen=True, slots=True)
class Element:
    """One network asked for; ``ifname`` None: it gets a name by its place."""

    network: str
    ifname: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """One network to attach and its interface's name; ``network`` None: the node's default one."""

    network: str | None
    ifname: str


def parse_args(text: str) -> dict[str, str]:
    """CNI_ARGS, ``K=V;K2=V2``. Raises CniError 4 when malformed, or a key is unknown and IgnoreUnknown is not set.

    ``K8S_ANNOT`` holds a JSON object, in which ``;`` and ``=`` are ordinary: its value reaches from the ``{`` after the
    ``=`` to the matching ``}``, and ``;`` or the end must follow.
    """
    found: dict[str, str] = {}
    rest = text
    while rest:
        key, equals, after = rest.partition("=")
        if not equals or not key or ";" in key:
            raise CniError(Code.INVALID_ENVIRONMENT, "CNI_ARGS: invalid pair", rest.split(";")[0])
        if key == ANNOTATIONS_ARG and after.lstrip().startswith("{"):
            found[key], rest = _json_value(after.lstrip())
            continue
        value, _, rest = after.partition(";")
        if "=" in value:
            raise CniError(Code.INVALID_ENVIRONMENT, "CNI_ARGS: invalid pair", f"{key}={value}")
        found[key] = value
    unknown = sorted(set(found) - KNOWN_ARGS)
    if unknown and found.get("IgnoreUnknown", "").lower() not in ("1", "true"):
        raise CniError(Code.INVALID_ENVIRONMENT, "CNI_ARGS: unknown args", ", ".join(unknown))
    return found


def delegate_args(args: Mapping[str, str]) -> str:
    """CNI_ARGS for the delegates: all but the annotations, which their parsers cannot read."""
    kept = {"IgnoreUnknown": "1", **{key: value for key, value in args.items() if key != ANNOTATIONS_ARG}}
    return ";".join(f"{key}={value}" for key, value in kept.items())


def workload_of(args: Mapping[str, str], container_id: str) -> str:
    """``namespace/pod``, or the container's id outside Kubernetes."""
    name = args.get("K8S_POD_NAME")
    return f"{args.get('K8S_POD_NAMESPACE') or 'default'}/{name}" if name else container_id


def annotations_of(args: Mapping[str, str]) -> dict[str, str] | None:
    """The annotations in ``K8S_ANNOT``; None when there are none.

    Raises CniError when they are not an object of strings.
    """
    text = args.get(ANNOTATIONS_ARG)
    if text is None:
        return None
    try:
        content = json.loads(text or "{}")
    except ValueError as error:
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: {ANNOTATIONS_ARG} is not JSON", str(error)) from error
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: {ANNOTATIONS_ARG} must be an object of strings")
    return content


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


def select(netconf: Mapping[str, Any], annotations: Mapping[str, str], ifname: str) -> list[Selection]:
    """What to attach, in order, under which names (CNI-Genie's order of decision).

    ``ifname`` is the runtime's CNI_IFNAME. Raises CniError, by name for what is not supported yet.
    """
    for key in (NAD_KEY, DEFAULT_NETWORK_KEY):
        if key in annotations:
            raise CniError(Code.NOT_SUPPORTED_YET, f"annotation {key} is not supported yet")
    prefix = netconf.get("interfacePrefix", PREFIXES[0])
    if prefix not in PREFIXES:
        raise CniError(Code.UNSUPPORTED_FIELD, "unsupported value of interfacePrefix", f"interfacePrefix={prefix!r}")
    wanted = annotations.get(CNI_KEY)
    if wanted is None:
        wanted = netconf.get("default_plugin") or ""
        if not isinstance(wanted, str):
            raise CniError(Code.UNSUPPORTED_FIELD, "default_plugin must be a string", f"default_plugin={wanted!r}")
        if not wanted.strip():
            return [Selection(None, ifname)]
    elif not wanted.strip():
        what = f"logical networks (annotation {LOGICAL_KEY})" if annotations.get(LOGICAL_KEY, "").strip() else ""
        raise CniError(
            Code.NOT_SUPPORTED_YET, f"{what or 'choosing a network for an empty cni annotation'} not supported yet"
        )
    elements = parse_elements(wanted)
    names = name_interfaces(elements, ifname, prefix)
    return [Selection(element.network, name) for element, name in zip(elements, names, strict=True)]


def name_interfaces(elements: Sequence[Element], first: str, prefix: str = "eth") -> list[str]:
    """The interface's name of each element. Raises CniError when two are the same (T52).

    Explicit names are kept. The first element without one gets ``first``, the runtime's own (CNI_IFNAME). The others:
    with ``eth`` (CNI-Genie) eth0, eth1, ... without those that are taken; with ``net`` (Multus) netN at position N
    of the list, counted from 0: the first of the list stands for the pod's default network.
    """
    taken = [element.ifname for element in elements if element.ifname is not None]
    if len(set(taken)) != len(taken):
        twice = sorted({name for name in taken if taken.count(name) > 1})
        raise CniError(Code.INVALID_ENVIRONMENT, "Repeated request for same interface name", ", ".join(twice))
    reserved = set(taken)
    names = []
    for position, element in enumerate(elements):
        name = element.ifname or _free_name(reserved, first, prefix, position)
        if element.ifname is None and name in reserved:
            raise CniError(Code.INVALID_ENVIRONMENT, "Repeated request for same interface name", name)
        reserved.add(name)
        names.append(name)
    return names


def _free_name(reserved: set[str], first: str, prefix: str, position: int) -> str:
    if first not in reserved:
        return first
    if prefix == "net":
        return f"net{position}"
    return next(name for name in (f"eth{number}" for number in range(len(reserved) + 1)) if name not in reserved)


def _element(part: str, whole: str) -> Element:
    network, at, rest = part.strip().partition("@")
    # CNI-Genie drops what follows a second @.
    ifname = rest.split("@")[0].strip()
    if not network.strip():
        raise CniError(Code.INVALID_ENVIRONMENT, "a network's name is empty", whole)
    if network.startswith(OTHER_KINDS):
        raise CniError(
            Code.NOT_SUPPORTED_YET, "only networks of the node's CNI configurations are supported yet", network
        )
    if at and not ifname:
        raise CniError(Code.INVALID_ENVIRONMENT, "an interface's name is empty after @", part.strip())
    if ifname:
        check_ifname(ifname)
    return Element(network.strip(), ifname or None)


def _json_value(text: str) -> tuple[str, str]:
    """The JSON object that ``text`` begins with, and what follows its ``;``."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError as error:
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: {ANNOTATIONS_ARG} is not JSON", str(error)) from error
    after = text[end:].lstrip()
    if after and not after.startswith(";"):
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: text after {ANNOTATIONS_ARG}", after.split(";")[0])
    return text[:end], after[1:]
