"""Foreign load: ``python -m switcher.lab.traffic.flood SOURCE DEVICE BITS_PER_SECOND`` floods until SIGTERM."""

from __future__ import annotations

import socket
import sys

from switcher.lab import blueprint as plan
from switcher.lab.traffic import udp
from switcher.lab.traffic.ledger import Stream
from switcher.lab.traffic.loop import Loop

HEADERS = 42
"""Bytes that Ethernet, IPv4 and UDP add to each datagram."""


def main(source: str, device: str, bits_per_second: float) -> None:
    """Datagrams that nobody reads, out through one device."""
    sock = udp.udp_socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    sock.bind((source, 0))

    def send(data: bytes) -> bool:
        try:
            sock.sendto(data, (plan.FLOOD_SINK, plan.FLOOD_PORT))
        except OSError:  # no room: the shaper holds it back
            return False
        return True

    loop = Loop()
    loop.stop_on_sigterm()
    per_second = bits_per_second / 8 / (plan.BULK_SIZE + HEADERS)
    udp.Sender(loop, Stream("foreign"), send, per_second=per_second, size=plan.BULK_SIZE)
    loop.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
