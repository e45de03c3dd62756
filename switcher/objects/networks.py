"""Networks and moves as objects: Genie's own kinds, the NetworkAttachmentDefinition, NetworkSwitch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, Strict, field_validator
from pydantic_core import InitErrorDetails

from cni.wire import MoveReason
from switcher.objects.base import DEFAULT_NAMESPACE, GENIE, NAD, LabelSelector, NamedObject, Strictly
from switcher.objects.values import Flag, Name, Percent, PositiveDuration, Rate, Text, wrong
from switcher.objects.wholes import Raw, fault, given, of_fields, unknown

PHYSICAL_NETWORK_KEY = "switcher.genie.io/physical-network"


def _subnet(value: str) -> str:
    try:
        ip_network(value)
    except ValueError as error:
        raise wrong("subnet", f"is no subnet like 10.1.0.0/16: {error}") from error
    return value


def _device(value: str) -> str:
    if not 0 < len(value.encode()) <= 15 or value in (".", "..") or set(value) & set("/: \t\n"):
        raise wrong("device", "is no interface name: at most 15 characters, no space, slash or colon")
    return value


Subnet = Annotated[str, Strict(), AfterValidator(_subnet)]
Device = Annotated[str, Strict(), AfterValidator(_device)]


class SharedStatus(Strictly):
    """Genie's: one tenant's network (dedicated) or several tenants'."""

    plugin: Text | None = None
    subnet: Subnet | None = None
    dedicated_net: Flag = False


class UplinkPair(Strictly):
    """The uplink on the nodes that the selector selects."""

    node_selector: LabelSelector = LabelSelector()
    refer_nic: Device = Field(alias="refer_nic")


def _has_uplink(model: type[BaseModel], raw: Raw) -> Iterator[InitErrorDetails]:
    if not given(raw, ("refer_nic", "uplinks")) and not unknown(model, raw):
        yield fault("needs refer_nic, the uplink (or uplinks)", raw)


class PhysicalNetworkSpec(Strictly):
    """``capacity`` is bits per second per node uplink and direction; ``sla`` is a percentage."""

    refer_nic: Device | None = Field(default=None, alias="refer_nic")
    uplinks: tuple[UplinkPair, ...] = ()
    shared_status: SharedStatus | None = None
    capacity: Rate | None = None
    sla: Percent | None = None

    _has_uplink = of_fields(_has_uplink)


class PhysicalNetwork(NamedObject):
    """What costs money and fills up."""

    api_version: str = GENIE
    kind: Literal["PhysicalNetwork", "Physicalnetwork"] = "PhysicalNetwork"
    spec: PhysicalNetworkSpec


class LogicalNetworkSpec(Strictly):
    """Genie's: a plugin and an address range on a physical network."""

    physical_net: Name | None = None
    sub_subnet: Subnet | None = Field(default=None, alias="sub_subnet")
    plugin: Text | None = None


class LogicalNetwork(NamedObject):
    """Genie's logical network, in a tenant's namespace."""

    api_version: str = GENIE
    kind: Literal["LogicalNetwork", "Logicalnetwork"] = "LogicalNetwork"
    spec: LogicalNetworkSpec

    @property
    def network(self) -> str:
        """As networks are written: ``logical:namespace/name``."""
        return f"logical:{self.metadata.namespace or DEFAULT_NAMESPACE}/{self.name}"


class NadSpec(Strictly):
    """``config``: a CNI configuration or list, JSON; empty: found by name on the node."""

    config: Annotated[str, Strict()] = ""

    @field_validator("config")
    @classmethod
    def _is_json_object(cls, config: str) -> str:
        try:
            parsed: Any = json.loads(config) if config.strip() else {}
        except ValueError as error:
            raise wrong("config", f"is no JSON: {error}") from error
        if not isinstance(parsed, dict):
            raise wrong("config", "must be a JSON object")
        return config


class NetworkAttachmentDefinition(NamedObject):
    """The Network Plumbing Working Group's network definition."""

    api_version: str = NAD
    kind: Literal["NetworkAttachmentDefinition"] = "NetworkAttachmentDefinition"
    spec: NadSpec = NadSpec()

    @property
    def network(self) -> str:
        """As networks are written: ``nad:namespace/name``."""
        return f"nad:{self.metadata.namespace or DEFAULT_NAMESPACE}/{self.name}"

    @property
    def physical_network(self) -> str | None:
        """The physical network that it rides on, by annotation."""
        return self.metadata.annotations.get(PHYSICAL_NETWORK_KEY)


class NetworkSwitchSpec(Strictly):
    """One move, to be made by the agent of ``node``."""

    node: Name
    pod: Name
    pod_uid: Name | None = Field(default=None, alias="podUID")
    attachment: Name
    source: Name | None = Field(default=None, alias="from")
    target: Name = Field(alias="to")
    reason: MoveReason = MoveReason.MANUAL
    deadline: PositiveDuration | None = None


class NetworkSwitch(NamedObject):
    """A move as an object."""

    kind: Literal["NetworkSwitch"] = "NetworkSwitch"
    spec: NetworkSwitchSpec
