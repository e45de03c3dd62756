"""Values of the smart choice: what may be chosen, what was chosen, and why others were not. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from cni.protocol import CniError, Code

CHOICE_KEY = "switcher.genie.io/choice"
"""The annotation that says what was chosen and why."""


class Source(StrEnum):
    """What a choice was made by."""

    RANKING = "ranking"
    """The controller's ranking for new workloads: price, congestion, room."""
    COUNTERS = "counters"
    """The agent's own: use of the uplinks, free addresses, recent failures."""
    DEFAULT = "default"
    """Nothing is known of any network: the node's default one."""


class Word(StrEnum):
    """Why a network was not chosen."""

    NOT_ASKED = "NotAsked"
    NOT_INSTALLED = "NotInstalled"
    UPLINK_DOWN = "UplinkDown"
    NO_ADDRESS = "NoAddress"
    NO_CAPACITY = "NoCapacity"
    TOO_SMALL = "TooSmall"
    SLA_TOO_LOW = "SlaTooLow"
    TOO_DEAR = "TooDear"
    UNKNOWN_PRICE = "UnknownPrice"
    TOO_BUSY = "TooBusy"
    TOO_SLOW = "TooSlow"
    FAILED_LATELY = "FailedLately"
    NOT_RANKED = "NotRanked"
    BEHIND = "Behind"


MAY_CHANGE = frozenset(
    {
        Word.UPLINK_DOWN,
        Word.NO_ADDRESS,
        Word.NO_CAPACITY,
        Word.UNKNOWN_PRICE,
        Word.TOO_DEAR,
        Word.TOO_BUSY,
        Word.TOO_SLOW,
    }
)
"""What time alone may put right: the runtime shall try again later."""


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason against a network."""

    word: Word
    text: str

    def __str__(self) -> str:
        return f"{self.word}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A network that the node has a configuration for."""

    network: str
    """As in ``NetworkConfig.network``."""
    physical_network: str | None = None
    free_addresses: int | None = None
    """None: its IPAM does not say."""
    uplink_up: bool | None = None
    """Whether the uplink of its physical network is there and up; None: none is declared."""
    missing: tuple[str, ...] = ()
    """Plugins in its configuration that are not installed."""
    capacity_bps: float | None = None
    """Of its uplink; None: not declared."""
    sla: Decimal | None = None
    """A percentage; None: the ranking may know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A network that was considered and not chosen."""

    network: str
    objections: tuple[Objection, ...]

    @property
    def may_change(self) -> bool:
        """Whether nothing stands against it that time alone cannot put right."""
        return all(objection.word in MAY_CHANGE for objection in self.objections)

    def __str__(self) -> str:
        return f"{self.network} ({'; '.join(str(objection) for objection in self.objections)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A network for a new workload."""

    network: str
    physical_network: str | None
    reason: str
    """For people."""
    source: Source
    age_seconds: float | None
    """Of the ranking, whether it decided or was too old; None: there is none."""
    demand_bps: float
    """What the workload is expected to carry."""
    left_out: tuple[LeftOut, ...] = ()
    """The others, by name."""

    def annotation(self) -> Mapping[str, str]:
        """The choice as it is written on the pod."""
        said = {
            "network": self.network,
            "source": self.source.value,
            "reason": self.reason,
            "leftOut": {other.network: [str(objection) for objection in other.objections] for other in self.left_out},
        }
        return {CHOICE_KEY: json.dumps(said, ensure_ascii=False)}


class NoNetworkError(CniError):
    """No network satisfies what was asked; every candidate is named with what stands against it.

    Code 11 (try again later) when for some network time alone may put it right, else 100.
    """

    def __init__(self, left_out: tuple[LeftOut, ...]) -> None:
        self.left_out = left_out
        hope = any(other.may_change for other in left_out)
        text = "no network satisfies what the pod asks" if left_out else "no network is configured on this node"
        super().__init__(Code.TRY_LATER if hope else Code.FAILED, text, "; ".join(str(other) for other in left_out))
