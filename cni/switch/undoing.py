"""Going back: the new link goes, and everything is exactly as it was before the switch."""

from __future__ import annotations

import logging
from dataclasses import replace as with_fields

from cni.delegate import DelegateError
from cni.kernel import (
    install_own_table,
    interfaces,
    is_netns,
    multipath,
    neighbours,
    policy,
    remove_own_table,
    routing,
)
from cni.kernel.routing import MAIN
from cni.model import AttachmentState
from cni.switch import neighbourhood, peers, pin
from cni.switch.attaching import hold_rule, routes_from
from cni.switch.journal import Entry
from cni.switch.means import Means
from cni.switch.shifting import old_link_rule

log = logging.getLogger(__name__)


def pin_old(entry: Entry) -> None:
    """All that has no address yet uses the old path again, from one moment to the next. Raises OSError."""
    if entry.same_address:
        policy.add_rule(entry.netns, hold_rule(entry))
    pin.put(entry.netns, routes_from(entry.former_main))


def undo(means: Means, entry: Entry) -> None:
    """Removes the new generation and all that the switch made. The container's lock is held.

    Raises OSError, StepFailedError: to be done again. A plugin whose DEL fails does not keep the workload waiting.
    """
    if not is_netns(entry.netns):
        _delete_new(means, entry)
        _record_old(means, entry)
        return
    pin_old(entry)
    means.reached("undo: pinned")
    if entry.new is not None and not entry.same_address:
        multipath.delete_endpoint(entry.netns, entry.new.address)
    _delete_new(means, entry)
    _delete_leftover(entry)
    means.reached("undo: deleted")
    _name_old(means, entry)
    means.reached("undo: renamed")
    routing.set_routes(entry.netns, MAIN, routes_from(entry.former_main))
    gateways = [entry.old.gateway] if entry.old.gateway else []
    install_own_table(entry.netns, entry.ifname, entry.old.table, gateways)
    policy.delete_rule(entry.netns, old_link_rule(entry))
    policy.delete_rule(entry.netns, hold_rule(entry))
    peers.remove(entry)
    means.reached("undo: rules")
    neighbourhood.restore(entry.netns, entry.ifname, entry.sysctls)
    neighbourhood.restore(entry.netns, neighbourhood.BIRTH, entry.inherited)
    if entry.shifted_at is not None:
        neighbours.announce(entry.netns, entry.ifname, entry.old.address)
    pin.drop(entry.netns)
    means.reached("undo: dropped")


def _delete_new(means: Means, entry: Entry) -> None:
    fresh = means.store.get(entry.container_id, entry.order.attachment, entry.new_generation)
    if fresh is None:
        return
    try:
        means.attacher.detach(fresh)
    except DelegateError as error:
        # Still owed, but never again by this name in this namespace: there the old link has it back.
        means.store.put(with_fields(fresh, state=AttachmentState.DELETING, netns=""))
        remove_own_table(entry.netns, fresh.table)
        log.warning("a new link was not deleted by its plugin", extra={"switch": entry.order.id, "error": str(error)})


def _delete_leftover(entry: Entry) -> None:
    """A link that an interrupted ADD left under the true name."""
    link = interfaces.link(entry.netns, entry.ifname)
    if link is not None and link.index != entry.old.link:
        interfaces.delete(entry.netns, link.index)


def _name_old(means: Means, entry: Entry) -> None:
    link = interfaces.link(entry.netns, entry.aside)
    if link is not None and link.index == entry.old.link:
        interfaces.rename(entry.netns, link.index, entry.ifname)
    _record_old(means, entry)


def _record_old(means: Means, entry: Entry) -> None:
    """The name by which its DEL will look for it."""
    old = means.store.get(entry.container_id, entry.order.attachment, entry.old.generation)
    if old is not None and old.ifname != entry.ifname:
        means.store.put(with_fields(old, ifname=entry.ifname))
