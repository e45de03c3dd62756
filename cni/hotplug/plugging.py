"""Hot add and remove, each under the container's lock, each either whole or undone, also after a crash.

A plugin may put routes into main as it attaches, and so take traffic away from a path that works. So main is pinned
first (:mod:`cni.switch.pin`), the ADD done, main put right, and the pin dropped at last: nobody sees main meanwhile.
What has begun is journaled first; an entry whose container's lock is free belongs to a crash, and is undone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from cni.attach import AttachRequest, where
from cni.hotplug import beside, defaults, undoing
from cni.hotplug.asked import Asked, attach_request
from cni.hotplug.journal import Entry, Journal
from cni.hotplug.parts import Parts
from cni.hotplug.targets import Target, Unusable, find, made_anew, next_name, pick, taken_names
from cni.model import Attachment
from cni.naming import prefix_of
from cni.netconf import NetworkConfig, NetworkUnknown
from cni.protocol import CniError, check_ifname
from cni.switch import Refused
from cni.wire import AttachOrder, DetachOrder

Look = Callable[[], Target]
"""Finds the target, before its lock is held and again under it. Raises Refused."""

log = logging.getLogger(__name__)


class HotPlug:
    """Attaches running workloads to networks, and detaches them. Safe for several threads."""

    def __init__(self, parts: Parts) -> None:
        """Nothing of what was interrupted is touched before :meth:`recover`."""
        self._parts = parts
        self._journal = Journal(parts.store)

    def attach(self, order: AttachOrder) -> Attachment:
        """By hand: see :meth:`add`."""
        asked = Asked(network=self._network(order), name=order.network, ifname=order.ifname)
        return self.add(lambda: find(self._parts.store, order.workload), asked)

    def detach(self, order: DetachOrder) -> Attachment:
        """By hand: see :meth:`remove`. Never the primary interface; what the runtime made only with ``force``."""

        def choose(target: Target) -> Attachment:
            doomed = pick(target, order)
            _may_go(doomed, order.force)
            return doomed

        return self.remove(lambda: find(self._parts.store, order.workload), choose)

    def add(self, look: Look, asked: Asked) -> Attachment:
        """Brings the workload onto the network, beside what it has.

        Raises Refused (Unusable: in vain) with nothing touched; DelegateError, OSError with everything undone, or
        owed to :meth:`recover`; LockTimeout.
        """
        parts = self._parts
        container_id = look().container_id
        with parts.locks.hold(container_id):
            target = self._without_the_former(self._still(look, container_id))
            name = _free_name(target, asked.ifname, target.rules(parts.store))
            request = attach_request(parts.store, target, asked, name)
            entry = Entry(
                container_id=container_id,
                netns=target.netns,
                name=name,
                former=beside.main_now(target.netns),
                gateways=asked.options.default_route,
            )
            attachment = self._plug(entry, request)
        parts.changed(container_id)
        log.info("hot-added", extra=where(attachment))
        return attachment

    def remove(self, look: Look, choose: Callable[[Target], Attachment]) -> Attachment:
        """Takes the workload off a network; the default route that it alone carried goes to the next that can.

        ``choose`` is asked under the lock. Raises Refused (Unusable: in vain) with nothing touched; DelegateError,
        OSError when it failed and will be tried again; LockTimeout.
        """
        parts = self._parts
        container_id = look().container_id
        with parts.locks.hold(container_id):
            target = self._still(look, container_id)
            doomed = choose(target)
            defaults.hand_over(parts.store, target, doomed)
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

    def _still(self, look: Look, container_id: str) -> Target:
        """The target as it is under the lock, with nothing else under way. Raises Refused, OSError."""
        left = self._journal.read(container_id)
        if left is not None:
            undoing.undo(self._parts, self._journal, left)
        target = look()
        if target.container_id != container_id:
            raise Refused(f"workload {target.workload} was replaced by another container meanwhile")
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
            with self._parts.store.transaction():
                attachment = defaults.told(self._parts.store, entry, attachment)
                self._journal.forget(entry)
            undo.pop_all()
        return attachment

    def _undo(self, entry: Entry) -> None:
        try:
            undoing.undo(self._parts, self._journal, entry)
        except OSError as error:
            # The journal keeps it for recover; the first error is what is told.
            log.warning("undoing a hot add failed", extra={**undoing.named(entry), "error": str(error)})


def _free_name(target: Target, asked: str, rules: Mapping[str, Any] | None) -> str:
    taken = taken_names(target)
    if asked and asked in taken:
        raise Unusable(f"workload {target.workload} has an interface {asked} already")
    return asked or next_name(taken, None if rules is None else prefix_of(rules))


def _may_go(attachment: Attachment, force: bool) -> None:
    """Raises Refused for what is the runtime's to end."""
    here = f"{attachment.workload}:{attachment.name}"
    if attachment.runtime_ifname and attachment.runtime_ifname == attachment.name:
        raise Refused(f"{here} is the workload's primary interface: only its runtime's DEL ends it")
    if attachment.runtime_ifname and not force:
        raise Refused(f"{here} was made by the runtime's ADD, whose DEL ends it; --force takes it away before that")
