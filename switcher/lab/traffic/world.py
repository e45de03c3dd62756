"""The processes in ``world``: ``python -m switcher.lab.traffic.world sinks|clients FILE ADDRESSES WHO...``.

WHO is ``NAME:NUMBER:KIND``, once a workload. ``sinks`` receive what workloads send; ``clients`` ask the servers in
workloads at the addresses published in the file ADDRESSES, which they look up every other second, as with DNS.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from switcher.lab import blueprint as plan
from switcher.lab.traffic import tcp, udp
from switcher.lab.traffic.ledger import SAVE_SECONDS, Ledger
from switcher.lab.traffic.loop import Loop

RESOLVE_SECONDS = 2.0
RENEW_SECONDS = 3.0
Who = tuple[str, int, plan.Kind]


class Directory:
    """Published addresses, cached for as long as DNS answers would be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0.0
        self._addresses: dict[str, str] = {}

    def look_up(self, name: str) -> str | None:
        """The workload's address; at most ``RESOLVE_SECONDS`` old."""
        if time.monotonic() - self._read_at >= RESOLVE_SECONDS:
            self._read_at = time.monotonic()
            if self._path.exists():
                self._addresses = json.loads(self._path.read_text())
        return self._addresses.get(name)


def run_sinks(loop: Loop, ledger: Ledger, everyone: list[Who]) -> None:
    """Receive every stream that workloads send, and answer their requests."""
    for name, number, kind in everyone:
        ports = [(plan.BULK_PORT + number, plan.BULK, plan.BULK_PER_SECOND)]
        if kind is plan.Kind.UDP_OUT:
            ports.append((plan.SMALL_PORT + number, kind.value, plan.SMALL_PER_SECOND))
        for port, what, per_second in ports:
            sock = udp.udp_socket()
            sock.bind((plan.SINK, port))
            udp.receive(loop, sock, ledger.open(f"{name}/{what}", 1 / per_second))
    tcp.serve_echo(loop, plan.TCP_PORT)
    tcp.serve_echo(loop, plan.MPTCP_PORT, tcp.IPPROTO_MPTCP)
    loop.run()


def run_clients(loop: Loop, ledger: Ledger, everyone: list[Who], directory: Directory) -> None:
    """Ask every server in a workload."""
    threads = []
    for name, _, kind in everyone:
        if kind is plan.Kind.UDP_IN:
            _ask_by_udp(loop, ledger, name, directory)
        if kind is plan.Kind.TCP_IN:
            threads.append(_ask_by_tcp(ledger, name, directory))
    loop.run()
    for thread in threads:
        thread.stop()


def _ask_by_udp(loop: Loop, ledger: Ledger, name: str, directory: Directory) -> None:
    stream = ledger.open(f"{name}/{plan.Kind.UDP_IN}", 1 / plan.SMALL_PER_SECOND)
    client = udp.ConnectedClient(loop, stream, plan.CLIENT, plan.SERVER_PORT)
    loop.every(0.5, lambda: client.resolve(directory.look_up(name)))
    udp.Sender(loop, stream, client.send, per_second=plan.SMALL_PER_SECOND, size=plan.SMALL_SIZE)


def _ask_by_tcp(ledger: Ledger, name: str, directory: Directory) -> tcp.Client:
    def target() -> tuple[str, int] | None:
        address = directory.look_up(name)
        return None if address is None else (address, plan.SERVER_PORT)

    manner = tcp.Manner(per_second=plan.REQUESTS_PER_SECOND, renew=RENEW_SECONDS, source=plan.CLIENT)
    client = tcp.Client(ledger.open(f"{name}/{plan.Kind.TCP_IN}"), target, manner)
    client.start()
    return client


def main(role: str, path: Path, addresses: Path, everyone: list[Who]) -> None:
    """Run one role until SIGTERM."""
    loop, ledger = Loop(), Ledger(path)
    loop.stop_on_sigterm()
    loop.every(SAVE_SECONDS, ledger.save)
    ledger.save()  # its being there says that this process is up
    if role == "sinks":
        run_sinks(loop, ledger, everyone)
    else:
        run_clients(loop, ledger, everyone, Directory(addresses))
    ledger.save()


def parse_who(text: str) -> Who:
    """``w01:1:udp-out``."""
    name, number, kind = text.split(":")
    return name, int(number), plan.Kind(kind)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), [parse_who(text) for text in sys.argv[4:]])
