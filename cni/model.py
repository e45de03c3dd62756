"""Values of the node's side that its store, its CNI verbs and its live switch share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

PHYSICAL_NETWORK_KEY = "switcher.genie.io/physical-network"
DO_NOT_MOVE_KEY = "switcher.genie.io/do-not-move"
MOVE_PRIMARY_KEY = "switcher.genie.io/move-primary"


class AttachmentState(StrEnum):
    """Life of one generation of an attachment; recorded before the act that it announces."""

    ADDING = "adding"
    READY = "ready"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One generation of one interface of a workload, with all that its DEL needs.

    ``(container_id, name)`` is the identity that lasts while the network changes; ``generation`` counts the
    networks it has been on. At most two generations exist at a time, during a switch.
    """

    container_id: str
    """The sandbox, as the runtime names it; what the delegates were given is ``delegate_id``."""
    name: str
    """The attachment's name: the interface's name at first ADD (``eth0``, ``net1``)."""
    generation: int
    workload: str
    """``namespace/pod``, or the container's id outside Kubernetes."""
    netns: str
    ifname: str
    """The interface's present name in the workload's namespace."""
    network: str
    """``cni:NAME``."""
    physical_network: str | None
    delegate_id: str
    """CNI_CONTAINERID given to the delegates: no two generations share one."""
    config: bytes
    """The network's configuration list, JSON, as it was at ADD."""
    cni_args: str
    capabilities: bytes
    """runtimeConfig, JSON."""
    result: bytes
    """The last result of ADD, JSON in the configuration's version; empty while ADDING."""
    state: AttachmentState
    table: int
    """The routing table that is this attachment's for life, in the workload's namespace."""
    position: int
    """Order among the container's attachments: DEL goes backwards."""
    created_at: float
    started_at: float
    """When the container got its first interface."""
    annotations: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    request: str = ""
    """The element that the user asked for, as JSON, for drift detection."""
    host_ifname: str | None = None
    """The interface's peer in the node's namespace, where the result names one."""
    runtime_ifname: str = ""
    """CNI_IFNAME of the runtime's ADD that it belongs to, whose DEL ends it; empty when it was hot-added."""
    pod_uid: str = ""
    """The pod's uid in the cluster; empty outside Kubernetes."""
    runtime_network: str = ""
    """Name of the configuration of the runtime's ADD, for its GC; empty when it was hot-added, or made before 1.1.0."""
    netns_identity: str = ""
    """What tells the namespace at ``netns`` from a later one there; empty when it was not known yet."""
