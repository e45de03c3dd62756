"""All live switches of a node: started by order, resumed after a crash, ended by the runtime's DEL."""

from __future__ import annotations

import logging
import threading

import msgspec

from cni.kernel import interfaces, is_netns, policy
from cni.model import Attachment
from cni.switch import detaching, peers, pin, preflight
from cni.switch.attaching import hold_rule
from cni.switch.journal import Entry, Journal
from cni.switch.means import Means, Refused
from cni.switch.runner import TROUBLES, Run
from cni.switch.shifting import old_link_rule
from cni.switch.steps import PINNED, Signal, after
from cni.wire import Outcome, Phase, SwitchOrder, SwitchStatus

log = logging.getLogger(__name__)


class Switches:
    """The node's switches. Each runs in its own thread; the methods may be called from any."""

    def __init__(self, means: Means) -> None:
        """Nothing of what was interrupted is touched before :meth:`resume`."""
        self._means = means
        self._journal = Journal(means.store)
        self._runs: dict[str, tuple[Run, threading.Thread]] = {}
        self._guard = threading.Lock()
        self._stopped = False

    def check(self, order: SwitchOrder) -> None:
        """Preflight alone: touches nothing, promises nothing. Raises Refused."""
        self._prepared(order)

    def start(self, order: SwitchOrder) -> None:
        """Begins the move, or nothing when this order (by its id) is known already. Raises Refused, LockTimeout."""
        if self._journal.read(order.id) is not None:
            return
        self._check_still(order)
        container_id = preflight.find(self._means, order).container_id
        with self._means.locks.hold(container_id):
            entry = self._prepared(order)
            entry = msgspec.structs.replace(entry, phase=after(entry.phase, Signal.PASSED))
            # Journaled as Attach before anything is touched.
            self._journal.write(entry)
        self._begin(entry)

    def statuses(self) -> list[SwitchStatus]:
        """Every switch that the journal remembers, the last changed last."""
        return [entry.status() for entry in self._journal.all()]

    def resume(self) -> None:
        """Goes on with every switch that was interrupted: before Shift back, from Shift on forward."""
        for entry in self._journal.open():
            phase = after(entry.phase, Signal.RESTARTED)
            message = entry.message
            if phase is Phase.UNDOING and entry.phase is not Phase.UNDOING:
                message = f"the agent was restarted in phase {entry.phase}"
            entry = msgspec.structs.replace(entry, phase=phase, message=message)  # noqa: PLW2901 - the same entry, on
            self._journal.write(entry)
            self._begin(entry)

    def abandon(self, container_id: str) -> None:
        """The runtime deletes the container: its switches end now, in any phase. Its lock is held by the caller.

        What is left in the store are attachments whose links have the names that their records say.
        """
        for entry in self._journal.open_of(container_id):
            with self._guard:
                run = self._runs.get(entry.order.id, (None, None))[0]
            if run is not None:
                run.abandoned = True
                run.ended.set()
            try:
                self._tear_down(entry)
            except TROUBLES as error:
                log.warning("a switch left something behind", extra={"switch": entry.order.id, "error": str(error)})
            now = self._means.clock()
            text = f"the container was deleted in phase {entry.phase}"
            self._journal.write(
                msgspec.structs.replace(
                    entry, phase=Phase.DONE, outcome=Outcome.FAILED, message=text, changed_at=now, finished_at=now
                )
            )

    def stop(self) -> None:
        """Stops where each switch waits; :meth:`resume` of the next agent goes on."""
        with self._guard:
            self._stopped = True
            runs = list(self._runs.values())
        for run, _ in runs:
            run.ended.set()
        for _, thread in runs:
            thread.join()

    def join(self, order_id: str, seconds: float) -> SwitchStatus | None:
        """The switch's status when it has ended, or after ``seconds``; None when it is unknown."""
        with self._guard:
            found = self._runs.get(order_id)
        if found is not None:
            found[1].join(seconds)
        entry = self._journal.read(order_id)
        return None if entry is None else entry.status()

    def _check_still(self, order: SwitchOrder) -> None:
        """Raises Refused when the attachment is moving."""
        for other in self._journal.open():
            if (other.order.workload, other.order.attachment) == (order.workload, order.attachment):
                raise Refused(_moving(other))

    def _prepared(self, order: SwitchOrder) -> Entry:
        self._check_still(order)
        try:
            entry = preflight.prepare(self._means, order)
        except OSError as error:
            raise Refused(f"the workload cannot be examined: {error}") from error
        for other in self._journal.open_of(entry.container_id):
            # A workload has one pin; once it is dropped another attachment may move.
            if other.phase in PINNED:
                raise Refused(_moving(other))
        return entry

    def _begin(self, entry: Entry) -> None:
        run = Run(self._means, self._journal, entry)
        thread = threading.Thread(target=self._run, args=(run,), name=f"switch {entry.order.id}", daemon=True)
        with self._guard:
            if self._stopped:
                return
            self._runs[entry.order.id] = (run, thread)
            thread.start()

    def _run(self, run: Run) -> None:
        try:
            run.run()
        except Exception:
            log.exception("a switch stopped unexpectedly", extra={"switch": run.entry.order.id})
        finally:
            with self._guard:
                self._runs.pop(run.entry.order.id, None)

    def _tear_down(self, entry: Entry) -> None:
        """Ends the rules of a switch and deletes the generation that is aside. Raises TROUBLES."""
        means = self._means
        old = means.store.get(entry.container_id, entry.order.attachment, entry.old.generation)
        if is_netns(entry.netns):
            pin.drop(entry.netns)
            peers.remove(entry)
            for rule in (old_link_rule(entry), hold_rule(entry)):
                policy.delete_rule(entry.netns, rule)
        if old is not None and self._is_aside(entry, old):
            detaching.delete_aside(means, entry)

    def _is_aside(self, entry: Entry, old: Attachment) -> bool:
        """Whether the old link has, or may have, another name than its DEL looks for."""
        if old.ifname == entry.aside or is_netns(str(self._means.scratch / entry.order.id)):
            return True
        return is_netns(entry.netns) and interfaces.link(entry.netns, entry.aside) is not None


def _moving(other: Entry) -> str:
    return f"{other.order.workload}:{other.order.attachment} is moving already, in phase {other.phase}"
