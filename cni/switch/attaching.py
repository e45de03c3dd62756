"""The Attach step: pin, rename the old link aside, ADD the new one under the true name."""

from __future__ import annotations

from dataclasses import replace as with_fields

import msgspec

from cni.attach import AttachRequest
from cni.kernel import install_own_table, interfaces, policy, routing
from cni.kernel.policy import Rule
from cni.kernel.routing import Route
from cni.model import Attachment
from cni.netconf import NetworkUnknown
from cni.results import canonical
from cni.switch import end_state, neighbourhood, peers, pin
from cni.switch.journal import Entry, Held, Side
from cni.switch.means import Means, StepFailedError

HOLD_PREFERENCE = 10000
"""Rules of a switch come before every attachment's own (20000 and up)."""


def attach(means: Means, entry: Entry) -> Entry:
    """Brings up the new link beside the old; the workload keeps using the old one alone.

    The container's lock is held. Raises StepFailedError, DelegateError, OSError: to be undone.
    """
    netns = entry.netns
    old = _old_attachment(means, entry)
    neighbourhood.make_strict(netns, _present_name(entry))
    neighbourhood.make_strict(netns, neighbourhood.BIRTH)
    # Should the new network give the old address, plugins announce it before anything can be done about it.
    neighbourhood.make_loose(netns, neighbourhood.BIRTH)
    means.reached("attach: neighbours")
    gateways = [entry.old.gateway] if entry.old.gateway else []
    install_own_table(netns, _present_name(entry), entry.old.table, gateways)
    policy.add_rule(netns, hold_rule(entry))
    pin.put(netns, routes_from(entry.former_main))
    means.reached("attach: pinned")
    peers.install(entry)
    means.reached("attach: peers")
    step_aside(entry)
    means.reached("attach: renamed")
    means.store.put(with_fields(old, ifname=entry.aside))
    means.reached("attach: recorded")
    fresh = means.attacher.attach(_request(means, entry, old))
    means.reached("attach: added")
    neighbourhood.restore(netns, neighbourhood.BIRTH, entry.inherited)
    return _with_new(entry, fresh)


def _with_new(entry: Entry, fresh: Attachment) -> Entry:
    """The entry with what the new link turned out to be, and the kernel told of it."""
    netns = entry.netns
    new = side_of(fresh, entry.ifname)
    known = msgspec.structs.replace(entry, new=new)
    present = routing.routes(netns)
    try:
        by_new = end_state.routes_by_new(routes_from(entry.former_main), present, entry.old.link, new)
    except end_state.NoWayError as error:
        raise StepFailedError(str(error)) from error
    install_own_table(netns, entry.ifname, new.table, [new.gateway] if new.gateway else [])
    if known.same_address:
        neighbourhood.make_loose(netns, entry.aside)
    else:
        neighbourhood.make_filter_strict(netns, entry.ifname, entry.inherited)
        policy.delete_rule(netns, hold_rule(entry))
    peers.install(known)
    return msgspec.structs.replace(known, new_main=tuple(route.body.hex() for route in by_new))


def side_of(attachment: Attachment, ifname: str) -> Side:
    """One generation as it is in the kernel now. Raises StepFailedError when it lacks what a move needs."""
    netns = attachment.netns
    link = interfaces.link(netns, ifname)
    if link is None:
        raise StepFailedError(f"there is no link {ifname} in {netns}")
    addresses = interfaces.addresses_of(netns, link.index)
    if not addresses:
        raise StepFailedError(f"link {ifname} has no IPv4 address")
    held = tuple(Held(address=a.address, prefix=a.prefix, scope=a.scope, broadcast=a.broadcast) for a in addresses)
    gateway = gateway_of(attachment.result) or _routed_gateway(netns, link.index)
    return Side(
        generation=attachment.generation,
        link=link.index,
        table=attachment.table,
        addresses=held,
        gateway=gateway,
    )


def gateway_of(result: bytes) -> str | None:
    """The first IPv4 gateway that a result of ADD names."""
    if not result:
        return None
    found = canonical(msgspec.json.decode(result))
    named = [str(each.get("gateway") or "") for each in found["ips"]]
    return next((gateway for gateway in named if gateway and ":" not in gateway), None)


def routes_from(lines: tuple[str, ...]) -> list[Route]:
    """Routes as the journal keeps them."""
    return [Route(bytes.fromhex(line)) for line in lines]


def hold_rule(entry: Entry) -> Rule:
    """Keeps the old address on the old path, also when the new network gives the very same address."""
    return Rule(preference=HOLD_PREFERENCE, table=entry.old.table, source=entry.old.address)


def step_aside(entry: Entry) -> None:
    """The old link gets its name for the time of the switch; done already is done. Raises OSError."""
    link = interfaces.link(entry.netns, entry.ifname)
    if link is not None and link.index == entry.old.link:
        interfaces.rename(entry.netns, link.index, entry.aside)


def _present_name(entry: Entry) -> str:
    link = interfaces.link(entry.netns, entry.ifname)
    return entry.ifname if link is not None and link.index == entry.old.link else entry.aside


def _old_attachment(means: Means, entry: Entry) -> Attachment:
    old = means.store.get(entry.container_id, entry.order.attachment, entry.old.generation)
    if old is None:
        raise StepFailedError("the attachment was deleted meanwhile")
    return old


def _request(means: Means, entry: Entry, old: Attachment) -> AttachRequest:
    try:
        network = means.networks.find(entry.order.target)
    except NetworkUnknown as error:
        raise StepFailedError(str(error)) from error
    return AttachRequest(
        container_id=entry.container_id,
        name=old.name,
        workload=old.workload,
        netns=old.netns,
        ifname=entry.ifname,
        network=network,
        generation=entry.new_generation,
        position=old.position,
        cni_args=old.cni_args,
        capabilities=old.capabilities,
        started_at=old.started_at,
        annotations=old.annotations,
        labels=old.labels,
        request=old.request,
        runtime_ifname=old.runtime_ifname,
        runtime_network=old.runtime_network,
        pod_uid=old.pod_uid,
    )


def _routed_gateway(netns: str, link: int) -> str | None:
    by_link = [route for route in routing.routes(netns) if route.link == link and route.gateway]
    by_link.sort(key=lambda route: not route.default)
    return by_link[0].gateway if by_link else None
