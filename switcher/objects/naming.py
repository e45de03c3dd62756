"""Names (api.md): networks are ``nad:ns/name``, ``logical:ns/name``, ``cni:name``, or bare; workloads ``ns/name``."""

from __future__ import annotations


def bare(network: str) -> str:
    """The name without what kind of network it is and without its namespace."""
    return network.rpartition(":")[2].rpartition("/")[2]


def namespace_of(workload: str) -> str:
    """``shop`` of ``shop/web-0``; what has none is in the default one."""
    namespace, slash, _ = workload.partition("/")
    return namespace if slash else "default"
