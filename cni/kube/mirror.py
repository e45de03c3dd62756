"""A copy in memory of some of a cluster's objects, kept true by a watch.

Source: kubernetes.io, "Kubernetes API Concepts", "Efficient detection of changes".

First everything is listed, then every change is heard, from the version of the list on. The watch is *warm* while its
stream is open and not silent: what it shows then is what the server tells. Otherwise it is what was seen last.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Generic, TypeVar

from cni.cluster import (
    AttachmentDefinition,
    ClusterAway,
    ClusterRefused,
    LogicalNetwork,
    PhysicalNetwork,
    Pod,
)
from cni.kube.api import Api, Event, Point
from cni.kube.failures import Expired, Missing
from cni.kube.kinds import Resource, Seen
from cni.kube.pauses import Pauses

WATCH_SECONDS = (300, 600)
"""A watch is begun anew after a time between these, so that the watches of many nodes spread out over the servers."""

T = TypeVar("T", Pod, AttachmentDefinition, LogicalNetwork, PhysicalNetwork)
Key = tuple[str, str]
"""Namespace, name."""
Follower = Callable[[T | None, T | None], None]
"""Is told what an object was and what it is; None: it was, or is, not there."""

log = logging.getLogger(__name__)


class Mirror(Generic[T]):
    """The objects of one kind that a field selector selects. Safe for threads."""

    def __init__(self, api: Api, resource: Resource[T], selector: str = "") -> None:
        self._api = api
        self._resource: Resource[T] = resource
        self._selector = selector
        self._lock = threading.Lock()
        self._objects: dict[Key, Seen[T]] = {}
        self._telling = threading.RLock()
        self._followers: list[Follower[T]] = []
        self._listed = False
        self._since: Point | None = None
        self._open = False
        self._stopping = False
        self._pauses = Pauses(resource.plural)
        self._thread = threading.Thread(target=self._run, name=f"watch {resource.plural}"[:15], daemon=True)

    @property
    def warm(self) -> bool:
        """Whether it shows what the server tells now."""
        return self._open

    def find(self, namespace: str, name: str) -> tuple[Seen[T] | None, bool]:
        """The object as it was seen last, and whether the mirror was warm then."""
        with self._lock:
            return self._objects.get((namespace, name)), self._open

    def usable(self) -> list[T]:
        """All values that may be used, by namespace and name."""
        with self._lock:
            return [seen.value for _, seen in sorted(self._objects.items()) if not seen.why_unusable]

    def follow(self, follower: Follower[T]) -> None:
        """Tell of every object that is there, then of every one that becomes another value, one at a time."""
        with self._telling:
            self._followers.append(follower)
            for value in self.usable():
                self._tell([follower], None, value)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def nudge(self) -> None:
        """It is worthwhile to try again now: something has been read meanwhile."""
        self._pauses.cut_short()

    def stop(self) -> None:
        """End soon; the API must be closed too, so that the stream that is read ends."""
        self._stopping = True
        self._pauses.cut_short()

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            try:
                self._follow()
                self._pauses.ended(began)
            except Expired:
                self._since = None
                self._pauses.ended(began)
            except (ClusterAway, ClusterRefused, Missing) as error:
                if not self._stopping:
                    self._pauses.failed(began, error)
            except Exception as error:
                # Nothing here may end the watch for good: list again.
                log.exception("watch failed", extra={"kind": self._resource.plural})
                self._since = None
                self._pauses.failed(began, error)
            finally:
                self._open = False
            if not self._stopping:
                self._pauses.wait()

    def _follow(self) -> None:
        """List if need be, then watch until the server ends it."""
        if self._since is None:
            # Cheap only the first time: what has been seen must not be taken back.
            listed, self._since = self._api.list(self._resource, self._selector, cheap=not self._listed)
            self._replace(listed)
            self._listed = True
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311 - spreads requests, guards nothing
        with self._api.watch(self._resource, self._selector, self._since, seconds) as events:
            self._open = not self._stopping
            self._pauses.open()
            for event in events:
                self._hear(event)

    def _hear(self, event: Event) -> None:
        seen = self._resource.read(event.object)
        if event.type in ("ADDED", "MODIFIED"):
            self._put(_key(seen), seen)
        elif event.type == "DELETED":
            self._put(_key(seen), None)
        # A BOOKMARK has nothing but a version.
        if self._since is not None:
            self._since = replace(self._since, version=seen.version)

    def _replace(self, listed: list[Seen[T]]) -> None:
        now = {_key(seen): seen for seen in listed}
        for key in self._objects.keys() - now.keys():
            self._put(key, None)
        for key, seen in now.items():
            self._put(key, seen)

    def _put(self, key: Key, seen: Seen[T] | None) -> None:
        with self._telling:
            with self._lock:
                before = self._objects.pop(key, None)
                if seen is not None:
                    self._objects[key] = seen
            if before is None or seen is None or before.value != seen.value:
                self._tell(tuple(self._followers), _usable(before), _usable(seen))
                self._remark(key, seen)

    def _tell(self, followers: Iterable[Follower[T]], before: T | None, now: T | None) -> None:
        for follower in followers:
            try:
                follower(before, now)
            except Exception:
                log.exception("a follower failed", extra={"kind": self._resource.plural})

    def _remark(self, key: Key, seen: Seen[T] | None) -> None:
        if seen is not None and (seen.why_unusable or seen.remarks):
            log.warning(
                "object cannot be used" if seen.why_unusable else "object has unknown fields",
                extra={
                    "kind": self._resource.kind,
                    "object": "/".join(key),
                    "why": seen.why_unusable,
                    "unknown": seen.remarks,
                },
            )


def _key(seen: Seen[T]) -> Key:
    return (seen.value.namespace, seen.value.name)


def _usable(seen: Seen[T] | None) -> T | None:
    return None if seen is None or seen.why_unusable else seen.value
