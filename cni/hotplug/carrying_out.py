"""Makes a pod's attachments what its annotation asks for, one step after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cni.annotations import NAD_KEY
from cni.cluster import Cluster, Pod
from cni.elements import BY_ANNOTATION, asked_as, element_of, recorded
from cni.hotplug.asked import Asked
from cni.hotplug.changes import Changes, Found, Wish, wanted_changes
from cni.hotplug.parts import Parts
from cni.hotplug.plugging import HotPlug
from cni.hotplug.targets import Target, Unusable, of_container
from cni.kernel import is_netns
from cni.model import Attachment, AttachmentState
from cni.nadspec import NO_OPTIONS, NadElement, parse_networks
from cni.netconf import NetworkConfig, NetworkUnknown
from cni.protocol import CniError, Code
from cni.selection import NAD_PREFIX, check_isolation
from cni.switch import Refused
from cni.wire import MoveReason, SwitchOrder


class Undecided(Exception):  # noqa: N818 - no error: it is under way
    """A live switch that the edit asked for has not ended yet: look again."""


@dataclass(frozen=True, slots=True)
class CarryingOut:
    """Steps of edits, by the parts of the agent."""

    parts: Parts
    hotplug: HotPlug
    cluster: Cluster

    def carry_out(self, pod: Pod) -> bool:
        """Whether the pod is known here; everything is as it asks for then.

        New attachments come first; while one of them fails nothing is taken away. Raises CniError for what the
        annotation cannot mean, Undecided, and what hot add and remove raise.
        """
        container_id = self._container_of(pod)
        if container_id is None:
            return False
        with self.parts.locks.hold(container_id):
            target = of_container(self.parts.store, container_id)
        elements = _elements(pod)
        check_isolation(
            target.rules(self.parts.store) or {}, pod.namespace, [element.namespace for element in elements]
        )
        changes = _changes(elements, target.attachments)
        for wish in changes.adds:
            self._add(container_id, elements[wish.place])
        replaced = [pair for pair in changes.swaps if not self._switched(target, pair, elements)]
        for old in changes.removes:
            self._remove(container_id, old.name)
        for old, wish in replaced:
            # What the new one asks for cannot be given by a switch, and two links cannot have one name.
            self._remove(container_id, old.name)
            self._add(container_id, elements[wish.place])
        return True

    def _container_of(self, pod: Pod) -> str | None:
        """The pod's sandbox that is alive; None before its ADD."""
        rows = [row for row in self.parts.store.all() if row.pod_uid and pod.is_meant_by(row.pod_uid)]
        alive = [row for row in rows if row.state is AttachmentState.READY and is_netns(row.netns)]
        return max(alive, key=lambda row: row.started_at).container_id if alive else None

    def _add(self, container_id: str, element: NadElement) -> None:
        network = self._network(element)
        asked = Asked(
            network=network,
            name=_name_of(element),
            ifname=element.ifname or "",
            options=element.options,
            by=BY_ANNOTATION,
        )
        self.hotplug.add(lambda: of_container(self.parts.store, container_id), asked)

    def _remove(self, container_id: str, name: str) -> None:
        def choose(target: Target) -> Attachment:
            found = next((each for each in target.attachments if each.name == name), None)
            if found is None or found.runtime_ifname == name:
                raise Unusable(f"{target.workload} has no attachment {name} that an annotation may take away")
            return found

        self.hotplug.remove(lambda: of_container(self.parts.store, container_id), choose)

    def _network(self, element: NadElement) -> NetworkConfig:
        try:
            return self.parts.networks.of_cluster(self.cluster).find(_name_of(element))
        except NetworkUnknown as error:
            raise Refused(str(error)) from error  # it may be made yet

    def _switched(self, target: Target, pair: tuple[Found, Wish], elements: Sequence[NadElement]) -> bool:
        """Has an attachment switched to another network under its name; False when a switch cannot do it.

        Raises Undecided while it moves, Refused.
        """
        old, wish = pair
        element = elements[wish.place]
        row = next(each for each in target.attachments if each.name == old.name)
        if element.options != NO_OPTIONS or row.capabilities not in (b"", b"{}"):
            return False
        name = _name_of(element)
        if row.network == name:
            self._relabel(row, wish.element)
            return True
        self._network(element)  # it must be there, before anything begins
        tried = [each for each in self.parts.switches.statuses() if each.id.startswith(_id_of(target, row, wish))]
        if not tried or tried[-1].outcome is not None:
            number = len(tried)
            self.parts.switches.start(
                SwitchOrder(
                    id=f"{_id_of(target, row, wish)}-{number}",
                    workload=row.workload,
                    attachment=row.name,
                    source=row.network,
                    target=name,
                    reason=MoveReason.MANUAL,
                )
            )
        raise Undecided

    def _relabel(self, row: Attachment, element: str) -> None:
        """It is what was asked for by now, so that is what it was asked for as."""
        with self.parts.locks.hold(row.container_id):
            now = self.parts.store.get(row.container_id, row.name, row.generation)
            if now is not None and now.network == row.network:
                self.parts.store.put(replace(now, request=recorded(element, row.name, BY_ANNOTATION)))


def _elements(pod: Pod) -> list[NadElement]:
    return parse_networks(pod.annotations.get(NAD_KEY, ""), pod.namespace, NAD_KEY)


def _changes(elements: Sequence[NadElement], attachments: Sequence[Attachment]) -> Changes:
    wishes = [
        Wish(element_of(_name_of(element), element.options), element.ifname, place)
        for place, element in enumerate(elements)
    ]
    asked = [(each, *asked_as(each.request)) for each in attachments if each.state is AttachmentState.READY]
    found = [Found(element, each.name) for each, element, by in asked if by == BY_ANNOTATION]
    try:
        return wanted_changes(wishes, found)
    except ValueError as error:
        raise CniError(Code.INVALID_ENVIRONMENT, f"annotation {NAD_KEY}", str(error)) from error


def _name_of(element: NadElement) -> str:
    return f"{NAD_PREFIX}{element.namespace}/{element.name}"


def _id_of(target: Target, row: Attachment, wish: Wish) -> str:
    """One edit of one attachment, whoever carries it out and however often."""
    digest = hashlib.sha256(wish.element.encode()).hexdigest()[:12]
    return f"edit-{target.container_id[:24]}-{row.name}-{row.generation}-{digest}"
