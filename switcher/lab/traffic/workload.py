"""The process in a workload's namespace: ``python -m switcher.lab.traffic.workload NAME NUMBER KIND FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

from switcher.lab import blueprint as plan
from switcher.lab.traffic import tcp, udp
from switcher.lab.traffic.ledger import SAVE_SECONDS, Ledger, Stream
from switcher.lab.traffic.loop import Loop

RENEW_SECONDS = 3.0


def main(name: str, number: int, kind: plan.Kind, path: Path) -> None:
    """Send and serve until SIGTERM."""
    loop, ledger = Loop(), Ledger(path)
    loop.stop_on_sigterm()
    bulk = ledger.open(f"{name}/{plan.BULK}")
    send = udp.unconnected((plan.SINK, plan.BULK_PORT + number))
    udp.Sender(loop, bulk, send, per_second=plan.BULK_PER_SECOND, size=plan.BULK_SIZE)
    client = _start(kind, loop, ledger, (name, number))
    loop.every(SAVE_SECONDS, ledger.save)
    ledger.save()  # its being there says that this process is up
    loop.run()
    if client is not None:
        client.stop()
    ledger.save()


def _start(kind: plan.Kind, loop: Loop, ledger: Ledger, who: tuple[str, int]) -> tcp.Client | None:
    """What the workload does beside its bulk stream; the servers' counts are their clients'."""
    name, number = who
    match kind:
        case plan.Kind.UDP_OUT:
            send = udp.unconnected((plan.SINK, plan.SMALL_PORT + number))
            stream = ledger.open(f"{name}/{kind}")
            udp.Sender(loop, stream, send, per_second=plan.SMALL_PER_SECOND, size=plan.SMALL_SIZE)
            return None
        case plan.Kind.UDP_IN:
            udp.serve_echo(loop, plan.SERVER_PORT)
            return None
        case plan.Kind.TCP_IN:
            tcp.serve_echo(loop, plan.SERVER_PORT)
            return None
        case plan.Kind.TCP_OUT:
            manner = tcp.Manner(per_second=plan.REQUESTS_PER_SECOND, renew=RENEW_SECONDS)
            return _client(ledger.open(f"{name}/{kind}"), plan.TCP_PORT, manner)
        case plan.Kind.MPTCP:
            manner = tcp.Manner(per_second=plan.REQUESTS_PER_SECOND, renew=None, protocol=tcp.IPPROTO_MPTCP)
            return _client(ledger.open(f"{name}/{kind}"), plan.MPTCP_PORT, manner)


def _client(stream: Stream, port: int, manner: tcp.Manner) -> tcp.Client:
    client = tcp.Client(stream, lambda: (plan.SINK, port), manner)
    client.start()
    return client


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), plan.Kind(sys.argv[3]), Path(sys.argv[4]))
