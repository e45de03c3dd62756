"""Sockets of a namespace, as ``inet_diag`` lists them: TCP and UDP, IPv4 and IPv4 inside IPv6.

Source: ``include/uapi/linux/inet_diag.h`` and ``mptcp.h``. An IPv4 connection accepted on a ``::`` listener is in the
IPv6 dump, with v4-mapped addresses; it is reported here with its IPv4 ones.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cni.kernel.netlink import ABSENT, attributes, talking
from cni.kernel.spaces import open_proc

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
SOCK_DESTROY = 21
REQUEST = struct.Struct("=BBBBI")
"""Family, protocol, extensions, padding, states; then the socket's identity."""
IDENTITY = struct.Struct("!HH16s16s")
"""Ports and addresses; then the link's number and the cookie (host order)."""
IDENTITY_SIZE = 48
MESSAGE_SIZE = 72
WITH_INFO = 1 << 1
"""Asks for INET_DIAG_INFO: only with it does the kernel tell of upper-layer protocols, multipath TCP among them."""
ULP_INFO, ULP_MPTCP, SUBFLOW_TOKEN_LOCAL = 19, 3, 2
V4_MAPPED = bytes(10) + b"\xff\xff"

ESTABLISHED = 1
FIN_WAIT2 = 5
TIME_WAIT = 6
CLOSE = 7
LISTEN = 10
_ALL_STATES = 0xFFFFFFFF & ~(1 << TIME_WAIT)
IPV4_ALL_HOSTS = "010000E0"
"""224.0.0.1 as ``/proc/net/igmp`` writes it: every link is a member of it."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A TCP or UDP socket; a multipath connection appears as its subflows."""

    protocol: int
    """IPPROTO_TCP or IPPROTO_UDP."""
    family: int
    """Of the socket, not of its addresses."""
    state: int
    local: str
    local_port: int
    remote: str
    remote_port: int
    link: int
    """Number of the link that it is bound to; 0: none."""
    inode: int
    identity: bytes
    """As the kernel gave it, for :func:`destroy`."""
    token: int | None
    """Of the multipath connection that it is a subflow of."""

    def __str__(self) -> str:
        kind = "TCP" if self.protocol == socket.IPPROTO_TCP else "UDP"
        to = f" to {self.remote}:{self.remote_port}" if self.remote_port else ""
        return f"{kind} {self.local}:{self.local_port}{to}"


def sockets(netns: str | None) -> list[Socket]:
    """All TCP and UDP sockets of the namespace but those in TIME_WAIT. Raises OSError."""
    found: list[Socket] = []
    with talking(netns, NETLINK_SOCK_DIAG) as channel:
        for family in (socket.AF_INET, socket.AF_INET6):
            for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
                request = REQUEST.pack(family, protocol, WITH_INFO, 0, _ALL_STATES) + bytes(IDENTITY_SIZE)
                answers = channel.ask(SOCK_DIAG_BY_FAMILY, request)
                found += [_parse(protocol, body) for _, body in answers if len(body) >= MESSAGE_SIZE]
    return found


def destroy(netns: str | None, victim: Socket) -> bool:
    """Closes the socket as an administrator does: its owner gets an error, a TCP peer a reset.

    False when it is gone already. Raises KernelError (EOPNOTSUPP: built without CONFIG_INET_DIAG_DESTROY).
    """
    request = REQUEST.pack(victim.family, victim.protocol, 0, 0, _ALL_STATES) + victim.identity
    with talking(netns, NETLINK_SOCK_DIAG) as channel:
        return channel.order(SOCK_DESTROY, request, tolerate=ABSENT | {errno.ENOTCONN})


def memberships(netns: str | None, ifname: str) -> list[str]:
    """The IPv4 multicast groups that sockets joined on a link."""
    with os.fdopen(open_proc(netns, "igmp"), encoding="ascii") as table:
        text = table.read()
    groups: list[str] = []
    current = ""
    for line in text.splitlines()[1:]:
        if not line.startswith("\t"):
            current = line.split(":")[0].split()[-1]
        elif current == ifname and line.split()[0] != IPV4_ALL_HOSTS:
            groups.append(socket.inet_ntoa(struct.pack("=I", int(line.split()[0], 16))))
    return groups


def owner(netns: str, inode: int) -> str | None:
    """``name (pid)`` of a process that holds the socket, where this process may see it."""
    space = Path(netns).stat().st_ino
    wanted = f"socket:[{inode}]"
    for process in _processes(space):
        try:
            if any(str(entry.readlink()) == wanted for entry in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} ({process.name})"
        except OSError:
            continue  # ended meanwhile, or not ours to see
    return None


def _processes(space: int) -> Iterator[Path]:
    """Processes in the namespace of that inode number."""
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "ns/net").stat().st_ino == space:
                yield process
        except OSError:
            continue  # ended meanwhile, or not ours to see


def _parse(protocol: int, body: bytes) -> Socket:
    family, state = body[0], body[1]
    identity = body[4 : 4 + IDENTITY_SIZE]
    local_port, remote_port, local, remote = IDENTITY.unpack_from(identity)
    (link,) = struct.unpack_from("=I", identity, IDENTITY.size)
    (inode,) = struct.unpack_from("=I", body, MESSAGE_SIZE - 4)
    return Socket(
        protocol=protocol,
        family=family,
        state=state,
        local=_address(family, local),
        local_port=local_port,
        remote=_address(family, remote),
        remote_port=remote_port,
        link=link,
        inode=inode,
        identity=identity,
        token=_token(body[MESSAGE_SIZE:]) if protocol == socket.IPPROTO_TCP else None,
    )


def _address(family: int, value: bytes) -> str:
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, value[:4])
    if value.startswith(V4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, value[12:])
    return str(ipaddress.IPv6Address(value))


def _token(data: bytes) -> int | None:
    for kind in (ULP_INFO, ULP_MPTCP):
        found = next((value for key, value in attributes(data) if key == kind), None)
        if found is None:
            return None
        data = found
    value = next((value for key, value in attributes(data) if key == SUBFLOW_TOKEN_LOCAL), None)
    return None if value is None else int(struct.unpack("=I", value)[0])
