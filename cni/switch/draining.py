"""Giving up a path: waiting until nothing uses it any more, counted by the kernel."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cni.kernel.sockets import CLOSE, ESTABLISHED, FIN_WAIT2, LISTEN, Socket, destroy, sockets
from cni.switch.journal import Side

HANDOVER_POLLS = 2
"""A subflow over the new path is trusted after it was seen this often in a row."""


def users(netns: str, address: str) -> list[Socket]:
    """The sockets that still need the address. Raises OSError."""
    return [each for each in sockets(netns) if each.local == address and _in_use(each)]


def _in_use(each: Socket) -> bool:
    """Connected UDP; TCP in any state but LISTEN and TIME_WAIT.

    Nor one that its owner closed and that waits for nothing but the peer's FIN: the kernel keeps that as it keeps
    TIME_WAIT, and nobody would read what came.
    """
    if each.protocol == socket.IPPROTO_UDP:
        return bool(each.remote_port)
    return each.state not in (LISTEN, CLOSE) and not (each.state == FIN_WAIT2 and each.inode == 0)


@dataclass(slots=True)
class Usage:
    """Who used the leaving address since the drain began. ``closed`` counts those that we closed."""

    netns: str
    leaving: Side
    staying: Side
    closed: int = 0
    _seen: set[bytes] = field(default_factory=set)
    _present: set[bytes] = field(default_factory=set)
    _doubled: dict[int, int] = field(default_factory=dict)

    def look(self) -> list[Socket]:
        """The present users, less the multipath subflows that this look could close. Raises OSError."""
        if self.leaving.address == self.staying.address:
            return []
        left = self._hand_over(users(self.netns, self.leaving.address))
        self._present = {each.identity for each in left}
        self._seen |= self._present
        return left

    def close_all(self) -> None:
        """Closes every user: TCP peers get a reset, the owners of UDP sockets an error. Raises OSError."""
        for each in self.look():
            self.closed += destroy(self.netns, each)
        self._present = set()

    @property
    def drained(self) -> int:
        """Users that ended, or moved on, by themselves."""
        return max(0, len(self._seen - self._present) - self.closed)

    def _hand_over(self, present: list[Socket]) -> list[Socket]:
        """Ends subflows of connections that have another, established one over the staying address."""
        tokens = {each.token for each in present if each.token is not None}
        if not tokens:
            return present
        over = {each.token for each in users(self.netns, self.staying.address) if each.state == ESTABLISHED}
        self._doubled = {token: self._doubled.get(token, 0) + 1 for token in tokens & over if token is not None}
        left = []
        for each in present:
            self._seen.add(each.identity)
            if each.token is not None and self._doubled.get(each.token, 0) > HANDOVER_POLLS:
                destroy(self.netns, each)
            else:
                left.append(each)
        return left


@dataclass(slots=True)
class Watch:
    """Seconds that passed under our eyes: from look to look, of each stretch at most ``most``.

    While this process, its disk or the whole machine stands still nobody can be told anything, and nobody can come:
    such a time uses up nobody's time to move on, and proves no silence.
    """

    most: float
    clock: Callable[[], float] = time.monotonic
    seconds: float = 0.0
    _last: float | None = None

    def look(self) -> float:
        """Goes on to this moment; the first look only begins. What has passed until now."""
        now = self.clock()
        if self._last is not None:
            self.seconds += min(now - self._last, self.most)
        self._last = now
        return self.seconds

    def begin(self) -> None:
        """Nothing has passed yet."""
        self.seconds, self._last = 0.0, self.clock()


@dataclass(slots=True)
class Quiet:
    """Whether packets still come to the leaving address; read only when it matters."""

    heard: Callable[[], int]
    seconds: float
    watch: Watch
    _count: int | None = None

    def over(self) -> bool:
        """Whether nothing came for ``seconds``; the first call only begins the wait. Raises what ``heard`` raises."""
        # Reading takes its time on a busy machine: a silence ends before it is read, and begins after it was.
        silent, count = self.watch.look(), self.heard()
        if count != self._count:
            self._count, silent = count, 0.0
            self.watch.begin()
        return silent >= self.seconds
