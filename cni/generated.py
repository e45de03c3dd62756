"""Configurations for plugins that are asked for by name and have no file: bridge, macvlan and sriov, as CNI-Genie.

CNI-Genie wrote them into the node's configuration directory, where they became the default network of all later pods.
Here they exist only in the records of the attachments that use them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

POOL = "10.10.0.0/16"
"""CNI-Genie's, for bridge and macvlan alike."""
VERSION = "1.0.0"
FALLBACK_NIC = "eth0"

WITHOUT_DEFAULTS = ("calico", "canal", "flannel", "romana", "weave")
"""CNI-Genie knew these by name, and nothing that could be assumed of their configuration."""


def generate(plugin: str, default_nic: Callable[[], str | None]) -> dict[str, Any] | None:
    """The configuration list for ``plugin``; None when there is nothing to assume.

    ``default_nic`` tells the NIC of the node's default route, for macvlan.
    """
    match plugin:
        case "bridge":
            return _list("mybridgenet", {"type": "bridge", "ipam": {"type": "host-local", "subnet": POOL}})
        case "macvlan":
            master = default_nic() or FALLBACK_NIC
            ipam = {"type": "host-local", "subnet": POOL}
            return _list("macvlannet", {"type": "macvlan", "master": master, "ipam": ipam})
        case "sriov":
            fixed = {
                "type": "fixipam",
                "subnet": "10.55.206.0/26",
                "gateway": "10.55.206.1",
                "routes": [{"dst": "0.0.0.0/0"}],
            }
            return _list("sriovnet", {"type": "sriov", "master": FALLBACK_NIC, "ipam": fixed})
    return None


def why_not(plugin: str) -> str:
    """Why nothing could be generated, and what to do."""
    if plugin.lower() in WITHOUT_DEFAULTS:
        return f"Configuration file is missing from cni directory: install {plugin}, which writes one"
    return "User requested for unsupported plugin type: put its configuration into the directory"


def _list(name: str, plugin: dict[str, Any]) -> dict[str, Any]:
    return {"cniVersion": VERSION, "name": name, "plugins": [plugin]}
