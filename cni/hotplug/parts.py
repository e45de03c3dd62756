"""What hot add and remove work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cni.attach import Attacher
from cni.locks import ContainerLocks
from cni.networks import Networks
from cni.store import Store
from cni.wire import SwitchOrder, SwitchStatus


class Switching(Protocol):
    """The live switch, as far as hot add and remove need it."""

    def start(self, order: SwitchOrder) -> None:
        """Begin it; one that is known by its id already is left as it is. Raises Refused, LockTimeout."""

    def statuses(self) -> Sequence[SwitchStatus]:
        """All switches in the journal."""


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of the agent that hot add and remove use."""

    store: Store
    attacher: Attacher
    locks: ContainerLocks
    networks: Networks
    switches: Switching
    observe: Callable[[str], None] = _nothing
    """Told what was put right: a ``hot-add`` undone after a crash, a ``netns`` that is gone."""
    changed: Callable[[str], None] = _nothing
    """Told a container's id when it has a network more or less."""
    reached: Callable[[str], None] = _nothing
    """Told each point at which a crash would find things half done."""
