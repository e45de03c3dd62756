"""The Drain phase, and the draining half of Returning: waiting, with no lock held, until a path may go."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import msgspec

from cni.kernel import neighbours
from cni.switch import peers, verify
from cni.switch.draining import Quiet, Usage, Watch
from cni.switch.journal import Entry, Side
from cni.switch.shifting import known_new
from cni.switch.steps import Signal
from cni.wire import DrainEnd, MoveReason

POLL_SECONDS = 0.25
ROUND_SECONDS = 1.0
"""A round counts as no longer than this: when it was, something stood still, or a probe found no answer."""
PROBE_EVERY_SECONDS = 1.0
FAILURES = 3
"""Rounds of probes that must fail in a row before the new path counts as worse than the old."""


@dataclass(slots=True)
class Settling:
    """Whether the new path goes on working after the shift."""

    entry: Entry
    watch: Watch
    _failures: int = 0
    _next: float = 0.0
    _good_since: float = 0.0

    def look(self) -> str | None:
        """Probes when it is time; what is wrong when it failed too often in a row. Raises OSError."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + PROBE_EVERY_SECONDS
        new, asked = known_new(self.entry), self.entry.order.verify
        problem = verify.trouble(self.entry.netns, self.entry.ifname, new, asked.targets, verify.PROBE_SECONDS)
        self._failures = self._failures + 1 if problem else 0
        if problem:
            self._good_since = self.watch.look()
        return problem if self._failures >= FAILURES else None

    @property
    def over(self) -> bool:
        """Whether all probes of the last ``settle`` succeeded."""
        return self.watch.seconds - self._good_since >= self.entry.order.verify.settle_seconds


def drain(entry: Entry, watched: Watch, ended: threading.Event) -> tuple[Signal, Entry]:
    """Waits until nothing needs the old path. ``watched``: how long already, in earlier tries.

    Minimum, deadline and settling begin here, where others are told of the new address, not at the shift: whatever
    holds the agent up in between takes nobody's time to move on.

    PASSED: it may go. WORSE: the new path stopped working and the old one works, or the policy wants to go back at the
    deadline. FAILED: interrupted. Raises OSError, StepFailedError.
    """
    new, asked = known_new(entry), entry.order.drain
    usage = Usage(entry.netns, entry.old, new, closed=entry.closed)
    quiet = Quiet(lambda: peers.heard(entry, entry.old), asked.quiet_seconds, Watch(POLL_SECONDS))
    settling = Settling(entry, watched)
    may_return = entry.order.reason is not MoveReason.RETURN
    given_up = False
    while not ended.is_set():
        waited = watched.look()
        problem = settling.look()
        if problem and may_return and _works(entry, entry.old, entry.aside):
            return Signal.WORSE, _counted(entry, usage, f"the new path stopped working: {problem}")
        if not given_up and waited >= asked.deadline_seconds and asked.then is not DrainEnd.WAIT:
            if asked.then is DrainEnd.RETURN and may_return and usage.look():
                return Signal.WORSE, _counted(entry, usage, "the old path was still used at the drain's deadline")
            usage.close_all()
            given_up = True
        settled = settling.over or waited >= asked.deadline_seconds + entry.order.verify.settle_seconds
        free = not usage.look() or given_up
        if free and settled and waited >= asked.minimum_seconds and (given_up or _silent(entry, quiet)):
            return Signal.PASSED, _counted(entry, usage, entry.message)
        ended.wait(POLL_SECONDS)
    return Signal.FAILED, entry


def drain_new(entry: Entry, ended: threading.Event) -> Entry:
    """Waits until nothing needs the new path any more, at most the drain's deadline, then closes what is left.

    Others were told of the new address, so they need the drain's minimum to hear of the old one again.

    Raises OSError, StepFailedError.
    """
    if entry.new is None:
        return entry
    asked = entry.order.drain
    watched = Watch(ROUND_SECONDS)
    usage = Usage(entry.netns, entry.new, entry.old, closed=entry.closed)
    new = entry.new
    quiet = Quiet(lambda: peers.heard(entry, new), asked.quiet_seconds, Watch(POLL_SECONDS))
    while not ended.is_set() and watched.look() < asked.deadline_seconds:
        if not usage.look() and watched.seconds >= asked.minimum_seconds and _silent(entry, quiet):
            break
        ended.wait(POLL_SECONDS)
    if not ended.is_set():
        usage.close_all()
    return _counted(entry, usage, entry.message)


def _silent(entry: Entry, quiet: Quiet) -> bool:
    return entry.same_address or quiet.over()


def _works(entry: Entry, side: Side, ifname: str) -> bool:
    try:
        if side.gateway is None:
            return verify.trouble(entry.netns, ifname, side, (), verify.PROBE_SECONDS) is None
        return neighbours.answers(entry.netns, ifname, side.address, side.gateway, verify.PROBE_SECONDS)
    except OSError:
        return False


def _counted(entry: Entry, usage: Usage, message: str) -> Entry:
    return msgspec.structs.replace(entry, drained=entry.drained + usage.drained, closed=usage.closed, message=message)
