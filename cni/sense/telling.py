"""What a batch says of the node's state beside its samples: the whole at first and when asked, later what changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cni.model import Attachment
from cni.networks import Networks
from cni.reports import attachment_reports, network_reports
from cni.wire import AttachmentReport, NetworkReport, SwitchStatus

NETWORKS_EVERY_SECONDS = 5.0
"""How often the configurations and their free addresses are read."""
WHOLE_EVERY_SECONDS = 60.0
"""Attachments and networks are told this often even when unchanged: what a controller lost comes back."""

AttachmentReports = tuple[AttachmentReport, ...]
NetworkReports = tuple[NetworkReport, ...]


@dataclass(frozen=True, slots=True)
class News:
    """None: as told before."""

    attachments: AttachmentReports | None
    networks: NetworkReports | None
    switches: tuple[SwitchStatus, ...]


class Telling:
    """Remembers what was told. ``news`` is used by one thread, ``tell_all`` by any."""

    def __init__(self, networks: Networks, switches: Callable[[], Sequence[SwitchStatus]]) -> None:
        self._conf_dir = networks
        self._statuses = switches
        self._all = threading.Event()
        self._all.set()
        self._attachments: AttachmentReports = ()
        self._reported: tuple[list[Attachment], tuple[SwitchStatus, ...]] = ([], ())
        self._networks: NetworkReports = ()
        self._networks_at = float("-inf")
        self._switches: tuple[SwitchStatus, ...] = ()
        self._whole_at = float("-inf")

    def tell_all(self) -> None:
        """The next news are everything: the controller may have lost some."""
        self._all.set()

    def news(self, now: float, attachments: Sequence[Attachment]) -> News:
        """What to tell now, in seconds since the epoch."""
        everything = self._all.is_set()
        self._all.clear()
        whole = everything or not 0 <= now - self._whole_at < WHOLE_EVERY_SECONDS
        if whole:
            self._whole_at = now
        switches = tuple(self._statuses())
        reports = self._reports(attachments, switches)
        networks = self._read_networks(now)
        news = News(
            reports if whole or reports != self._attachments else None,
            networks if whole or networks != self._networks else None,
            tuple(status for status in switches if everything or status not in self._switches),
        )
        self._attachments, self._networks, self._switches = reports, networks, switches
        return news

    def _reports(self, attachments: Sequence[Attachment], switches: tuple[SwitchStatus, ...]) -> AttachmentReports:
        """Made anew when something changed: reading results is most of what an idle agent would do."""
        reported = (list(attachments), switches)
        if reported == self._reported:  # quick: an unchanged store gives the same objects
            return self._attachments
        self._reported = reported
        return attachment_reports(attachments, switches)

    def _read_networks(self, now: float) -> NetworkReports:
        if 0 <= now - self._networks_at < NETWORKS_EVERY_SECONDS:
            return self._networks
        self._networks_at = now
        return network_reports(self._conf_dir)
