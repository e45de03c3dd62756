"""Whose files the delegates see: the agent's own, or the host's where the agent runs in a container."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from cni.kernel.spaces import inside_mounts

T = TypeVar("T")


class Place(Protocol):
    """Does something among some files."""

    def __call__(self, act: Callable[[], T]) -> T:
        """What ``act`` returns there; raises what it raises, and OSError when the place cannot be entered."""


def here(act: Callable[[], T]) -> T:
    """Among the agent's own files."""
    return act()


class MountNamespace:
    """Among the files of a mount namespace, such as the host's at ``/proc/1/ns/mnt``."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __call__(self, act: Callable[[], T]) -> T:
        """See ``Place``."""
        return inside_mounts(self._path, act)
