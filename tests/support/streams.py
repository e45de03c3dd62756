"""TCP and multipath TCP for the tests of moves; they end when their stdin closes, and print one JSON object.

``serve PORT [mptcp]``               answers every request, on 0.0.0.0
``serve6 PORT``                      the same on ::, so that IPv4 connections are v4-mapped
``talk FILE PORT RATE [mptcp]``      one long-lived connection to the address in FILE: request, answer, request
``idle FILE PORT``                   one connection that says nothing
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time
from pathlib import Path

IPPROTO_MPTCP = 262


def main() -> None:
    mode, *arguments = sys.argv[1:]
    result = {"serve": serve, "serve6": serve6, "talk": talk, "idle": idle}[mode](*arguments)
    print(json.dumps(result), flush=True)


def _over() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def serve6(port: str) -> dict[str, object]:
    return serve(port, "", socket.AF_INET6)


def serve(port: str, kind: str = "", family: int = socket.AF_INET) -> dict[str, object]:
    listener = socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP if kind else 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", int(port)))
    listener.listen()
    listener.settimeout(0.1)
    print("ready", flush=True)
    counts = {"accepted": 0, "resets": 0}

    def answer(line: socket.socket) -> None:
        with line:
            try:
                while data := line.recv(4096):
                    line.sendall(data)
            except OSError:
                counts["resets"] += 1

    while not _over():
        try:
            line, _ = listener.accept()
        except TimeoutError:
            continue
        counts["accepted"] += 1
        threading.Thread(target=answer, args=(line,), daemon=True).start()
    return dict(counts)


def talk(file: str, port: str, rate: str, kind: str = "") -> dict[str, object]:
    asked = answered = resets = 0
    gap = 0.0
    line = _connected(file, port, kind)
    print("ready", flush=True)
    last = time.monotonic()
    while not _over():
        message = f"{asked:16}".encode()
        asked += 1
        try:
            line.sendall(message)
            answer = b""
            while len(answer) < len(message):
                answer += line.recv(4096) or _fail()
            answered += answer == message
        except OSError:
            resets += 1
            line = _connected(file, port, kind)
        gap, last = max(gap, time.monotonic() - last), time.monotonic()
        time.sleep(1 / float(rate))
    return {"asked": asked, "answered": answered, "resets": resets, "gap": gap}


def idle(file: str, port: str) -> dict[str, object]:
    line = _connected(file, port, "")
    print("ready", flush=True)
    while not _over():
        time.sleep(0.05)
    line.setblocking(False)
    try:
        line.recv(1)
    except BlockingIOError:
        return {"open": True}
    except OSError as error:
        return {"open": False, "error": type(error).__name__}
    return {"open": False, "error": "closed"}


def _connected(file: str, port: str, kind: str) -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP if kind else 0)
    line.settimeout(10)
    line.connect((Path(file).read_text().strip(), int(port)))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _fail() -> bytes:
    raise ConnectionResetError


if __name__ == "__main__":
    main()
