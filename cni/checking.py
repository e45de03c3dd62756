"""CHECK: whether a container's attachments are as their last result says (CNI specification 1.1.0, section 2).

It goes by the store alone: after a switch the present network's configuration and result count, whatever the runtime
remembers. What was added later by others (routes, addresses) is tolerated.
"""

from __future__ import annotations

from ipaddress import ip_interface

import msgspec

from cni.delegate import DelegateError
from cni.means import Means
from cni.model import Attachment, AttachmentState
from cni.protocol import Call, CniError, Code
from cni.results import addresses_of


def check(means: Means, call: Call) -> None:
    """Raises CniError with the first thing that is wrong: by our own look, then by the delegates'."""
    with means.locks.hold(call.container_id):
        known = [
            attachment
            for attachment in means.store.of_container(call.container_id)
            if attachment.runtime_ifname in ("", call.ifname)
        ]
        if not any(attachment.runtime_ifname for attachment in known):
            raise CniError(
                Code.UNKNOWN_CONTAINER,
                f"container {call.container_id} has no attachment {call.ifname}: an ADD comes first",
            )
        moving = means.moving()
        for attachment in known:
            _check_one(means, call, attachment, (attachment.workload, attachment.name) in moving)


def _check_one(means: Means, call: Call, attachment: Attachment, moving: bool) -> None:
    context = f"{attachment.network} {attachment.ifname}"
    if attachment.state is not AttachmentState.READY:
        if moving:
            return  # one of two generations: the switch sees to it
        raise CniError(Code.FAILED, f"interface {attachment.ifname} is not attached", f"{attachment.state} ({context})")
    _check_presence(means, attachment, moving, context)
    if moving:
        return  # two links for one name: a delegate would look for the wrong one
    try:
        means.attacher.check(attachment, env=call.env)
    except DelegateError as error:
        raise CniError(error.code, error.msg, f"{error.details} ({context})" if error.details else context) from error


def _check_presence(means: Means, attachment: Attachment, moving: bool, context: str) -> None:
    result = msgspec.json.decode(attachment.result)
    # A result calls the interface what it was called at its ADD.
    addresses = addresses_of(result, attachment.name)
    inside = [each.get("name") for each in result.get("interfaces") or [] if each.get("sandbox")]
    if not addresses and attachment.name not in inside:
        return  # a plugin that made no interface
    # A table has something to say where there is a subnet; the tables of a moving attachment are the switch's.
    subnets = any(ip_interface(address).version == 4 and "/32" not in address for address in addresses)
    table = attachment.table if subnets and not moving else None
    try:
        lacking = means.kernel.lacks(attachment.netns, attachment.ifname, addresses, table)
    except OSError as error:
        raise CniError(Code.FAILED, f"the namespace of {attachment.ifname} cannot be entered", str(error)) from error
    if lacking:
        raise CniError(Code.FAILED, lacking[0], "; ".join([*lacking[1:], context]))
