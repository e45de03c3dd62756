"""Writes onto pods what is true of their networks: last of all, and again until the API server has it.

What is written is made from the store and the kernel at the moment of writing, so a late write says nothing old.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from cni import deviceinfo
from cni.annotations import ADDRESSES_KEY, STATUS_KEY
from cni.cluster import Cluster, ClusterAway, ClusterRefused, ObjectUnknown, Pod
from cni.model import AttachmentState
from cni.reports import carrying
from cni.selection import uses_standard
from cni.store import Store
from cni.wire import SwitchStatus
from cni.written import Interface, multi_ip_preferences, network_status

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
IDLE_SECONDS = 30.0
RESUME_SECONDS = 5.0
"""After a start: by then the watch has told of the pods, and nothing has to be asked."""

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


@dataclass(frozen=True, slots=True)
class _Waiting:
    """``notice`` None: whose annotations these are is to be found out first."""

    due: float
    notice: Notice | None
    tries: int = 0
    compare: bool = False
    """Nothing is written where the pod says so already."""


class Publisher:
    """Writes notices, at once or in :meth:`turn`. Safe for threads.

    ``own`` is the agent's own cluster: that of pods of which it heard before it was started.
    """

    def __init__(
        self,
        store: Store,
        kernel: LinksKernel,
        switches: Callable[[], Sequence[SwitchStatus]],
        own: Cluster | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._switches = switches
        self._own = own
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[str, _Waiting] = {}
        self._clusters: dict[str, Cluster] = {}
        self._refused: set[str] = set()
        self._stopped = False

    def now(self, notice: Notice) -> None:
        """Write it; what the API server does not take now is written later. Never raises."""
        self._clusters[notice.container_id] = notice.cluster
        self._try(notice.container_id, _Waiting(self._clock(), notice))

    def soon(self, notice: Notice) -> None:
        """Write it in the next turn."""
        self._clusters[notice.container_id] = notice.cluster
        self._queue(notice.container_id, _Waiting(self._clock(), notice))

    def changed(self, container_id: str) -> None:
        """The networks of a container are others now: its pod, if it is one, hears of it in the next turn."""
        self._queue(container_id, _Waiting(self._clock(), None))

    def resume(self) -> None:
        """After a start: what waited when the agent ended is written, for every pod that does not say it yet."""
        due = self._clock() + RESUME_SECONDS
        for container_id in {each.container_id for each in self._store.all() if each.pod_uid}:
            self._queue(container_id, _Waiting(due, None, compare=True))

    def forget(self, container_id: str) -> None:
        """Its attachments are gone: nothing is to be written of them any more."""
        with self._changed:
            self._waiting.pop(container_id, None)
            self._clusters.pop(container_id, None)

    def stop(self) -> None:
        """The turn under way ends; what waits is left to the next agent's :meth:`resume`."""
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
            due = {key: each for key, each in self._waiting.items() if each.due <= self._clock()}
            for container_id in due:
                del self._waiting[container_id]
        for container_id, waiting in due.items():
            self._try(container_id, waiting)
        return 0.0

    def _queue(self, container_id: str, waiting: _Waiting) -> None:
        with self._changed:
            before = self._waiting.get(container_id)
            # What else is to be written than the networks is not lost by a later change of these.
            if before is None or before.notice is None or waiting.notice is not None:
                self._waiting[container_id] = waiting
            self._changed.notify_all()

    def _is_due(self) -> bool:
        return self._stopped or self._next_due() <= self._clock()

    def _next_due(self) -> float:
        return min((each.due for each in self._waiting.values()), default=float("inf"))

    def _until_due(self) -> float:
        return max(0.0, min(IDLE_SECONDS, self._next_due() - self._clock()))

    def _try(self, container_id: str, waiting: _Waiting) -> None:
        fields = {"container": container_id}
        try:
            notice = waiting.notice or self._notice_of(container_id)
            if notice is not None:
                self._write(notice, compare=waiting.compare)
        except ClusterAway as error:
            log.warning("annotations wait for the API server", extra={**fields, "error": str(error)})
            self._again(container_id, waiting)
        except ClusterRefused as error:
            if str(error) not in self._refused:
                self._refused.add(str(error))
                log.error("the API server lets no annotations be written", extra={**fields, "error": str(error)})
            self._again(container_id, replace(waiting, tries=waiting.tries + 3))
        except ObjectUnknown as error:
            log.info("a pod is gone before its annotations were written", extra={**fields, "error": str(error)})

    def _again(self, container_id: str, waiting: _Waiting) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**waiting.tries)
        with self._changed:
            again = replace(waiting, due=self._clock() + pause, tries=waiting.tries + 1)
            self._waiting.setdefault(container_id, again)

    def _notice_of(self, container_id: str) -> Notice | None:
        """Raises what ``Cluster.pod`` raises."""
        uids = {(each.workload, each.pod_uid) for each in self._store.of_container(container_id) if each.pod_uid}
        cluster = self._clusters.get(container_id, self._own)
        if cluster is None or not uids:
            return None
        workload, uid = uids.pop()
        namespace, _, name = workload.partition("/")
        return Notice(container_id=container_id, cluster=cluster, pod=cluster.pod(namespace, name, uid))

    def _write(self, notice: Notice, *, compare: bool) -> None:
        interfaces = self._interfaces(notice.container_id)
        if not interfaces:
            return  # deleted meanwhile
        written: dict[str, str | None] = {STATUS_KEY: network_status(interfaces), **notice.extra}
        if not uses_standard(notice.pod.annotations):
            addresses = multi_ip_preferences(interfaces)
            # One that was left by an earlier sandbox is not true any more.
            if addresses is not None or ADDRESSES_KEY in notice.pod.annotations:
                written[ADDRESSES_KEY] = addresses
        # Only after a start: what a watch has told may be older than what was written a moment ago.
        if compare and all(notice.pod.annotations.get(key) == value for key, value in written.items()):
            return
        notice.cluster.annotate(notice.pod, written)

    def _interfaces(self, container_id: str) -> list[Interface]:
        """None when the container is gone, or going."""
        rows = self._store.of_container(container_id)
        if all(each.state is AttachmentState.DELETING for each in rows):
            return []
        found = carrying(rows, self._switches())
        try:
            links = self._kernel.links(found[0].netns) if found else {}
        except OSError:
            return []
        interfaces = []
        for attachment in found:
            # During a switch the name is the new link's from the start; the record says which is whose.
            link = links.get(attachment.ifname)
            mac, mtu = (link.mac, link.mtu) if link is not None else ("", 0)
            interfaces.append(Interface(attachment=attachment, mac=mac, mtu=mtu, device=deviceinfo.read(attachment)))
        return interfaces
