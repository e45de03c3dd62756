"""The candidates of a node, as it is now: what is configured and installed, with its uplink and its addresses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cni.delegate import DelegateError, find_program
from cni.netconf import ConfDir, NetworkConfig, NetworkUnknown
from cni.settings import Uplink
from cni.smart.model import Candidate

log = logging.getLogger(__name__)

Carriers = Callable[[Iterable[str]], Mapping[str, bool]]
"""By name of a NIC: whether it is there and up. Raises OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Looks anew at each question: files, plugins and links change under a running agent."""

    networks: ConfDir
    uplinks: Sequence[Uplink]
    bin_dirs: tuple[str, ...]
    carriers: Carriers

    def candidates(self, path: Iterable[str] = ()) -> list[Candidate]:
        """Every network of the node; ``path``: where the caller looks for plugins first (its CNI_PATH)."""
        up = self._up()
        by_name = {uplink.physical_network: uplink for uplink in self.uplinks}
        return [self._candidate(config, by_name, up, (*path, *self.bin_dirs)) for config in self.networks.all()]

    def default(self) -> str | None:
        """The node's default network; None: it has none."""
        try:
            return self.networks.default().network
        except NetworkUnknown:
            return None

    def _up(self) -> Mapping[str, bool]:
        """By NIC; nothing when the kernel does not say, which is held against no network."""
        try:
            return self.carriers([uplink.nic for uplink in self.uplinks])
        except OSError as error:
            log.warning("the state of the uplinks cannot be read", extra={"error": str(error)})
            return {}

    def _candidate(
        self, config: NetworkConfig, uplinks: Mapping[str, Uplink], up: Mapping[str, bool], path: tuple[str, ...]
    ) -> Candidate:
        uplink = uplinks.get(config.physical_network or "")
        return Candidate(
            network=config.network,
            physical_network=config.physical_network,
            free_addresses=config.free_addresses(),
            uplink_up=None if uplink is None else up.get(uplink.nic),
            missing=missing_programs(config.config, path),
            capacity_bps=None if uplink is None else uplink.capacity_bps,
        )


def missing_programs(config: bytes, path: tuple[str, ...]) -> tuple[str, ...]:
    """Plugins of a configuration list, IPAM included, that are in no directory of the path."""
    return tuple(dict.fromkeys(kind for kind in _kinds(msgspec.json.decode(config)) if not _installed(kind, path)))


def _kinds(content: Mapping[str, Any]) -> Iterable[str]:
    for plugin in content["plugins"]:
        yield str(plugin["type"])
        ipam = plugin.get("ipam")
        if isinstance(ipam, dict) and ipam.get("type"):
            yield str(ipam["type"])


def _installed(kind: str, path: tuple[str, ...]) -> bool:
    try:
        find_program(kind, path)
    except DelegateError:
        return False
    return True
