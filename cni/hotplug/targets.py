"""Which container is meant, which of its attachments, and what a new interface is called."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cni import netconfs
from cni.kernel import is_netns, links
from cni.kernel.spaces import same_netns
from cni.model import Attachment, AttachmentState
from cni.protocol import CONTAINER_ID
from cni.store import Store
from cni.switch import Refused
from cni.wire import DetachOrder, RefusalReason

NETNS = "netns:"
OWN_NAMESPACE = "/proc/self/ns/net"
NET_NAME = re.compile(r"net\d+")


class Unusable(Refused):
    """What was asked for does not exist, or cannot be named so: ask for something else."""


@dataclass(frozen=True, slots=True)
class Target:
    """A container, or a plain namespace, that is there now."""

    container_id: str
    workload: str
    netns: str
    attachments: Sequence[Attachment]
    """All that the store has of it; none of a namespace that nobody has attached yet."""

    @property
    def plain(self) -> bool:
        """Whether no runtime made it known: a namespace that lives by hot adds alone."""
        return not any(each.runtime_ifname for each in self.attachments)

    def rules(self, store: Store) -> dict[str, Any] | None:
        """Those of the configuration that the runtime attached it by; None where there is none."""
        names = [each.runtime_network for each in self.attachments if each.runtime_network]
        return netconfs.recall(store, names[0]) if names else None


def find(store: Store, workload: str) -> Target:
    """The target of that name, or at ``netns:PATH``. Raises Unusable, and Refused for the host's own namespace."""
    path = workload.removeprefix(NETNS)
    target = _by_name(store, workload) if path == workload else _by_path(store, path)
    if same_netns(target.netns, OWN_NAMESPACE):
        raise Refused(f"workload {workload} uses the host's network", RefusalReason.HOST_NETWORK)
    return target


def of_container(store: Store, container_id: str) -> Target:
    """The container of that id. Raises Unusable when it has gone."""
    attachments = store.of_container(container_id)
    if not attachments or not is_netns(attachments[0].netns):
        raise Unusable(f"container {container_id} has gone")
    return Target(container_id, attachments[0].workload, attachments[0].netns, attachments)


def _by_name(store: Store, workload: str) -> Target:
    every = store.all()
    alive = [each for each in every if each.workload == workload and is_netns(each.netns)]
    if not alive:
        known = ", ".join(sorted({each.workload for each in every})) or "none"
        hint = f"a plain namespace is {NETNS}/run/netns/NAME"
        raise Unusable(f"this node has no running workload {workload!r} (known: {known}); {hint}")
    newest = max(alive, key=lambda each: each.started_at)
    return Target(newest.container_id, workload, newest.netns, store.of_container(newest.container_id))


def _by_path(store: Store, given: str) -> Target:
    if not given.startswith("/"):
        raise Unusable(f"{NETNS}{given}: must be the whole path, like {NETNS}/run/netns/{given or 'NAME'}")
    path = str(Path(given).parent.resolve() / Path(given).name)
    if not is_netns(path):
        raise Unusable(f"{path} is no network namespace that can be entered")
    every = store.all()
    known = next((each for each in every if same_netns(each.netns, path)), None)
    if known is not None:
        return Target(known.container_id, known.workload, known.netns, store.of_container(known.container_id))
    if path.startswith("/proc/"):
        raise Unusable(f"{path} ends with its process: give the namespace a name first (ip netns attach NAME PID)")
    name = Path(path).name
    if not CONTAINER_ID.fullmatch(name):
        raise Unusable(f"the namespace's name {name!r} may have letters, digits, '_', '.' and '-' only")
    other = next((each for each in every if each.workload == name or each.container_id == _id_of(name)), None)
    if other is not None:
        raise Unusable(f"workload {name} is known already, in namespace {other.netns}")
    return Target(_id_of(name), name, path, ())


def _id_of(name: str) -> str:
    """What the delegates know a plain namespace by."""
    return f"netns-{name}"


def made_anew(target: Target) -> bool:
    """Whether a plain namespace has none of its links: it is another one than was attached, under the old path.

    Raises OSError when it is gone.
    """
    if not target.plain or not target.attachments:
        return False
    return not {each.ifname for each in target.attachments} & links(target.netns).keys()


def taken_names(target: Target) -> set[str]:
    """The interface names that are in use, or recorded. Raises OSError when the namespace is gone."""
    recorded = {name for each in target.attachments for name in (each.name, each.ifname)}
    return recorded | links(target.netns).keys()


def next_name(taken: Collection[str], prefix: str | None = None) -> str:
    """The first free name of a series: net1, net2, ... or eth0, eth1, ...

    ``prefix`` None: of the one in use, where there is a netN.
    """
    if prefix is None:
        prefix = "net" if any(NET_NAME.fullmatch(name) for name in taken) else "eth"
    first = 1 if prefix == "net" else 0
    return next(name for n in range(first, first + len(taken) + 1) if (name := f"{prefix}{n}") not in taken)


def pick(target: Target, order: DetachOrder) -> Attachment:
    """The attachment to be detached: by its name, else by its network. Raises Unusable."""
    ready = [each for each in target.attachments if each.state is AttachmentState.READY]
    wanted = order.attachment
    found = [each for each in ready if each.name == wanted] or [each for each in ready if _is_on(each, wanted)]
    if order.ifname:
        found = [each for each in found if each.name == order.ifname]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(each.name for each in found)
        raise Unusable(f"{target.workload} has several attachments to {wanted}: say which interface ({names})")
    which = f" with interface {order.ifname}" if order.ifname else ""
    has = ", ".join(f"{each.name} on {each.network}" for each in ready) or "none"
    raise Unusable(f"{target.workload} has no attachment {wanted}{which} (it has: {has})")


def _is_on(attachment: Attachment, network: str) -> bool:
    """Whether that is its network, in full (``nad:lab/blue``) or by a part of its name (``lab/blue``, ``blue``)."""
    full = attachment.network
    return network == full or full.endswith((f":{network}", f"/{network}"))
