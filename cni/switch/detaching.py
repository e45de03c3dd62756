"""The Detach step: the old link meets its DEL in a scratch namespace, under the name that its ADD gave it.

Plugins delete by name, and some find their firewall rules by the link's addresses, which the kernel takes away as a
link changes its namespace: so they are put back first.
"""

from __future__ import annotations

import time

from cni.kernel import interfaces, is_netns, multipath, policy, remove_own_table
from cni.kernel.interfaces import Address
from cni.kernel.spaces import create_netns, remove_netns
from cni.switch import neighbourhood, peers
from cni.switch.attaching import hold_rule
from cni.switch.journal import Entry
from cni.switch.means import Means
from cni.switch.shifting import old_link_rule

IN_FLIGHT_SECONDS = 0.1
"""From the last answer that may leave by the old link until that link goes."""


def detach(means: Means, entry: Entry) -> None:
    """Removes the old generation and all that the switch made. The container's lock is held.

    Raises DelegateError, OSError, StepFailedError: to be done again.
    """
    alive = is_netns(entry.netns)
    if alive:
        peers.remove(entry)
        time.sleep(IN_FLIGHT_SECONDS)
        means.reached("detach: peers")
    delete_aside(means, entry)
    if alive:
        policy.delete_rule(entry.netns, old_link_rule(entry))
        policy.delete_rule(entry.netns, hold_rule(entry))
        remove_own_table(entry.netns, entry.old.table)
        means.reached("detach: rules")
        if not entry.same_address:
            multipath.delete_endpoint(entry.netns, entry.old.address)
        neighbourhood.restore(entry.netns, entry.ifname, entry.inherited)


def delete_aside(means: Means, entry: Entry) -> None:
    """DEL of the old generation, its link shown in a scratch namespace. Raises DelegateError, OSError."""
    scratch = str(means.scratch / entry.order.id)
    old = means.store.get(entry.container_id, entry.order.attachment, entry.old.generation)
    if old is not None:
        create_netns(scratch)
        means.reached("detach: scratch")
        _take_away(entry, scratch)
        means.reached("detach: moved")
        _dress(entry, scratch)
        means.reached("detach: dressed")
        means.attacher.detach(old, netns=scratch, ifname=entry.ifname)
        means.reached("detach: deleted")
    remove_netns(scratch)


def _take_away(entry: Entry, scratch: str) -> None:
    """Moves the old link into the scratch namespace, if it is not there yet."""
    if not is_netns(entry.netns):
        return
    link = interfaces.link(entry.netns, entry.aside)
    if link is not None and link.index == entry.old.link:
        interfaces.move(entry.netns, link.index, scratch, entry.ifname)


def _dress(entry: Entry, scratch: str) -> None:
    """Puts the old link's addresses back onto it."""
    link = interfaces.link(scratch, entry.ifname)
    if link is None:
        return
    for held in entry.old.addresses:
        interfaces.add_address(
            scratch, link.index, Address(link.index, held.address, held.prefix, held.scope, held.broadcast, 0)
        )
