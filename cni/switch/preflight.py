"""Preflight: everything that would make a move fail or lose something is found before anything is touched."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import socket
from typing import Any

import msgspec

from cni.kernel import KernelError, interfaces, is_netns, routing
from cni.kernel.interfaces import Link
from cni.kernel.sockets import LISTEN, Socket, memberships, owner, sockets
from cni.kernel.spaces import create_netns, remove_netns, same_netns
from cni.model import DO_NOT_MOVE_KEY, MOVE_PRIMARY_KEY, Attachment, AttachmentState
from cni.netconf import NetworkConfig, NetworkUnknown
from cni.switch.attaching import side_of
from cni.switch.durations import seconds_of
from cni.switch.journal import Entry, Side
from cni.switch.means import Means, Refused, StepFailedError
from cni.switch.neighbourhood import BIRTH
from cni.switch.neighbourhood import read as read_neighbourhood
from cni.switch.verify import target_problem
from cni.wire import Phase, RefusalReason, SwitchOrder


def prepare(means: Means, order: SwitchOrder) -> Entry:
    """What the journal gets when the order can be carried out. Touches nothing. Raises Refused, OSError."""
    attachment = find(means, order)
    _permitted(means, order, attachment)
    network = _target(means, order)
    netns, ifname = attachment.netns, attachment.ifname
    try:
        old = side_of(attachment, ifname)
    except StepFailedError as error:
        raise Refused(str(error)) from error
    link = interfaces.link(netns, ifname)
    assert link is not None  # noqa: S101 - side_of has just found it; mypy cannot know
    former = routing.routes(netns)
    _has_way(former, old, network)
    if RefusalReason.BOUND_SOCKET not in order.accept:
        _unbound(netns, link, old)
    if not can_rename_up(str(means.scratch)):
        raise Refused("this kernel cannot rename a link that is up: Linux 6.2 is needed", RefusalReason.OLD_KERNEL)
    if shutil.which("nft") is None:
        raise Refused("nft (nftables), which keeps UDP peers on their path, is not installed on this node")
    now = means.clock()
    return Entry(
        order=order,
        container_id=attachment.container_id,
        netns=netns,
        ifname=ifname,
        aside=f"old{attachment.table}",
        phase=Phase.PREFLIGHT,
        started_at=now,
        changed_at=now,
        old=old,
        new_generation=attachment.generation + 1,
        former_main=tuple(route.body.hex() for route in former),
        sysctls=read_neighbourhood(netns, ifname),
        inherited=read_neighbourhood(netns, BIRTH),
    )


def find(means: Means, order: SwitchOrder) -> Attachment:
    """The attachment that an order names, in a namespace that is there. Raises Refused."""
    known = [
        each
        for each in means.store.of_workload(order.workload, order.attachment)
        if each.state is AttachmentState.READY and is_netns(each.netns)
    ]
    if not known:
        raise Refused(f"this node has no attachment {order.attachment} of workload {order.workload}")
    found = max(known, key=lambda each: (each.created_at, each.generation))
    if same_netns(found.netns, "/proc/self/ns/net"):
        raise Refused(f"workload {order.workload} uses the host's network", RefusalReason.HOST_NETWORK)
    if found.network != order.source:
        raise Refused(f"{order.workload}:{order.attachment} is on {found.network}, not on {order.source}")
    if order.target == order.source:
        raise Refused(f"{order.workload}:{order.attachment} is on {order.target} already")
    return found


def _permitted(means: Means, order: SwitchOrder, attachment: Attachment) -> None:
    where = f"{order.workload}:{order.attachment}"
    wish = attachment.annotations.get(DO_NOT_MOVE_KEY)
    if wish is not None and forbids_moving(wish, means.clock() - attachment.started_at):
        raise Refused(f"{where} is marked {DO_NOT_MOVE_KEY}: {wish}", RefusalReason.DO_NOT_MOVE)
    primary = bool(attachment.runtime_ifname) and attachment.runtime_ifname == attachment.name
    if primary and attachment.annotations.get(MOVE_PRIMARY_KEY) != "true":
        text = f"{where} is the workload's primary interface and not marked {MOVE_PRIMARY_KEY}"
        raise Refused(text, RefusalReason.PRIMARY_ADDRESS)
    problems = [problem for problem in map(target_problem, order.verify.targets) if problem]
    if problems:
        raise Refused("; ".join(problems))


def forbids_moving(wish: str, age_seconds: float) -> bool:
    """``false`` allows; a duration forbids until the workload is that old; anything else forbids for good."""
    if wish.strip().lower() in ("", "false"):
        return False
    limit = seconds_of(wish)
    return limit is None or age_seconds < limit


def _target(means: Means, order: SwitchOrder) -> NetworkConfig:
    try:
        network = means.networks.find(order.target)
    except NetworkUnknown as error:
        raise Refused(str(error)) from error
    free = network.free_addresses()
    if free is not None and free <= 0:
        raise Refused(f"network {order.target} has no free address", RefusalReason.NO_ADDRESS)
    return network


def _has_way(former: list[routing.Route], old: Side, network: NetworkConfig) -> None:
    """A default route by the old link needs a gateway in the new network, as far as its configuration tells."""
    if not any(route.default and old.link in route.links for route in former):
        return
    plugins = msgspec.json.decode(network.config).get("plugins") or []
    ipam: dict[str, Any] = next((plugin["ipam"] for plugin in plugins if isinstance(plugin.get("ipam"), dict)), {})
    if ipam.get("type") != "static":
        return  # host-local always names a gateway; of others only the ADD tells
    if any(each.get("gateway") for each in ipam.get("addresses") or []):
        return
    text = f"the attachment carries the default route, and network {network.network} names no gateway"
    raise Refused(text, RefusalReason.NO_DEFAULT_ROUTE)


def _unbound(netns: str, link: Link, old: Side) -> None:
    """No socket may be bound to what goes away. Raises Refused that names the first one and its process."""
    addresses = {held.address for held in old.addresses}
    for each in sockets(netns):
        if _is_bound(each, addresses, link.index):
            process = owner(netns, each.inode)
            by = f" of {process}" if process else ""
            to = f"link {link.name}" if each.link == link.index else f"address {each.local}"
            raise Refused(f"{each}{by} is bound to {to}", RefusalReason.BOUND_SOCKET)
    groups = memberships(netns, link.name)
    if groups:
        text = f"a socket has joined multicast group {groups[0]} on link {link.name}"
        raise Refused(text, RefusalReason.BOUND_SOCKET)


def _is_bound(each: Socket, addresses: set[str], link: int) -> bool:
    if each.link == link:
        return True
    listens = each.protocol == socket.IPPROTO_TCP and each.state == LISTEN
    unconnected = each.protocol == socket.IPPROTO_UDP and not each.remote_port
    return each.local in addresses and (listens or unconnected)


@functools.cache
def can_rename_up(scratch: str) -> bool:
    """Whether this kernel renames a link that is up (Linux 6.2); tried once, on links of a scratch namespace."""
    path = f"{scratch}/probe-{os.getpid()}"
    create_netns(path)
    try:
        interfaces.create_veth(path, "probe0", "probe1")
        link = interfaces.links(path)["probe0"]
        interfaces.set_up(path, link.index)
        interfaces.rename(path, link.index, "probe2")
    except KernelError as error:
        if error.errno == errno.EBUSY:
            return False
        raise
    finally:
        remove_netns(path)
    return True
