"""CNI-Genie's LogicalNetworks: which plugin, which subnet, which parent NIC. Pure.

A dedicated PhysicalNetwork belongs to one tenant: its plugin counts, and a logical network's subnet lies inside its
own. A shared one serves several: plugin and subnet are the logical network's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from cni.cluster import LogicalNetwork, PhysicalNetwork
from cni.subnets import SubnetRefused, with_subnet

DEFAULT_NAMESPACE = "genie-system"
"""References to objects of this namespace need no namespace."""

PARENT_KEYS = {"macvlan": "master", "ipvlan": "master", "vlan": "master", "sriov": "master", "host-device": "device"}
"""Where a plugin reads its parent link; the others reach their uplink by the node's routes."""


class LogicalRefused(Exception):  # noqa: N818 - the word that callers read best
    """The objects do not make a network; the text says what is wrong with which of them, and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a logical network comes to."""

    plugin: str
    subnet: str
    physical: PhysicalNetwork | None


def plan(logical: LogicalNetwork, physical: Callable[[str, str], PhysicalNetwork]) -> Plan:
    """``physical`` gets a PhysicalNetwork by namespace and name. Raises LogicalRefused, and what that raises."""
    where = f"LogicalNetwork {logical.namespace}/{logical.name}"
    if not logical.physical_net:
        return Plan(_given(logical.plugin, f"{where}: spec.plugin"), logical.sub_subnet, None)
    below = physical(logical.namespace, logical.physical_net)
    base = f"PhysicalNetwork {below.namespace}/{below.name}"
    if not below.dedicated:
        plugin = _given(logical.plugin, f"{where}: spec.plugin (its {base} is shared)")
        return Plan(plugin, _given(logical.sub_subnet, f"{where}: spec.sub_subnet (its {base} is shared)"), below)
    plugin = _given(below.plugin, f"{base}: spec.sharedStatus.plugin")
    if logical.sub_subnet and below.subnet and not _lies_inside(logical.sub_subnet, below.subnet):
        raise LogicalRefused(
            f"{where}: sub_subnet {logical.sub_subnet} is not inside {below.subnet} of {base}: choose a part of it"
        )
    return Plan(plugin, logical.sub_subnet or below.subnet, below)


def carried_out(plan: Plan, listed: Mapping[str, Any], parent: str | None) -> dict[str, Any]:
    """The plugin's configuration list with the plan's subnet and parent NIC in it. Raises LogicalRefused."""
    try:
        content = with_subnet(listed, plan.subnet) if plan.subnet else dict(listed)
    except SubnetRefused as error:
        raise LogicalRefused(f"plugin {plan.plugin} cannot give addresses of {plan.subnet}: {error}") from error
    if parent is None:
        return content
    plugins = [
        {**plugin, PARENT_KEYS[plugin["type"]]: parent} if plugin["type"] in PARENT_KEYS else plugin
        for plugin in content["plugins"]
    ]
    return {**content, "plugins": plugins}


def parent_nic(physical: PhysicalNetwork, labels: Callable[[], Mapping[str, str]]) -> str | None:
    """The NIC on a node with these labels: of the first of ``uplinks`` that selects it, else ``refer_nic``.

    Raises what ``labels`` raises, which is asked only where there is a choice.
    """
    chosen = (uplink.refer_nic for uplink in physical.uplinks if uplink.selects(labels()))
    return next(chosen, None) or physical.refer_nic or None


def physical_name(physical: PhysicalNetwork) -> str:
    """As tariffs and thresholds call it: ``namespace/name``, or bare in the default namespace."""
    if physical.namespace == DEFAULT_NAMESPACE:
        return physical.name
    return f"{physical.namespace}/{physical.name}"


def _given(value: str, what: str) -> str:
    if not value.strip():
        raise LogicalRefused(f"{what} is missing")
    return value.strip()


def _lies_inside(inner: str, outer: str) -> bool:
    try:
        one, other = ip_network(inner), ip_network(outer, strict=False)
    except ValueError as error:
        raise LogicalRefused(str(error)) from error
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]  # of one version, as asked
