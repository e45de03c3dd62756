"""Who carries a workload's default route after a hot add or remove, in the results that are kept of its attachments.

CHECK, DEL and what is told of a pod go by these results, so they say what is in main.
"""

from __future__ import annotations

import socket
from dataclasses import replace

import msgspec

from cni.default_route import FAMILIES, DefaultRoute, result_with
from cni.hotplug import beside
from cni.hotplug.journal import Entry
from cni.hotplug.main_table import families_of
from cni.hotplug.targets import Target
from cni.model import Attachment, AttachmentState
from cni.store import Store
from cni.switch.attaching import routes_from

VERSIONS: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 6}


def told(store: Store, entry: Entry, attachment: Attachment) -> Attachment:
    """The new attachment with its true result, stored; where it took the default route, the others' results too."""
    asked = frozenset(VERSIONS[family] for family in families_of(entry.gateways))
    carried = {VERSIONS[route.family] for route in routes_from(entry.former) if route.default}
    kept = FAMILIES - asked - carried
    if asked:
        for other in store.of_container(entry.container_id):
            if other.name != attachment.name and other.state is AttachmentState.READY:
                store.put(_with(other, DefaultRoute(kept=FAMILIES - asked)))
    new = _with(attachment, DefaultRoute(kept=kept, gateways=entry.gateways or ()))
    store.put(new)
    return new


def hand_over(store: Store, target: Target, leaving: Attachment) -> None:
    """The default route that only the leaving one carries goes to the next that can, in main and in its result.

    Raises OSError.
    """
    others = [each for each in target.attachments if each.name != leaving.name and each.result]
    given = beside.hand_over(target.netns, leaving.ifname, [each.table for each in others])
    if given is None:
        return
    table, gateway = given
    heir = next(each for each in others if each.table == table)
    store.put(_with(heir, DefaultRoute(kept=FAMILIES - {4}, gateways=(gateway,) if gateway else ())))


def _with(attachment: Attachment, wanted: DefaultRoute) -> Attachment:
    result = result_with(msgspec.json.decode(attachment.result), wanted)
    return replace(attachment, result=msgspec.json.encode(result))
