"""STATUS: whether an ADD could succeed now (CNI specification 1.1.0, section 2).

What counts is what a container without annotation gets: a network that only some ask for must not take the node away
from all the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cni.cluster import ClusterAway, ClusterRefused
from cni.delegate import DelegateError, Invocation
from cni.means import Means
from cni.netconf import NetworkConfig
from cni.protocol import Call, CniError, Code
from cni.selection import select
from cni.store import StoreError

ANY_IFNAME = "eth0"
"""STATUS has no CNI_IFNAME; no interface is named by it here."""


def check_health(means: Means, call: Call) -> None:
    """Raises CniError: 50 when an ADD would fail for a reason of ours, else the first delegate's own code."""
    try:
        means.store.check()
    except StoreError as error:
        raise CniError(Code.NOT_AVAILABLE, "the agent's store does not answer", str(error)) from error
    _check_cluster(means, call)
    check_default(means, call.config, call.env)


def check_default(means: Means, config: Mapping[str, Any], env: Mapping[str, str] | None = None) -> None:
    """Raises CniError while the networks of a container without annotations are not ready; ``config``: genie's."""
    for selection in select(config, {}, ANY_IFNAME):
        try:
            network = means.network(selection.network)
        except CniError as error:
            raise CniError(Code.NOT_AVAILABLE, error.msg, error.details) from error
        _ask(means, network, Invocation(env=env or {}))


def _check_cluster(means: Means, call: Call) -> None:
    """Raises CniError, 50, while nobody can say what pods want."""
    try:
        cluster = means.clusters.of(call.config)
        if cluster is not None:
            cluster.check()
    except (ClusterAway, ClusterRefused) as error:
        raise CniError(Code.NOT_AVAILABLE, "the API server cannot be asked what pods want", str(error)) from error


def _ask(means: Means, network: NetworkConfig, invocation: Invocation) -> None:
    try:
        means.delegates.require(network.config, invocation)
    except DelegateError as error:
        raise CniError(Code.NOT_AVAILABLE, error.msg, _named(network, error)) from error
    try:
        means.delegates.status(network.config, invocation)
    except DelegateError as error:
        raise CniError(error.code, error.msg, _named(network, error)) from error


def _named(network: NetworkConfig, error: DelegateError) -> str:
    context = f"network {network.network}"
    return f"{error.details} ({context})" if error.details else context
