"""Traffic for the tests of moves: small programs, one per process, that count what they sent and heard.

Run by path with a mode and its arguments; they end when their stdin closes, and print one JSON object.

``sink PORT``                    hears numbered packets on 0.0.0.0
``echo PORT``                    answers each on 0.0.0.0 from an unconnected socket
``send FILE PORT RATE [BIND]``   numbered packets from an unconnected socket to the address in FILE
``feed FILE PORT RATE [SOURCE]`` the same from a connected socket that connects anew when FILE changes
``ask FILE PORT RATE [SOURCE]``  requests from such a socket; counts those that were never answered, and says when the
                                 first and the last of them were sent and when it connected last (since the epoch)
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from pathlib import Path

NUMBER = struct.Struct("!Q")
LAST_ANSWERS_SECONDS = 1.0


def main() -> None:
    mode, *arguments = sys.argv[1:]
    modes = {"sink": sink, "echo": echo, "send": send, "feed": feed, "ask": ask}
    result = modes[mode](*arguments)
    print(json.dumps(result), flush=True)


def _over() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _ready() -> None:
    print("ready", flush=True)


def sink(port: str) -> dict[str, object]:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    line.bind(("0.0.0.0", int(port)))
    line.settimeout(0.1)
    _ready()
    heard: set[int] = set()
    twice = 0
    gap, last = 0.0, None
    while not _over():
        try:
            number = NUMBER.unpack_from(line.recv(2048))[0]
        except TimeoutError:
            continue
        now = time.monotonic()
        gap, last = (max(gap, now - last) if last is not None else 0.0), now
        twice += number in heard
        heard.add(number)
    return {"heard": len(heard), "twice": twice, "gap": gap, "highest": max(heard, default=-1)}


def echo(port: str) -> dict[str, object]:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    line.bind(("0.0.0.0", int(port)))
    line.settimeout(0.1)
    _ready()
    answered = errors = 0
    while not _over():
        try:
            data, peer = line.recvfrom(2048)
        except TimeoutError:
            continue
        try:
            line.sendto(data, peer)
        except OSError:
            errors += 1
        answered += 1
    return {"answered": answered, "errors": errors}


def send(file: str, port: str, rate: str, bind: str = "0") -> dict[str, object]:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("0.0.0.0", int(bind)))
    address = Path(file).read_text().strip()
    _ready()
    sent, errors = 0, 0
    pace = _Pace(float(rate))
    while not _over():
        for _ in range(pace.due()):
            try:
                line.sendto(NUMBER.pack(sent), (address, int(port)))
            except OSError:
                errors += 1
            sent += 1
        pace.rest()
    return {"sent": sent, "errors": errors}


def feed(file: str, port: str, rate: str, source: str = "0.0.0.0") -> dict[str, object]:
    peer = _Peer(file, int(port), source)
    _ready()
    sent, errors = 0, 0
    pace = _Pace(float(rate))
    while not _over():
        peer.resolve()
        for _ in range(pace.due()):
            try:
                peer.line.send(NUMBER.pack(sent))
            except OSError:
                errors += 1
            sent += 1
        pace.rest()
    return {"sent": sent, "errors": errors, "connects": peer.connects}


def ask(file: str, port: str, rate: str, source: str = "0.0.0.0") -> dict[str, object]:
    peer = _Peer(file, int(port), source)
    peer.line.setblocking(False)
    _ready()
    waiting: dict[int, float] = {}
    sent, errors, twice, answered = 0, 0, 0, 0
    gap, last = 0.0, None
    pace = _Pace(float(rate))
    end: float | None = None
    while end is None or (time.monotonic() < end and waiting):
        if end is None and _over():
            end = time.monotonic() + LAST_ANSWERS_SECONDS
        if end is None:
            peer.resolve()
            for _ in range(pace.due()):
                try:
                    peer.line.send(NUMBER.pack(sent))
                except OSError:
                    errors += 1
                waiting[sent] = time.time()
                sent += 1
        for number in peer.answers():
            now = time.monotonic()
            gap, last = (max(gap, now - last) if last is not None else 0.0), now
            twice += number not in waiting
            waiting.pop(number, None)
            answered += 1
        pace.rest()
    lost = sorted(waiting)
    return {
        "sent": sent,
        "answered": answered,
        "lost": len(lost),
        "which": lost[:10],
        "lost_at": [round(waiting[number], 3) for number in (*lost[:1], *lost[-1:])],
        "twice": twice,
        "errors": errors,
        "gap": gap,
        "connects": peer.connects,
        "connected_at": round(peer.connected_at, 3),
    }


class _Pace:
    """How many packets are due at a rate per second, since the last question."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._began = time.monotonic()
        self._done = 0

    def due(self) -> int:
        wanted = int((time.monotonic() - self._began) * self._rate)
        due = min(wanted - self._done, 50)
        self._done = wanted
        return due

    def rest(self) -> None:
        time.sleep(min(0.001, 0.5 / self._rate))


class _Peer:
    """A connected socket that follows the published address, asked for every 100 ms."""

    def __init__(self, file: str, port: int, source: str) -> None:
        self._file, self._port = Path(file), port
        self._address = ""
        self._next = 0.0
        self.connects = 0
        self.connected_at = 0.0
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        # A socket that connects anew keeps its source: it must be one that is reached over every network.
        self.line.bind((source, 0))
        self.resolve()

    def resolve(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        address = self._file.read_text().strip()
        if address and address != self._address:
            self.line.connect((address, self._port))
            self._address = address
            self.connects += 1
            self.connected_at = time.time()

    def answers(self) -> list[int]:
        found = []
        while True:
            try:
                found.append(NUMBER.unpack_from(self.line.recv(2048))[0])
            except OSError:
                return found


if __name__ == "__main__":
    main()
