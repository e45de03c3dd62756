"""What is left of hot adds that were interrupted, and of plain namespaces that are gone."""

from __future__ import annotations

import logging
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace as replace_with

from cni.attach import where
from cni.delegate import DelegateError
from cni.hotplug import beside
from cni.hotplug.journal import Entry, Journal
from cni.hotplug.parts import Parts
from cni.kernel import interfaces, is_netns
from cni.locks import LockTimeout
from cni.model import Attachment
from cni.switch import pin

FREE_SECONDS = 0.1
"""A container whose lock is not to be had in so short a time is at work: nothing of it is a leftover."""

log = logging.getLogger(__name__)


def undo(parts: Parts, journal: Journal, entry: Entry) -> None:
    """Nothing of a hot add stays, or a record that its DEL is owed. The container's lock is held.

    Raises OSError: to be done again.
    """
    touched = is_netns(entry.netns) and _is_ours(entry)
    if touched:
        beside.pin_former(entry)
        parts.reached("undo: pinned")
    row = parts.store.get(entry.container_id, entry.name, 0)
    if row is not None:
        try:
            parts.attacher.detach(row)
        except DelegateError as error:
            # Its record stays as DELETING and is tried again; the workload does not wait for that behind its pin.
            log.warning("a hot add's DEL is still owed", extra={**where(row), "error": str(error)})
    parts.reached("undo: deleted")
    if touched:
        beside.put_main_right(replace_with(entry, gateways=None))
    if is_netns(entry.netns):
        parts.reached("undo: main")
        beside.unpin(entry.netns)
        parts.reached("undo: dropped")
    journal.forget(entry)


def _is_ours(entry: Entry) -> bool:
    """Whether the namespace is the one of the hot add, and main may have been touched.

    Another one that took its path has neither the pin nor the link.
    """
    return pin.is_put(entry.netns) or interfaces.link(entry.netns, entry.name) is not None


def recover(parts: Parts, journal: Journal) -> None:
    """Undoes the hot adds that a crash interrupted; what cannot be undone yet is left to the next call."""
    for entry in journal.all():
        try:
            with parts.locks.hold(entry.container_id, FREE_SECONDS):
                if journal.read(entry.container_id) == entry:
                    undo(parts, journal, entry)
                    log.info("an interrupted hot add is undone", extra=named(entry))
                    parts.observe("hot-add")
        except LockTimeout:
            continue
        except OSError as error:
            log.warning("a hot add cannot be undone yet", extra={**named(entry), "error": str(error)})


def forget_gone(parts: Parts) -> None:
    """Deletes what plain namespaces had that are gone: no runtime will ever send their DEL."""
    for container_id, rows in groupby(parts.store.all(), key=lambda row: row.container_id):
        if all(map(_ownerless, rows)):
            try:
                with parts.locks.hold(container_id, FREE_SECONDS):
                    _forget(parts, container_id)
            except LockTimeout:
                continue


def _forget(parts: Parts, container_id: str) -> None:
    rows = parts.store.of_container(container_id)
    if not all(map(_ownerless, rows)):
        return
    for row in reversed(rows):
        try:
            parts.attacher.detach(row)
        except (DelegateError, OSError) as error:
            log.warning("what a namespace had cannot be deleted yet", extra={**where(row), "error": str(error)})
        else:
            log.info("detached, as its namespace is gone", extra=where(row))
            parts.observe("netns")


def _ownerless(row: Attachment) -> bool:
    """Whether nobody will ask for its DEL: no runtime made it, and its namespace has gone from its directory.

    A directory that is missing too is more likely a mount that was forgotten.
    """
    path = Path(row.netns)
    return not row.runtime_ifname and path.parent.is_dir() and not path.exists()


def named(entry: Entry) -> dict[str, object]:
    """The fields that say in a log which hot add is meant."""
    return {"container": entry.container_id, "attachment": entry.name}
