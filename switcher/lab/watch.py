"""Follows the nodes and the controller during a run, and publishes the workloads' addresses as DNS would."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cni.wire import AttachmentReport, SwitchStatus
from switcher.adapters.node.sockets import AgentSockets
from switcher.errors import SwitcherError
from switcher.lab.blueprint import ATTACHMENT, Blueprint
from switcher.lab.state import StateDirectory
from switcher.model import Stay
from switcher.ports import History, RecordedMove

POLL_SECONDS = 0.5


def agents(blueprint: Blueprint, state: StateDirectory, timeout_seconds: float = 5.0) -> AgentSockets:
    """The agents of the lab."""
    return AgentSockets({node.name: f"unix:{state.socket(node.name)}" for node in blueprint.nodes}, timeout_seconds)


class Watch(threading.Thread):
    """Keeps the last answer of everybody; who does not answer keeps its last one."""

    def __init__(self, blueprint: Blueprint, state: StateDirectory, open_history: Callable[[], History]) -> None:
        super().__init__(name="watch", daemon=True)
        self.attachments: dict[str, AttachmentReport] = {}
        """By workload name: its attachment that moves."""
        self.switches: dict[str, SwitchStatus] = {}
        self.moves: dict[str, RecordedMove] = {}
        """What the controller decided, by the order's id."""
        self.stays: dict[str, Stay] = {}
        """Of the last decision, by workload name: why it stays where it is."""
        self._blueprint = blueprint
        self._state = state
        self._agents = agents(blueprint, state)
        self._open_history = open_history
        self._history: History | None = None
        self._from = datetime.now(UTC)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Poll until stopped."""
        while not self._stopping.wait(POLL_SECONDS):
            self.poll()

    def stop(self) -> None:
        """End after a last look."""
        self._stopping.set()
        self.join(10)
        self.poll()

    def poll(self) -> None:
        """Ask everybody once."""
        for node in self._blueprint.nodes:
            with contextlib.suppress(SwitcherError):
                self._ask(node.name)
        self._publish()
        with contextlib.suppress(SwitcherError):
            self._read_history()

    def in_flight(self) -> list[SwitchStatus]:
        """Switches that have not ended."""
        return [status for status in list(self.switches.values()) if status.outcome is None]

    def undecided(self) -> bool:
        """Whether a move is decided or under way."""
        done = {status.id for status in list(self.switches.values()) if status.outcome is not None}
        return bool(self.in_flight()) or any(
            move.open and move.order.id not in done for move in list(self.moves.values())
        )

    def _ask(self, node: str) -> None:
        for status in self._agents.switches(node):
            self.switches[status.id] = status
        for report in self._agents.attachments(node):
            if report.attachment == ATTACHMENT:
                self.attachments[_name(report.workload)] = report

    def _publish(self) -> None:
        addresses = {
            name: report.addresses[0].partition("/")[0] for name, report in self.attachments.items() if report.addresses
        }
        fresh = self._state.addresses.with_suffix(".new")
        fresh.write_text(json.dumps(addresses))
        fresh.replace(self._state.addresses)

    def _read_history(self) -> None:
        if self._history is None:
            if not self._state.database.exists():
                return
            self._history = self._open_history()
        for move in self._history.moves(since=self._from - timedelta(seconds=1)):
            self.moves[move.order.id] = move
        last = self._history.decision()
        if last is not None:
            self.stays = {_name(stay.workload): stay for stay in last.decision.stays}


def _name(workload: str) -> str:
    """``w01`` of ``lab/w01:net1`` or ``lab/w01``."""
    return workload.rpartition("/")[2].partition(":")[0]


def wait_until(reached: Callable[[], bool], seconds: float) -> bool:
    """Whether it came to be within that time."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
