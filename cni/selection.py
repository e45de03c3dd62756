"""What a container gets: which networks, in which order, under which interface names. Pure.

The order of decision is CNI-Genie's: the standard's selection annotation, then ``cni``, then ``networks`` for a blank
``cni``, then a choice; without any of them genie's ``default_plugin``, then the node's default network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cni.annotations import CNI_KEY, DEFAULT_NETWORK_KEY, LOGICAL_KEY, NAD_KEY, Element, parse_elements
from cni.nadspec import NO_OPTIONS, NadElement, Options, parse_networks
from cni.naming import name_interfaces, prefix_of
from cni.protocol import CniError, Code

NAD_PREFIX = "nad:"
LOGICAL_PREFIX = "logical:"
SYSTEM_NAMESPACE = "kube-system"
"""Where a default network's name is looked for first, unless ``multusNamespace`` says otherwise (Multus' default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One network to attach."""

    network: str | None
    """As asked for: ``nad:NAMESPACE/NAME``, ``logical:NAMESPACE/NAME``, ``cni:NAME`` or bare; None: the default one."""
    ifname: str
    options: Options = NO_OPTIONS
    choose: bool = False
    """Which network is not said: the best one now is to be chosen."""
    fallback: str | None = None
    """What is meant where there is no ``network``."""
    annotated: bool = False
    """Whether the standard's annotation asks for it: an edit of that may take it away again."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One network before all interfaces have names."""

    network: str | None
    ifname: str | None = None
    options: Options = NO_OPTIONS
    choose: bool = False
    fallback: str | None = None
    annotated: bool = False


def select(
    netconf: Mapping[str, Any], annotations: Mapping[str, str], ifname: str, namespace: str = "default"
) -> list[Selection]:
    """What to attach, in order, under which names.

    ``ifname`` is the runtime's CNI_IFNAME, ``namespace`` the pod's. Raises CniError that names what is wrong.
    """
    prefix = prefix_of(netconf)
    asked = _asked(netconf, annotations, ifname, namespace)
    names = name_interfaces([each.ifname for each in asked], ifname, prefix)
    return [
        Selection(
            network=each.network,
            ifname=name,
            options=each.options,
            choose=each.choose,
            fallback=each.fallback,
            annotated=each.annotated,
        )
        for each, name in zip(asked, names, strict=True)
    ]


def uses_standard(annotations: Mapping[str, str]) -> bool:
    """Whether the standard's annotations say what the pod gets, not CNI-Genie's."""
    return NAD_KEY in annotations


def asks_for_networks(annotations: Mapping[str, str]) -> bool:
    """Whether a pod says anything of its networks, so that it may look for the answer."""
    return any(key in annotations for key in (NAD_KEY, DEFAULT_NETWORK_KEY, CNI_KEY))


def _asked(netconf: Mapping[str, Any], annotations: Mapping[str, str], ifname: str, namespace: str) -> list[_Asked]:
    if uses_standard(annotations):
        # The default network has the runtime's interface, whatever else is asked for (N7, N12).
        first, *more = _defaults(netconf, annotations, namespace)
        standing = _Asked(first.network, first.ifname or ifname, first.options, fallback=first.fallback)
        wanted = parse_networks(annotations[NAD_KEY], namespace, NAD_KEY)
        check_isolation(netconf, namespace, [element.namespace for element in wanted])
        return _routed([standing, *more, *(replace(_of_nad(element), annotated=True) for element in wanted)])
    if CNI_KEY not in annotations:
        return _defaults(netconf, annotations, namespace)
    if annotations[CNI_KEY].strip():
        elements = parse_elements(annotations[CNI_KEY])
        check_isolation(netconf, namespace, [owner for owner in map(_owner, elements) if owner])
        return _of_elements(elements)
    if annotations.get(LOGICAL_KEY, "").strip():
        return _logical(netconf, annotations[LOGICAL_KEY], namespace)
    return [_Asked(None, choose=True)]


def check_isolation(netconf: Mapping[str, Any], namespace: str, asked: Sequence[str]) -> None:
    """With ``namespaceIsolation`` a pod gets objects of its own namespace and of ``globalNamespaces`` only.

    Both keys are Multus'. Raises CniError.
    """
    if netconf.get("namespaceIsolation") is not True:
        return
    shared = netconf.get("globalNamespaces", ["default"])
    if isinstance(shared, str):
        shared = shared.split(",")
    if not isinstance(shared, list) or not all(isinstance(each, str) for each in shared):
        text = "globalNamespaces must be a list of namespaces"
        raise CniError(Code.UNSUPPORTED_FIELD, text, f"globalNamespaces={shared!r}")
    foreign = sorted(set(asked) - {namespace, *(each.strip() for each in shared)})
    if foreign:
        text = f"namespace isolation: a pod of {namespace} may not use networks of {', '.join(foreign)}"
        raise CniError(
            Code.FAILED, text, "put the network into the pod's namespace, or the other into globalNamespaces"
        )


def _defaults(netconf: Mapping[str, Any], annotations: Mapping[str, str], namespace: str) -> list[_Asked]:
    """What stands for the cluster's default network; the first of it may be replaced for this pod."""
    configured = netconf.get("default_plugin") or ""
    if not isinstance(configured, str):
        raise CniError(Code.UNSUPPORTED_FIELD, "default_plugin must be a string", f"default_plugin={configured!r}")
    usual = _of_elements(parse_elements(configured)) if configured.strip() else [_Asked(None)]
    if namespace in _system_namespaces(netconf):
        usual = usual[:1]
    replaced = _replacement(netconf, annotations, namespace)
    return usual if replaced is None else [replaced, *usual[1:]]


def _system_namespaces(netconf: Mapping[str, Any]) -> list[str]:
    """``systemNamespaces``, Multus' key: their pods get only the first of the default networks. Raises CniError."""
    named = netconf.get("systemNamespaces", [])
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        text = "systemNamespaces must be a list of namespaces"
        raise CniError(Code.UNSUPPORTED_FIELD, text, f"systemNamespaces={named!r}")
    return named


def _replacement(netconf: Mapping[str, Any], annotations: Mapping[str, str], namespace: str) -> _Asked | None:
    """The one element of ``v1.multus-cni.io/default-network``: a bare name is the system's, else the pod's."""
    text = annotations.get(DEFAULT_NETWORK_KEY, "")
    if not text.strip():
        return None
    system = netconf.get("multusNamespace") or SYSTEM_NAMESPACE
    if not isinstance(system, str):
        raise CniError(Code.UNSUPPORTED_FIELD, "multusNamespace must be a string", f"multusNamespace={system!r}")
    elements = parse_networks(text, system, DEFAULT_NETWORK_KEY)
    if len(elements) != 1:
        raise CniError(Code.INVALID_ENVIRONMENT, f"annotation {DEFAULT_NETWORK_KEY} takes one network", text)
    (element,) = elements
    if element.namespace != system:
        check_isolation(netconf, namespace, [element.namespace])
    own = parse_networks(text, namespace, DEFAULT_NETWORK_KEY)[0]
    asked = _of_nad(element)
    # Its interface is the runtime's: an interface name here has no meaning.
    return _Asked(asked.network, None, asked.options, fallback=None if own == element else _name_of(own))


def _owner(element: Element) -> str:
    """The namespace that a network's name names; empty: none, as for the node's files and what all may use."""
    return element.network.removeprefix(NAD_PREFIX).removeprefix(LOGICAL_PREFIX).rpartition("/")[0]


def _of_elements(elements: Sequence[Element]) -> list[_Asked]:
    return [_Asked(element.network, element.ifname) for element in elements]


def _of_nad(element: NadElement) -> _Asked:
    return _Asked(_name_of(element), element.ifname, element.options)


def _name_of(element: NadElement) -> str:
    return f"{NAD_PREFIX}{element.namespace}/{element.name}"


def _logical(netconf: Mapping[str, Any], text: str, namespace: str) -> list[_Asked]:
    asked = []
    for element in parse_elements(text):
        there, slash, name = element.network.removeprefix(LOGICAL_PREFIX).rpartition("/")
        owner = there if slash else namespace
        check_isolation(netconf, namespace, [owner])
        asked.append(_Asked(f"{LOGICAL_PREFIX}{owner}/{name}", element.ifname))
    return asked


def _routed(asked: list[_Asked]) -> list[_Asked]:
    """Refuses a default route asked of several, the replaced default network's element included (N8)."""
    routed = [str(each.network) for each in asked if each.options.default_route is not None]
    if len(routed) > 1:
        raise CniError(Code.INVALID_ENVIRONMENT, "default-route may be on one element only", ", ".join(routed))
    return asked
