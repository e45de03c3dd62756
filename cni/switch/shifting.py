"""The Shift step: main gets its end state behind the pin, then the pin goes."""

from __future__ import annotations

from cni.kernel import multipath, neighbours, policy, routing
from cni.kernel.policy import Rule
from cni.kernel.routing import MAIN
from cni.kernel.sockets import Socket, sockets
from cni.switch import end_state, pin
from cni.switch.attaching import HOLD_PREFERENCE, hold_rule, routes_from
from cni.switch.journal import Entry, Side
from cni.switch.means import Means, StepFailedError

SUBFLOWS = 8
"""Subflows that a multipath connection may have here: one per network that it was on and has not yet left."""


def shift(means: Means, entry: Entry) -> None:
    """Sends what has no address yet by the new link. The container's lock is held. Raises OSError, StepFailedError."""
    netns, new = entry.netns, known_new(entry)
    wanted = end_state.main_after(routes_from(entry.former_main), routes_from(entry.new_main), entry.old.link)
    routing.set_routes(netns, MAIN, wanted)
    means.reached("shift: main")
    # What is bound to the old link, but to no address, has no route there otherwise.
    policy.add_rule(netns, old_link_rule(entry))
    if entry.same_address:
        # One address on two links: every flow moves at this moment, in the order that leaves it a path.
        policy.delete_rule(netns, own_rule(entry))
        policy.delete_rule(netns, hold_rule(entry))
    offer_to_multipath(entry, new)
    means.reached("shift: rules")
    pin.drop(netns)
    means.reached("shift: dropped")
    neighbours.announce(netns, entry.ifname, new.address)
    means.reached("shift: announced")


def known_new(entry: Entry) -> Side:
    """The new side. Raises StepFailedError when there is none."""
    if entry.new is None:
        raise StepFailedError("the new link was never attached")
    return entry.new


def old_link_rule(entry: Entry) -> Rule:
    """What leaves by the old link looks into the old table."""
    return Rule(preference=HOLD_PREFERENCE + 1, table=entry.old.table, out_link=entry.aside)


def own_rule(entry: Entry) -> Rule:
    """The rule that the old attachment has for life."""
    return next(
        (rule for rule in policy.rules(entry.netns) if rule.table == entry.old.table and rule.preference >= 20000),
        hold_rule(entry),
    )


def offer_to_multipath(entry: Entry, new: Side) -> None:
    """Lets multipath connections on the old address use the new one too. Raises OSError."""
    if entry.same_address or not any(_subflow_on(each, entry.old) for each in sockets(entry.netns)):
        return
    multipath.allow_subflows(entry.netns, SUBFLOWS)
    multipath.add_endpoint(entry.netns, new.address)


def _subflow_on(each: Socket, side: Side) -> bool:
    return each.token is not None and each.local == side.address
