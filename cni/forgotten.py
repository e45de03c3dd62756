"""Pods whose DEL never comes: a runtime that lost its memory, as its disk was cleared, sends none for what it had.

What goes had a network namespace that is gone, and a pod that is gone too, or has another sandbox that lives. The API
server is asked anew of each: where it does not answer, nothing happens. So nothing of a living pod is ever deleted,
and a namespace that is only hidden from the agent (a mount that is missing) costs no pod its addresses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from cni.attach import where
from cni.cluster import Cluster, ClusterAway, ClusterRefused, ObjectUnknown, ObjectUnusable
from cni.locks import LockTimeout
from cni.means import Means
from cni.model import Attachment, AttachmentState
from cni.store import Store

FREE_SECONDS = 0.1
"""A container whose lock is not to be had in so short a time is at work."""

Rows = Sequence[Attachment]

log = logging.getLogger(__name__)


class Forgotten:
    """Finds the containers of such pods, once it has been so for ``grace`` seconds without a pause."""

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        is_netns: Callable[[str], bool],
        grace: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._is_netns = is_netns
        self._grace = grace
        self._clock = clock
        self._since: Mapping[str, float] = {}

    def due(self) -> list[str]:
        """Their ids."""
        every = self._store.all()
        containers = {key: list(rows) for key, rows in groupby(every, key=lambda row: row.container_id)}
        lost = {key: rows for key, rows in containers.items() if rows[0].pod_uid and namespace_is_gone(rows)}
        now = self._clock()
        self._since = {key: self._since.get(key, now) for key in lost}
        return [
            key
            for key, rows in lost.items()
            if now - self._since[key] >= self._grace and self._is_nobodys(rows[0], every)
        ]

    def _is_nobodys(self, row: Attachment, every: Rows) -> bool:
        """Whether the pod is gone, or lives on by another sandbox. Unknown is no."""
        namespace, _, name = row.workload.partition("/")
        try:
            self._cluster.pod(namespace, name, row.pod_uid)
        except ObjectUnusable:
            return False
        except ObjectUnknown:
            return True
        except (ClusterAway, ClusterRefused) as error:
            log.warning("whose an attachment is cannot be asked", extra={**where(row), "error": str(error)})
            return False
        return any(self._succeeds(other, row) for other in every)

    def _succeeds(self, other: Attachment, former: Attachment) -> bool:
        return (
            other.pod_uid == former.pod_uid
            and other.container_id != former.container_id
            and other.state is AttachmentState.READY
            and other.started_at > former.started_at
            and self._is_netns(other.netns)
        )


def namespace_is_gone(rows: Rows) -> bool:
    """Whether the namespace of a container's attachments is.

    Where its directory is missing too, a mount was more likely forgotten.
    """
    path = Path(rows[0].netns)
    return path.parent.is_dir() and not path.exists()


def end(means: Means, container_id: str) -> int:
    """The DEL that did not come: how many attachments it deleted. What fails is tried again later."""
    try:
        with means.locks.hold(container_id, FREE_SECONDS):
            means.switches.abandon(container_id)
            rows = means.store.of_container(container_id)
            if not rows or not namespace_is_gone(rows):
                return 0
            log.warning("the runtime has forgotten a pod: what it had is deleted", extra=where(rows[0]))
            problems = means.end(rows, {})
    except LockTimeout:
        return 0
    for attachment, error in problems:
        log.warning("what a forgotten pod had stays for now", extra={**where(attachment), "error": str(error)})
    if not problems:
        means.publisher.forget(container_id)
    return len(rows) - len(problems)
