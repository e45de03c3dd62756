"""What every command opens. The controller itself is put together in ``switcher.controller``, from the same parts."""

from __future__ import annotations

from switcher.adapters.node.sockets import AgentSockets
from switcher.adapters.store.history import SqlHistory
from switcher.objects.load import load
from switcher.objects.model import Book
from switcher.settings import ControllerSettings


def open_history(url: str) -> SqlHistory:
    """The history at a database URL, as it is. Raises SwitcherError when it must be upgraded first."""
    return SqlHistory.open(url)


def hands_of(settings: ControllerSettings) -> AgentSockets:
    """Orders to the nodes that the settings name."""
    return AgentSockets(settings.nodes)


def load_book(settings: ControllerSettings) -> Book:
    """The users' objects as the files have them now. Raises BadInputError with every problem."""
    return load(settings.objects)
