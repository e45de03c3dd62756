"""What travels between the shim, the agent and the controller: frames and messages.

A **frame** is a 4-byte big-endian length and that many bytes of body. A request's body starts with four
bytes that name its kind:

``CNI1``  from the shim: the CNI environment as ``KEY=VALUE\\0`` entries ended by one more ``\\0``, then stdin.
          The reply's body is one byte, the exit status, and then what goes to stdout.
``ASK1``  from the controller or a tool: one JSON object, an :class:`Ask`; the reply is an :class:`Answer`.

Batches of samples go the other way, from the agent to the controller, as the JSON of :class:`Batch` by HTTP
``POST /v1/ingest``. The reply is :class:`Ingested`.

Times on the wire are seconds since the epoch, UTC; rates are bits per second; sizes are bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from cni.shapes import make_ready

KIND_CNI = b"CNI1"
KIND_ASK = b"ASK1"
HEADER = struct.Struct(">I")
MAX_STDIN = 1024 * 1024
MAX_FRAME = MAX_STDIN + 256 * 1024  # stdin and the environment
MOST_ADDRESSES = 2**53 - 1
"""More than anybody asks for: an IPv6 network has more than databases and readers of JSON can count."""
MAX_REPLY = 16 * 1024 * 1024  # the results of many attachments; the shim takes as much


Instant = Annotated[float, msgspec.Meta(ge=0.0, le=7_289_654_400.0)]
"""A time of the years 1970 to 2200."""
Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class WireError(Exception):
    """The peer broke the protocol: close the connection; a new one may work."""


class Phase(StrEnum):
    """Where a live switch stands (design: The live switch)."""

    PREFLIGHT = "Preflight"
    ATTACH = "Attach"
    VERIFY = "Verify"
    SHIFT = "Shift"
    DRAIN = "Drain"
    DETACH = "Detach"
    RETURNING = "Returning"
    UNDOING = "Undoing"
    DONE = "Done"


class Outcome(StrEnum):
    """How a live switch ended."""

    MOVED = "Moved"
    UNDONE = "Undone"
    RETURNED = "Returned"
    REFUSED = "Refused"
    FAILED = "Failed"


class MoveReason(StrEnum):
    """Why an attachment moves."""

    SAFETY = "Safety"
    SAVINGS = "Savings"
    MANUAL = "Manual"
    RETURN = "Return"
    DRIFT = "Drift"


class RefusalReason(StrEnum):
    """Why a node refuses a move before touching anything."""

    HOST_NETWORK = "HostNetwork"
    DEVICE_BOUND = "DeviceBound"
    SANDBOXED_RUNTIME = "SandboxedRuntime"
    POD_DELETING = "PodDeleting"
    ISOLATED = "Isolated"
    BOUND_SOCKET = "BoundSocket"
    OLD_KERNEL = "OldKernel"
    NO_DEFAULT_ROUTE = "NoDefaultRoute"
    PRIMARY_ADDRESS = "PrimaryAddress"
    NO_ADDRESS = "NoAddress"
    DO_NOT_MOVE = "DoNotMove"


class DrainEnd(StrEnum):
    """What happens at the drain's deadline to what still uses the old path."""

    CLOSE = "close"
    WAIT = "wait"
    RETURN = "return"


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=False):
    """Base of all messages: unknown fields are tolerated, so that versions may differ by one."""


class Verify(Message, frozen=True, kw_only=True):
    """How the new path is proven. ``targets``: ``tcp://host:port`` or ``ping://host``; none: the gateway."""

    targets: tuple[str, ...] = ()
    successes: int = 3
    deadline_seconds: float = 5.0
    settle_seconds: float = 30.0


class Drain(Message, frozen=True, kw_only=True):
    """How the old path is given up."""

    deadline_seconds: float = 60.0
    minimum_seconds: float = 5.0
    quiet_seconds: float = 1.0
    then: DrainEnd = DrainEnd.CLOSE


class SwitchOrder(Message, frozen=True, kw_only=True):
    """One move to be carried out by the node that has the workload. ``id`` makes it idempotent."""

    id: str
    workload: str
    attachment: str
    source: str
    target: str
    reason: MoveReason
    deadline_seconds: float = 120.0
    verify: Verify = Verify()
    drain: Drain = Drain()
    accept: tuple[str, ...] = ()


class Measured(Message, frozen=True, kw_only=True):
    """What a switch measured of itself. ``largest_gap`` in seconds: no packet heard on either link."""

    largest_gap: float | None = None
    drained: int = 0
    closed: int = 0


class SwitchStatus(Message, frozen=True, kw_only=True):
    """Where a switch stands, as its journal has it."""

    id: str
    workload: str
    attachment: str
    source: str
    target: str
    reason: MoveReason
    phase: Phase
    outcome: Outcome | None = None
    refusal: RefusalReason | None = None
    message: str = ""
    started_at: Instant = 0.0
    shifted_at: Instant | None = None
    finished_at: Instant | None = None
    measured: Measured = Measured()


class AttachOrder(Message, frozen=True, kw_only=True):
    """A hot add by hand. ``workload`` is a known one's name, or ``netns:/path/of/a/namespace``."""

    workload: str
    network: str
    ifname: str = ""
    """The interface's name; empty: the next free one."""


class DetachOrder(Message, frozen=True, kw_only=True):
    """A hot remove by hand. ``attachment`` is its name, or the network that it is on."""

    workload: str
    attachment: str
    ifname: str = ""
    """Says which, where several attachments are on the network."""
    force: bool = False
    """Also what the runtime's ADD made, other than the primary interface."""


def status_of(order: SwitchOrder, phase: Phase, started_at: float) -> SwitchStatus:
    """An order's status as it begins; :func:`msgspec.structs.replace` gives those that follow."""
    return SwitchStatus(
        id=order.id,
        workload=order.workload,
        attachment=order.attachment,
        source=order.source,
        target=order.target,
        reason=order.reason,
        phase=phase,
        started_at=started_at,
    )


class AttachmentReport(Message, frozen=True, kw_only=True):
    """One interface of a workload, as the node's store has it."""

    workload: str
    attachment: str
    network: str
    physical_network: str | None
    ifname: str
    addresses: tuple[str, ...]
    since: Instant
    """When it came onto its present network."""
    started: Instant
    """When the workload got its first interface."""
    primary: bool = False
    do_not_move: str | None = None
    """``true``, or a duration since ``started``, as annotated; None: may move."""
    move_primary: bool = False
    labels: dict[str, str] = {}


class NetworkReport(Message, frozen=True, kw_only=True):
    """One network that this node can attach to."""

    network: str
    physical_network: str | None
    free_addresses: int | None = None

    @property
    def countable(self) -> int | None:
        """The free addresses, at most ``MOST_ADDRESSES``, whatever an older agent says."""
        return None if self.free_addresses is None else min(self.free_addresses, MOST_ADDRESSES)


class UplinkSample(Message, frozen=True, kw_only=True):
    """Bytes that crossed an uplink in ``[start, start + seconds)``; ``in`` is towards the node."""

    physical_network: str
    start: float
    seconds: float
    in_bytes: int
    out_bytes: int
    capacity_bps: float
    latency_ms: float | None = None
    loss: float | None = None


class AttachmentSample(Message, frozen=True, kw_only=True):
    """Bytes that crossed one attachment while it was on ``network``; ``in`` is towards the workload."""

    workload: str
    attachment: str
    network: str
    start: float
    seconds: float
    in_bytes: int
    out_bytes: int


class Batch(Message, frozen=True, kw_only=True):
    """What an agent pushes. ``sequence`` grows by one a batch; the controller stores each exactly once.

    ``attachments`` and ``networks`` are the node's whole present state, None when unchanged since the last batch.
    """

    agent: str
    """Identity that lives as long as the agent's store: ``node/uuid``."""
    node: str
    sequence: Sequence
    sent_at: Instant
    uplinks: tuple[UplinkSample, ...] = ()
    traffic: tuple[AttachmentSample, ...] = ()
    attachments: tuple[AttachmentReport, ...] | None = None
    networks: tuple[NetworkReport, ...] | None = None
    switches: tuple[SwitchStatus, ...] = ()
    """Switches that changed since the last batch."""


class RankedNetwork(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A network of one node, as a workload that starts there now would find it. Money is decimal text.

    A workload that carries d bits per second costs ``price_per_hour`` and, for each GB of d, ``price_per_gb`` and
    ``congestion_per_gb``: what its room would be worth to others.
    """

    network: str
    physical_network: str
    rank: int | None = None
    """From 1, the best; None: nothing new should go there now, for ``reason``."""
    reason: str = ""
    """The decision's word, such as ``NoCapacity``; text, so that a word that is new breaks no older agent."""
    price_per_hour: str | None = None
    """Of the attachment alone; None: not known."""
    price_per_gb: str | None = None
    congestion_per_gb: str = "0"
    room_bps: float = 0.0
    """What arrivals may add on this node's uplink before it is at ``fill``; at or below zero when it is full."""
    free_addresses: int | None = None
    sampled_at: float | None = None
    """End of the samples that the room was computed from, by the clock of the node's agent."""
    latency_ms: float | None = None
    sla: str | None = None
    """A percentage, as the physical network's object has it."""


class Ranking(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The networks of a node for new workloads: those with a rank first, then by name."""

    node: str
    computed_at: float
    """By the controller's clock: it tells one ranking from another; ``age_seconds`` says how old it is."""
    age_seconds: float = 0.0
    """Its age as it was sent."""
    demand_bps: float
    """What a new workload of this node is expected to carry; the ranks are for it."""
    currency: str = ""
    networks: tuple[RankedNetwork, ...] = ()


class Ingested(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The controller's reply: the highest sequence number that it holds for the agent.

    ``ranking`` comes when it is another than the last one sent, and now and then.
    """

    sequence: int
    ranking: Ranking | None = None


class Ask(Message, frozen=True, kw_only=True):
    """A question or an order to the agent: exactly one field beside ``ask`` is set where the verb needs it.

    ``ask``: ``switch`` (needs ``switch``), ``refuse-check`` (a dry run: preflight only, needs ``switch``),
    ``switches`` (all in the journal), ``attachments``, ``networks``, ``status``, ``attach`` (needs ``attach``),
    ``detach`` (needs ``detach``): these two answer when it is done, with the one attachment that came or went.
    """

    ask: str
    switch: SwitchOrder | None = None
    attach: AttachOrder | None = None
    detach: DetachOrder | None = None


class Answer(Message, frozen=True, kw_only=True):
    """The agent's answer; ``error`` is set and nothing was done when the order was refused."""

    error: str | None = None
    refusal: RefusalReason | None = None
    bad_input: bool = False
    """What was asked for does not exist, or cannot be named so: asking the same again is in vain."""
    switches: tuple[SwitchStatus, ...] = ()
    attachments: tuple[AttachmentReport, ...] = ()
    networks: tuple[NetworkReport, ...] = ()
    node: str = ""


def frame(body: bytes, limit: int = MAX_FRAME) -> bytes:
    """The body with its length in front. Raises WireError when it is larger than a frame may be."""
    if len(body) > limit:
        raise WireError(f"a frame of {len(body)} bytes is larger than {limit}")
    return HEADER.pack(len(body)) + body


def read_frame(receive: Callable[[int], bytes], limit: int = MAX_FRAME) -> bytes:
    """One body, read by ``receive(n)`` (a socket's ``recv``).

    Raises WireError when the peer closes early or announces more than ``limit`` bytes.
    """
    (length,) = HEADER.unpack(_exactly(receive, HEADER.size))
    if length > limit:
        raise WireError(f"the peer announces {length} bytes; {limit} is the limit")
    return _exactly(receive, length)


def _exactly(receive: Callable[[int], bytes], count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = receive(min(count, 65536))
        if not part:
            raise WireError(f"the peer closed the connection {count} bytes early")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def encode(message: Message) -> bytes:
    """The message as JSON."""
    return msgspec.json.encode(message)


def decode(data: bytes, kind: type[Any]) -> Any:
    """JSON as a message of ``kind``. Raises WireError that names the offending field."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # ValueError: msgspec's own, and what is not UTF-8
        raise WireError(f"not a {kind.__name__}: {error}") from error


make_ready()  # both sides read these in threads
