"""ADD and DEL on a network share it; a GC of it has it alone.

Source: CNI specification 1.1.0, section 3 ("Lifecycle & Ordering"): a runtime must not run GC on a network while an ADD
or DEL on it is in progress, since a plugin would take what is just being made for garbage.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class GateTimeout(Exception):  # noqa: N818 - as LockTimeout
    """The network stayed in use; the caller may try again later."""

    def __init__(self, network: str, seconds: float) -> None:
        super().__init__(f"network {network} is in use by other operations for more than {seconds:g} s")


@dataclass(slots=True)
class _Gate:
    users: int = 0
    alone: bool = False
    wanted_alone: int = 0


class NetworkGates:
    """One gate per network's name. Not re-entrant. Who wants a network alone goes before who comes after it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._gates: defaultdict[str, _Gate] = defaultdict(_Gate)

    @contextmanager
    def shared(self, network: str, wait_seconds: float) -> Iterator[None]:
        """Use the network together with others. Raises GateTimeout."""
        with self._changed:
            gate = self._gates[network]
            self._wait(network, lambda: not gate.alone and not gate.wanted_alone, wait_seconds)
            gate.users += 1
        try:
            yield
        finally:
            with self._changed:
                gate.users -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, network: str, wait_seconds: float) -> Iterator[None]:
        """Have the network alone. Raises GateTimeout."""
        with self._changed:
            gate = self._gates[network]
            gate.wanted_alone += 1
            try:
                self._wait(network, lambda: not gate.alone and not gate.users, wait_seconds)
                gate.alone = True
            finally:
                gate.wanted_alone -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                gate.alone = False
                self._changed.notify_all()

    def _wait(self, network: str, free: Callable[[], bool], seconds: float) -> None:
        if not self._changed.wait_for(free, seconds):
            raise GateTimeout(network, seconds)
