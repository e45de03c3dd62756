"""Agents reached by their unix sockets (standalone): one ``ASK1`` frame there, one frame back (see cni.wire)."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from cni.wire import (
    KIND_ASK,
    Answer,
    Ask,
    AttachmentReport,
    SwitchOrder,
    SwitchStatus,
    WireError,
    decode,
    encode,
    frame,
    read_frame,
)
from switcher.errors import RefusedError, TryLaterError

SCHEME = "unix:"
TIMEOUT_SECONDS = 10.0


class AgentSockets:
    """The port ``NodeHands`` over unix sockets. ``addresses``: ``unix:/path`` by node. Safe for several threads."""

    def __init__(self, addresses: Mapping[str, str], timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._addresses = addresses
        self._timeout = timeout_seconds

    def order(self, node: str, order: SwitchOrder) -> None:
        """See ``NodeHands.order``."""
        self._ask(node, Ask(ask="switch", switch=order))

    def check(self, node: str, order: SwitchOrder) -> None:
        """Preflight only. Raises RefusedError with what the node would refuse, TryLaterError when it is away."""
        self._ask(node, Ask(ask="refuse-check", switch=order))

    def switches(self, node: str) -> Sequence[SwitchStatus]:
        """See ``NodeHands.switches``."""
        return self._ask(node, Ask(ask="switches")).switches

    def attachments(self, node: str) -> Sequence[AttachmentReport]:
        """What is attached on the node now. Raises TryLaterError when the agent is away."""
        return self._ask(node, Ask(ask="attachments")).attachments

    def _ask(self, node: str, ask: Ask) -> Answer:
        address = self._addresses.get(node)
        if address is None:
            known = ", ".join(sorted(self._addresses)) or "none"
            raise TryLaterError(f"node {node} has no address in the settings' nodes (known: {known})")
        try:
            answer = self._exchange(address.removeprefix(SCHEME), KIND_ASK + encode(ask))
        except (OSError, WireError) as error:
            raise TryLaterError(f"the agent of node {node} at {address} does not answer: {error}") from error
        if answer.error is not None:
            reason = answer.refusal.value if answer.refusal is not None else None
            raise RefusedError(answer.error, reason)
        return answer

    def _exchange(self, path: str, body: bytes) -> Answer:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._timeout)
            connection.connect(path)
            connection.sendall(frame(body))
            answer: Answer = decode(read_frame(connection.recv), Answer)
            return answer
