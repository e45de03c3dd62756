"""Agents reached by their unix sockets (standalone): one ``ASK1`` frame there, one frame back (see cni.wire)."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from cni.wire import (
    KIND_ASK,
    MAX_REPLY,
    Answer,
    Ask,
    AttachmentReport,
    AttachOrder,
    DetachOrder,
    SwitchOrder,
    SwitchStatus,
    WireError,
    decode,
    encode,
    frame,
    read_frame,
)
from switcher.errors import BadInputError, Problem, RefusedError, TryLaterError

SCHEME = "unix:"
TIMEOUT_SECONDS = 10.0
PLUG_SECONDS = 200.0
"""A hot add waits for its container (60 s), its plugins (60 s by default), and perhaps their undoing."""


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

    def attach(self, node: str, order: AttachOrder) -> AttachmentReport:
        """Hot add, done when it returns.

        Raises BadInputError for what does not exist there, RefusedError when it cannot be or failed (nothing is left
        of it then), TryLaterError when the agent is away.
        """
        return self._ask(node, Ask(ask="attach", attach=order), PLUG_SECONDS).attachments[0]

    def detach(self, node: str, order: DetachOrder) -> AttachmentReport:
        """Hot remove, done when it returns; what it was. Raises as ``attach``."""
        return self._ask(node, Ask(ask="detach", detach=order), PLUG_SECONDS).attachments[0]

    def _ask(self, node: str, ask: Ask, seconds: float | None = None) -> Answer:
        address = self._addresses.get(node)
        if address is None:
            known = ", ".join(sorted(self._addresses)) or "none"
            raise TryLaterError(f"node {node} has no address in the settings' nodes (known: {known})")
        try:
            body = KIND_ASK + encode(ask)
            answer = self._exchange(address.removeprefix(SCHEME), body, self._timeout if seconds is None else seconds)
        except (OSError, WireError) as error:
            raise TryLaterError(f"the agent of node {node} at {address} does not answer: {error}") from error
        if answer.error is not None and answer.bad_input:
            raise BadInputError([Problem(f"node {node}", 0, "", answer.error)])
        if answer.error is not None:
            reason = answer.refusal.value if answer.refusal is not None else None
            raise RefusedError(answer.error, reason)
        return answer

    def _exchange(self, path: str, body: bytes, seconds: float) -> Answer:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(path)
            connection.sendall(frame(body))
            answer: Answer = decode(read_frame(connection.recv, MAX_REPLY), Answer)
            return answer
