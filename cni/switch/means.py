"""What a switch works with, and how a step says that it cannot."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cni.attach import Attacher
from cni.locks import ContainerLocks
from cni.networks import Networks
from cni.store import Store
from cni.wire import Phase, RefusalReason


class Refused(Exception):  # noqa: N818 - the word that the wire and the controller have for it
    """The move cannot be made and nothing was touched: order something else, or the same when the reason is gone."""

    def __init__(self, message: str, reason: RefusalReason | None = None) -> None:
        self.message = message
        self.reason = reason
        super().__init__(message)


class StepFailedError(Exception):
    """A step cannot reach its end; the table of steps says what follows."""


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """The parts of the agent that a switch uses."""

    store: Store
    attacher: Attacher
    locks: ContainerLocks
    networks: Networks
    scratch: Path = field(default=Path("/run/genie/switch"))
    """Directory of the scratch namespaces, in which old links meet their DEL."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    observe: Callable[[Phase, float], None] = _nothing
    """Told each phase that ended and the seconds that it took."""
    changed: Callable[[str], None] = _nothing
    """Told a container's id when the network that carries its traffic is another one."""
    reached: Callable[[str], None] = _nothing
    """Told each point inside a step at which a crash would find things half done."""
