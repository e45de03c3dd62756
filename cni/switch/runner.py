"""Carries one switch through its phases, each journaled before it acts, and again after a crash."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import msgspec

from cni.delegate import DelegateError
from cni.kernel import is_netns
from cni.kernel.heard import Listener
from cni.locks import LockTimeout
from cni.switch import attaching, detaching, peers, shifting, undoing, verify, waiting
from cni.switch.draining import Watch
from cni.switch.journal import Entry, Journal
from cni.switch.means import Means, StepFailedError
from cni.switch.steps import PINNED, Signal, after, outcome
from cni.wire import Phase

log = logging.getLogger(__name__)

AFTERWARDS_SECONDS = 0.5
"""How long after the shift the largest gap is still looked for."""
AGAIN_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Pauses before a step that must succeed is tried again."""
TROUBLES = (StepFailedError, DelegateError, OSError, LockTimeout)


class Run:
    """One switch in progress. :meth:`run` is for a thread of its own; ``ended`` makes it stop where it waits."""

    def __init__(self, means: Means, journal: Journal, entry: Entry) -> None:
        self._means = means
        self._journal = journal
        self._tries = 0
        self._drained_for = Watch(waiting.ROUND_SECONDS)
        self.entry = entry
        self.ended = threading.Event()
        self.abandoned = False

    def run(self) -> None:
        """Until it is done, ``ended`` is set, or the container is deleted."""
        while self.entry.phase is not Phase.DONE and not self.ended.is_set():
            started = time.monotonic()
            phase = self.entry.phase
            signal, entry = self._perform()
            if self.ended.is_set() and signal is Signal.FAILED:
                return
            if not self._advance(signal, entry):
                return
            self._means.observe(phase, time.monotonic() - started)
            if self.entry.phase is not phase and self.entry.phase in (Phase.DRAIN, Phase.DONE):
                self._means.changed(self.entry.container_id)
            self._pause(phase)

    def _perform(self) -> tuple[Signal, Entry]:
        acts: dict[Phase, Callable[[Entry], tuple[Signal, Entry]]] = {
            Phase.PREFLIGHT: lambda entry: (Signal.PASSED, entry),
            Phase.ATTACH: self._attach,
            Phase.VERIFY: self._verify,
            Phase.SHIFT: self._shift,
            Phase.DRAIN: self._drain,
            Phase.DETACH: self._detach,
            Phase.UNDOING: self._undo,
            Phase.RETURNING: self._return,
        }
        try:
            return acts[self.entry.phase](self.entry)
        except TROUBLES as error:
            if self.entry.phase is Phase.DRAIN and not is_netns(self.entry.netns):
                return self._forsake(self.entry)
            if not self.ended.is_set():
                log.warning(
                    "a step of a switch failed",
                    extra={"switch": self.entry.order.id, "phase": self.entry.phase.value, "error": str(error)},
                )
            return Signal.FAILED, msgspec.structs.replace(self.entry, message=str(error))

    def _attach(self, entry: Entry) -> tuple[Signal, Entry]:
        with self._held():
            return Signal.PASSED, attaching.attach(self._means, entry)

    def _verify(self, entry: Entry) -> tuple[Signal, Entry]:
        left = entry.order.deadline_seconds - (self._means.clock() - entry.started_at)
        if left <= 0:
            raise StepFailedError(f"the order's deadline of {entry.order.deadline_seconds:g} s passed before the shift")
        asked = entry.order.verify
        asked = msgspec.structs.replace(asked, deadline_seconds=min(asked.deadline_seconds, left))
        verify.prove(entry.netns, entry.ifname, shifting.known_new(entry), asked, self.ended)
        return Signal.PASSED, entry

    def _shift(self, entry: Entry) -> tuple[Signal, Entry]:
        with Listener(entry.netns, (entry.ifname, entry.aside)) as listener:
            with self._held():
                shifting.shift(self._means, entry)
            now = self._means.clock()
            self.ended.wait(AFTERWARDS_SECONDS)
        gap = listener.largest_gap
        return Signal.PASSED, msgspec.structs.replace(entry, shifted_at=now, largest_gap=gap)

    def _drain(self, entry: Entry) -> tuple[Signal, Entry]:
        # Under the lock: what a DEL has removed is not made again.
        with self._held():
            peers.install(entry)  # again: after a restart, or should somebody have flushed the workload's rules
        return waiting.drain(entry, self._drained_for, self.ended)

    def _detach(self, entry: Entry) -> tuple[Signal, Entry]:
        with self._held():
            detaching.detach(self._means, entry)
        return Signal.PASSED, entry

    def _undo(self, entry: Entry) -> tuple[Signal, Entry]:
        with self._held():
            undoing.undo(self._means, entry)
        return Signal.PASSED, entry

    def _return(self, entry: Entry) -> tuple[Signal, Entry]:
        if not is_netns(entry.netns):
            return self._undo(entry)
        with self._held():
            peers.install(entry)  # whoever comes back to the old address is answered from there
        self._means.changed(entry.container_id)
        while not self.ended.is_set():
            with self._held():
                if not self._pin_taken():
                    undoing.pin_old(entry)
                    break
            self.ended.wait(waiting.POLL_SECONDS)
        entry = waiting.drain_new(entry, self.ended)
        if self.ended.is_set():
            raise StepFailedError("interrupted")
        return self._undo(entry)

    def _forsake(self, entry: Entry) -> tuple[Signal, Entry]:
        """The namespace went without a DEL: what is aside is deleted, the rest waits for the runtime's DEL."""
        text = "the workload's namespace is gone"
        try:
            with self._held():
                detaching.delete_aside(self._means, entry)
        except TROUBLES as error:
            return Signal.FAILED, msgspec.structs.replace(entry, message=f"{text}; {error}")
        return Signal.ABANDONED, msgspec.structs.replace(entry, message=text)

    def _pin_taken(self) -> bool:
        """Whether another switch of the workload has the pin now; this one, being journaled as Returning, is next."""
        others = [each for each in self._journal.open_of(self.entry.container_id) if each.order != self.entry.order]
        return any(each.phase in PINNED - {Phase.RETURNING} for each in others)

    def _held(self) -> ExitStack:
        """The container's lock, for one step. Raises StepFailedError when the container was deleted meanwhile."""
        stack = ExitStack()
        stack.enter_context(self._means.locks.hold(self.entry.container_id))
        if self.abandoned:
            stack.close()
            raise StepFailedError("the container was deleted")
        return stack

    def _advance(self, signal: Signal, entry: Entry) -> bool:
        """Journals the next phase; False when the runtime's DEL has ended the switch."""
        phase = after(entry.phase, signal)
        now = self._means.clock()
        changes = msgspec.structs.replace(entry, phase=phase, changed_at=now)
        if phase is Phase.DONE:
            changes = msgspec.structs.replace(changes, outcome=outcome(entry.phase, signal), finished_at=now)
            log.info("a switch ended", extra={"switch": entry.order.id, "outcome": changes.outcome})
        with self._means.store.transaction():
            # In one transaction with the question, so that a DEL never sees its end overwritten.
            if self.abandoned:
                return False
            self._journal.write(changes)
        self.entry = changes
        return True

    def _pause(self, former: Phase) -> None:
        """Before a phase is tried again, longer each time."""
        if self.entry.phase is not former:
            self._tries = 0
            return
        self.ended.wait(AGAIN_SECONDS[min(self._tries, len(AGAIN_SECONDS) - 1)])
        self._tries += 1
