"""Hot add and remove, each under the container's lock, each either whole or undone, also after a crash.

A plugin may put routes into main as it attaches, and so take traffic away from a path that works. So main is pinned
first (:mod:`cni.switch.pin`), the ADD done, main put right, and the pin dropped at last: nobody sees main meanwhile.
What has begun is journaled first; an entry whose container's lock is free belongs to a crash, and is undone.
"""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack
from dataclasses import replace

from cni.args import delegate_args, parse_args
from cni.attach import AttachRequest, where
from cni.hotplug import beside, undoing
from cni.hotplug.journal import Entry, Journal
from cni.hotplug.parts import Parts
from cni.hotplug.targets import Target, Unusable, find, made_anew, next_name, pick, taken_names
from cni.model import Attachment
from cni.netconf import NetworkConfig, NetworkUnknown
from cni.protocol import CniError, check_ifname
from cni.switch import Refused
from cni.wire import AttachOrder, DetachOrder

BY_HAND = "hand"
"""Who asked, in an attachment's ``request``: an annotation that does not name it leaves it alone."""

log = logging.getLogger(__name__)


class HotPlug:
    """Attaches running workloads to networks, and detaches them. Safe for several threads."""

    def __init__(self, parts: Parts) -> None:
        """Nothing of what was interrupted is touched before :meth:`recover`."""
        self._parts = parts
        self._journal = Journal(parts.store)

    def attach(self, order: AttachOrder) -> Attachment:
        """Brings the workload onto the network, beside what it has.

        Raises Refused (Unusable: in vain) with nothing touched; DelegateError, OSError with everything undone, or
        owed to :meth:`recover`; LockTimeout.
        """
        parts = self._parts
        network = self._network(order)
        container_id = find(parts.store, order.workload).container_id
        with parts.locks.hold(container_id):
            target = self._without_the_former(self._still(order.workload, container_id))
            name = _free_name(target, order.ifname)
            entry = Entry(
                container_id=container_id, netns=target.netns, name=name, former=beside.main_now(target.netns)
            )
            attachment = self._plug(entry, _request(target, name, network, order.network))
        parts.changed(container_id)
        log.info("hot-added", extra=where(attachment))
        return attachment

    def detach(self, order: DetachOrder) -> Attachment:
        """Takes the workload off a network that it was hot-added to.

        Raises Refused (Unusable: in vain) with nothing touched; DelegateError, OSError when it failed and will be
        tried again; LockTimeout.
        """
        parts = self._parts
        container_id = find(parts.store, order.workload).container_id
        with parts.locks.hold(container_id):
            doomed = pick(self._still(order.workload, container_id), order)
            _may_go(doomed, order.force)
            parts.attacher.detach(doomed)
        parts.changed(container_id)
        log.info("hot-removed", extra=where(doomed))
        return doomed

    def recover(self) -> None:
        """Undoes what was interrupted, and forgets the plain namespaces that are gone. Again and again, by a loop."""
        undoing.recover(self._parts, self._journal)
        undoing.forget_gone(self._parts)

    def _network(self, order: AttachOrder) -> NetworkConfig:
        try:
            if order.ifname:
                check_ifname(order.ifname)
            return self._parts.networks.find(order.network)
        except CniError as error:
            raise Unusable(str(error)) from error
        except NetworkUnknown as error:
            raise (Refused if error.later else Unusable)(str(error)) from error

    def _still(self, workload: str, container_id: str) -> Target:
        """The target as it is under the lock, with nothing else under way. Raises Refused, OSError."""
        left = self._journal.read(container_id)
        if left is not None:
            undoing.undo(self._parts, self._journal, left)
        target = find(self._parts.store, workload)
        if target.container_id != container_id:
            raise Refused(f"workload {workload} was replaced by another container meanwhile")
        for status in self._parts.switches.statuses():
            if status.workload == target.workload and status.outcome is None:
                # A switch remembers main as it was, and puts that back should it have to return.
                text = f"{status.workload}:{status.attachment} is moving, in phase {status.phase}: wait for its end"
                raise Refused(text)
        return target

    def _without_the_former(self, target: Target) -> Target:
        """What the namespace before had, under the same path, is deleted first. Raises DelegateError, OSError."""
        if not made_anew(target):
            return target
        for attachment in reversed(target.attachments):
            self._parts.attacher.detach(attachment)
        return replace(target, attachments=())

    def _plug(self, entry: Entry, request: AttachRequest) -> Attachment:
        reached = self._parts.reached
        with ExitStack() as undo:
            # Recorded first, so that a crash leaves a trace to undo.
            self._journal.write(entry)
            undo.callback(self._undo, entry)
            reached("journaled")
            beside.pin_former(entry)
            reached("pinned")
            attachment = self._parts.attacher.attach(request)
            reached("added")
            beside.put_main_right(entry)
            reached("main")
            beside.unpin(entry.netns)
            reached("dropped")
            self._journal.forget(entry)
            undo.pop_all()
        return attachment

    def _undo(self, entry: Entry) -> None:
        try:
            undoing.undo(self._parts, self._journal, entry)
        except OSError as error:
            # The journal keeps it for recover; the first error is what is told.
            log.warning("undoing a hot add failed", extra={**undoing.named(entry), "error": str(error)})


def _free_name(target: Target, asked: str) -> str:
    taken = taken_names(target)
    if asked and asked in taken:
        raise Unusable(f"workload {target.workload} has an interface {asked} already")
    return asked or next_name(taken)


def _request(target: Target, name: str, network: NetworkConfig, asked: str) -> AttachRequest:
    """As the runtime's ADD would have had it, but that it is tied to none of the runtime's interfaces."""
    model = target.attachments[0] if target.attachments else None
    return AttachRequest(
        container_id=target.container_id,
        name=name,
        workload=target.workload,
        netns=target.netns,
        ifname=name,
        network=network,
        position=1 + max((each.position for each in target.attachments), default=-1),
        cni_args=_args_like(model),
        started_at=None if model is None else model.started_at,
        annotations={} if model is None else model.annotations,
        labels={} if model is None else model.labels,
        pod_uid="" if model is None else model.pod_uid,
        request=json.dumps({"network": asked, "interface": name, "by": BY_HAND}),
    )


def _args_like(model: Attachment | None) -> str:
    return delegate_args(parse_args(model.cni_args) if model is not None else {}, first=False)


def _may_go(attachment: Attachment, force: bool) -> None:
    """Raises Refused for what is the runtime's to end."""
    here = f"{attachment.workload}:{attachment.name}"
    if attachment.runtime_ifname and attachment.runtime_ifname == attachment.name:
        raise Refused(f"{here} is the workload's primary interface: only its runtime's DEL ends it")
    if attachment.runtime_ifname and not force:
        raise Refused(f"{here} was made by the runtime's ADD, whose DEL ends it; --force takes it away before that")
