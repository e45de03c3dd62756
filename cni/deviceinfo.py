"""Files in which plugins describe the devices that they attached.

Source: Device Information Specification 1.1.0 (Network Plumbing Working Group): the capability ``CNIDeviceInfoFile``
names the file; the plugin writes it at ADD, whoever asked for it removes it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cni.model import Attachment
from cni.netconf import NetworkConfig
from cni.requested import DEVICE_INFO, declared

DIRECTORY = Path("/var/run/k8s.cni.cncf.io/devinfo/cni")


def file_for(network: str, container_id: str, ifname: str) -> str:
    """Where a plugin writes about one attachment; ``network`` is the configuration's name."""
    return str(DIRECTORY / f"{network.replace('/', '-')}-{container_id}-{ifname}-device.json")


def asked_for(network: NetworkConfig, container_id: str, ifname: str) -> dict[str, str]:
    """The capability by which plugins of the network that describe their device are told the file; else nothing."""
    if DEVICE_INFO not in declared(json.loads(network.config)):
        return {}
    return {DEVICE_INFO: file_for(network.own_name, container_id, ifname)}


def read(attachment: Attachment) -> dict[str, Any]:
    """What the plugin wrote; empty when it was not asked, or wrote nothing that can be read."""
    file = _file(attachment)
    if file is None:
        return {}
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def remove(attachment: Attachment) -> None:
    """The attachment is gone, so its file is. Raises OSError."""
    file = _file(attachment)
    if file is not None:
        file.unlink(missing_ok=True)


def _file(attachment: Attachment) -> Path | None:
    path = json.loads(attachment.capabilities or b"{}").get(DEVICE_INFO)
    # Only a file of ours: a runtime may have supplied the capability itself.
    return Path(path) if isinstance(path, str) and Path(path).parent == DIRECTORY else None
