"""The names of a container's interfaces. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cni.protocol import CniError, Code

PREFIXES = ("eth", "net")


def prefix_of(netconf: Mapping[str, Any]) -> str:
    """``interfacePrefix`` of genie's configuration: ``eth`` (CNI-Genie's numbering) or ``net`` (Multus').

    Raises CniError, 2.
    """
    prefix = netconf.get("interfacePrefix", PREFIXES[0])
    if prefix not in PREFIXES:
        text = f"unsupported value of interfacePrefix: use {' or '.join(PREFIXES)}"
        raise CniError(Code.UNSUPPORTED_FIELD, text, f"interfacePrefix={prefix!r}")
    return str(prefix)


def name_interfaces(asked: Sequence[str | None], first: str, prefix: str = PREFIXES[0]) -> list[str]:
    """The interface's name of each element; None: it has none of its own. Raises CniError when two are the same (T52).

    Explicit names are kept. The first element without one gets ``first``, the runtime's own (CNI_IFNAME). The others:
    with ``eth`` (CNI-Genie) eth0, eth1, ... without those that are taken; with ``net`` (Multus) netN at position N
    of the list, counted from 0: the first of the list stands for the pod's default network.
    """
    taken = [ifname for ifname in asked if ifname is not None]
    if len(set(taken)) != len(taken):
        twice = sorted({name for name in taken if taken.count(name) > 1})
        raise _repeated(", ".join(twice))
    reserved = set(taken)
    names = []
    for position, ifname in enumerate(asked):
        name = ifname or _free_name(reserved, first, prefix, position)
        if ifname is None and name in reserved:
            raise _repeated(name)
        reserved.add(name)
        names.append(name)
    return names


def _free_name(reserved: set[str], first: str, prefix: str, position: int) -> str:
    if first not in reserved:
        return first
    if prefix == "net":
        return f"net{position}"
    return next(name for name in (f"eth{number}" for number in range(len(reserved) + 1)) if name not in reserved)


def _repeated(names: str) -> CniError:
    return CniError(
        Code.INVALID_ENVIRONMENT, "Repeated request for same interface name", f"{names}: give each a name of its own"
    )
