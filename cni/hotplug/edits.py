"""Edits of the standard's annotation on running pods: networks come and go as it says now.

``k8s.v1.cni.cncf.io/networks`` is compared with what the attachments were asked for as (:mod:`cni.hotplug.changes`).
New ones come before old ones go; another network under the same interface name is a live switch. What fails is tried
again while the annotation wants it, and the pod says why it waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cni.annotations import NAD_KEY
from cni.cluster import Cluster, ClusterAway, ClusterRefused, ObjectUnknown, Pod, PodEvent
from cni.delegate import DelegateError
from cni.hotplug.carrying_out import CarryingOut, Undecided
from cni.hotplug.parts import Parts
from cni.hotplug.plugging import HotPlug
from cni.locks import LockTimeout
from cni.protocol import CniError
from cni.switch import Refused

PROBLEM_KEY = "switcher.genie.io/networks-problem"
"""Annotation that says why an edit is not carried out; absent: it is, or there was none."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
IDLE_SECONDS = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    pod: Pod
    due: float
    tries: int = 0


class Edits:
    """Hears of pods, and carries out in :meth:`turn` what changed. Safe for threads."""

    def __init__(
        self, parts: Parts, hotplug: HotPlug, cluster: Cluster, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._acts = CarryingOut(parts, hotplug, cluster)
        self._cluster = cluster
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[str, _Waiting] = {}
        self._settled: dict[str, str | None] = {}
        """The annotation's text that is carried out, or cannot be, by the pod's uid."""
        self._problems: dict[str, str] = {}
        self._stopped = False

    def heard(self, event: PodEvent, pod: Pod) -> None:
        """The cluster's word on a pod; returns at once."""
        with self._changed:
            if event is PodEvent.DELETED or pod.deleting or pod.host_network:
                self._waiting.pop(pod.uid, None)
                self._settled.pop(pod.uid, None)
                return
            if pod.uid in self._settled and self._settled[pod.uid] == pod.annotations.get(NAD_KEY):
                return
            self._waiting[pod.uid] = _Waiting(pod, self._clock())
            self._changed.notify_all()

    def stop(self) -> None:
        """The turn under way ends; the next agent looks at every pod again."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def turn(self) -> float:
        """Carry out what is due; the seconds until the next turn."""
        with self._changed:
            self._changed.wait_for(self._is_due, max(0.0, min(IDLE_SECONDS, self._next() - self._clock())))
            due = [each for each in self._waiting.values() if each.due <= self._clock() and not self._stopped]
            for each in due:
                del self._waiting[each.pod.uid]
        for each in due:
            self._look(each)
        return 0.0

    def _is_due(self) -> bool:
        return self._stopped or self._next() <= self._clock()

    def _next(self) -> float:
        return min((each.due for each in self._waiting.values()), default=float("inf"))

    def _look(self, waiting: _Waiting) -> None:
        pod = waiting.pod
        try:
            known = self._acts.carry_out(pod)
        except CniError as error:
            self._tell(pod, str(error))  # until the annotation changes
        except Undecided:
            self._again(waiting, FIRST_PAUSE_SECONDS)
            return
        except (Refused, DelegateError, LockTimeout, OSError) as error:
            self._tell(pod, str(error))
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**waiting.tries)
            self._again(waiting, pause)
            return
        else:
            if not known:
                return  # its ADD is yet to come; the pod is written to then, and so heard of again
            self._tell(pod, "")
        with self._changed:
            self._settled[pod.uid] = pod.annotations.get(NAD_KEY)

    def _again(self, waiting: _Waiting, pause: float) -> None:
        with self._changed:
            again = _Waiting(waiting.pod, self._clock() + pause, waiting.tries + 1)
            self._waiting.setdefault(waiting.pod.uid, again)  # what was heard meanwhile is newer

    def _tell(self, pod: Pod, problem: str) -> None:
        """Onto the pod, and into the log; once, not at every try."""
        before = self._problems.get(pod.uid, pod.annotations.get(PROBLEM_KEY, ""))
        if problem == before:
            return
        fields = {"pod": f"{pod.namespace}/{pod.name}"}
        if problem:
            log.warning("an edited annotation is not carried out", extra={**fields, "error": problem})
        try:
            self._cluster.annotate(pod, {PROBLEM_KEY: problem or None})
        except (ClusterAway, ClusterRefused, ObjectUnknown) as error:
            log.warning("a pod is not told of its networks' problem", extra={**fields, "error": str(error)})
            return
        if problem:
            self._problems[pod.uid] = problem
        else:
            self._problems.pop(pod.uid, None)
