"""Writes onto pods what is true of their networks: last of all, and again until the API server has it.

What is written is made from the store and the kernel at the moment of writing, so a late write says nothing old.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from cni import deviceinfo
from cni.annotations import ADDRESSES_KEY, STATUS_KEY
from cni.cluster import Cluster, ClusterAway, ClusterRefused, ObjectUnknown, Pod
from cni.model import AttachmentState
from cni.selection import uses_standard
from cni.store import Store
from cni.written import Interface, multi_ip_preferences, network_status

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
IDLE_SECONDS = 30.0

log = logging.getLogger(__name__)


class LinkFacts(Protocol):
    """What is told of a link."""

    @property
    def mac(self) -> str:
        """Its address."""

    @property
    def mtu(self) -> int:
        """Bytes."""


class LinksKernel(Protocol):
    """What publishing needs of the kernel."""

    def links(self, netns: str) -> Mapping[str, LinkFacts]:
        """The links in a namespace, by name. Raises OSError when it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A pod whose annotations are to be written, and what else to write than its networks."""

    container_id: str
    cluster: Cluster
    pod: Pod
    extra: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0


class Publisher:
    """Writes notices, at once or in :meth:`turn`. Safe for threads."""

    def __init__(self, store: Store, kernel: LinksKernel, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._kernel = kernel
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[str, tuple[float, Notice]] = {}
        self._refused: set[str] = set()
        self._stopped = False

    def now(self, notice: Notice) -> None:
        """Write it; what the API server does not take now is written later. Never raises."""
        try:
            self._write(notice)
        except ClusterAway as error:
            log.warning("annotations wait for the API server", extra=_fields(notice, error))
            self._later(notice)
        except ClusterRefused as error:
            if str(error) not in self._refused:
                self._refused.add(str(error))
                log.error("the API server does not let annotations be written", extra=_fields(notice, error))
            self._later(replace(notice, tries=notice.tries + 3))
        except ObjectUnknown as error:
            log.info("a pod is gone before its annotations were written", extra=_fields(notice, error))

    def soon(self, notice: Notice) -> None:
        """Write it in the next turn."""
        with self._changed:
            self._waiting[notice.container_id] = (self._clock(), notice)
            self._changed.notify_all()

    def forget(self, container_id: str) -> None:
        """Its attachments are gone: nothing is to be written of them any more."""
        with self._changed:
            self._waiting.pop(container_id, None)

    def stop(self) -> None:
        """The turn under way ends; what waits is lost, and written with the next change of its pod."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def depth(self) -> int:
        """Pods whose annotations wait."""
        return len(self._waiting)

    def turn(self) -> float:
        """Write what is due; the seconds until the next turn."""
        with self._changed:
            self._changed.wait_for(self._is_due, self._until_due())
            due = [notice for at, notice in self._waiting.values() if at <= self._clock()]
            for notice in due:
                del self._waiting[notice.container_id]
        for notice in due:
            self.now(notice)
        return 0.0

    def _is_due(self) -> bool:
        return self._stopped or self._next_due() <= self._clock()

    def _next_due(self) -> float:
        return min((at for at, _ in self._waiting.values()), default=float("inf"))

    def _until_due(self) -> float:
        return max(0.0, min(IDLE_SECONDS, self._next_due() - self._clock()))

    def _later(self, notice: Notice) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**notice.tries)
        with self._changed:
            again = replace(notice, tries=notice.tries + 1)
            self._waiting.setdefault(notice.container_id, (self._clock() + pause, again))

    def _write(self, notice: Notice) -> None:
        interfaces = self._interfaces(notice.container_id)
        if not interfaces:
            return  # deleted meanwhile
        written: dict[str, str | None] = {STATUS_KEY: network_status(interfaces), **notice.extra}
        if not uses_standard(notice.pod.annotations):
            addresses = multi_ip_preferences(interfaces)
            # One that was left by an earlier sandbox is not true any more.
            if addresses is not None or ADDRESSES_KEY in notice.pod.annotations:
                written[ADDRESSES_KEY] = addresses
        notice.cluster.annotate(notice.pod, written)

    def _interfaces(self, container_id: str) -> list[Interface]:
        found = [
            each
            for each in self._store.of_container(container_id)
            if each.state is AttachmentState.READY and each.result
        ]
        if not found:
            return []
        try:
            links = self._kernel.links(found[0].netns)
        except OSError:
            return []  # the container is gone
        interfaces = []
        for attachment in found:
            link = links.get(attachment.ifname)
            mac, mtu = (link.mac, link.mtu) if link is not None else ("", 0)
            interfaces.append(Interface(attachment=attachment, mac=mac, mtu=mtu, device=deviceinfo.read(attachment)))
        return interfaces


def _fields(notice: Notice, error: Exception) -> dict[str, object]:
    return {"pod": f"{notice.pod.namespace}/{notice.pod.name}", "error": str(error)}
