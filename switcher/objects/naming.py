"""How networks are named: ``nad:ns/name``, ``logical:ns/name``, ``cni:name``, or bare (api.md)."""

from __future__ import annotations


def bare(network: str) -> str:
    """The name without what kind of network it is and without its namespace."""
    return network.rpartition(":")[2].rpartition("/")[2]
