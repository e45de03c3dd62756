"""ARP, spoken by hand on one link: does an address answer there, and telling all that an address is here.

Source: RFC 826, RFC 5227 (announcements).
"""

from __future__ import annotations

import socket
import struct
import time

from cni.kernel.spaces import open_socket

ETH_P_ARP = 0x0806
PACKET = struct.Struct("!HHBBH6s4s6s4s")
ASK, TELL = 1, 2
BROADCAST = b"\xff" * 6


def answers(netns: str | None, ifname: str, source: str, wanted: str, seconds: float) -> bool:
    """Whether ``wanted`` answers an ARP request from ``source`` on the link within ``seconds``. Raises OSError."""
    with _open(netns, ifname) as line:
        mac = line.getsockname()[4]
        question = _packet(ASK, (mac, source), (bytes(6), wanted))
        line.sendto(question, (ifname, ETH_P_ARP, 0, 0, BROADCAST))
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            line.settimeout(left)
            try:
                heard = line.recv(2048)
            except TimeoutError:
                return False
            if _tells(heard, wanted):
                return True
    return False


def announce(netns: str | None, ifname: str, address: str) -> None:
    """Tells every neighbour on the link that ``address`` is at this link now. Raises OSError."""
    with _open(netns, ifname) as line:
        mac = line.getsockname()[4]
        here = (mac, address)
        # Both forms: some equipment learns from requests only, some from replies only.
        for packet in (_packet(ASK, here, (bytes(6), address)), _packet(TELL, here, here)):
            line.sendto(packet, (ifname, ETH_P_ARP, 0, 0, BROADCAST))


def _open(netns: str | None, ifname: str) -> socket.socket:
    line = open_socket(netns, socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    try:
        line.bind((ifname, ETH_P_ARP))
    except OSError:
        line.close()
        raise
    return line


def _packet(kind: int, sender: tuple[bytes, str], target: tuple[bytes, str]) -> bytes:
    (from_mac, from_address), (to_mac, to_address) = sender, target
    addresses = socket.inet_aton(from_address), socket.inet_aton(to_address)
    return PACKET.pack(1, 0x0800, 6, 4, kind, from_mac, addresses[0], to_mac, addresses[1])


def _tells(heard: bytes, wanted: str) -> bool:
    if len(heard) < PACKET.size:
        return False
    fields = PACKET.unpack_from(heard)
    return bool(fields[4] == TELL and fields[6] == socket.inet_aton(wanted))
