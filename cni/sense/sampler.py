"""Takes samples: what crossed each uplink and each attachment since the last one, as a batch in the spool.

A batch, the counters it is counted from and its own number are written in one transaction: a kill loses no byte and
counts none twice. Every generation of an attachment is accounted on its own, to its own network, so that a move leaves
each network with what it carried.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cni.attach import where
from cni.model import Attachment, AttachmentState
from cni.sense.meter import Interval, Meter, Reading
from cni.sense.spool import Spool
from cni.sense.telling import Telling
from cni.settings import Uplink
from cni.store import Store
from cni.wire import AttachmentSample, Batch, UplinkSample, encode

METER = "meter"

log = logging.getLogger(__name__)


class LinkCounters(Protocol):
    """What crossed a link, 64 bit; ``index`` is its number."""

    @property
    def index(self) -> int: ...
    @property
    def rx_bytes(self) -> int: ...
    @property
    def tx_bytes(self) -> int: ...


Links = Mapping[str, LinkCounters]
CountersOf = Callable[[str | None], Links]
"""The counters of all links in a namespace (None: the node's), by name. Raises OSError when it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a sample comes from."""

    node: str
    store: Store
    uplinks: tuple[Uplink, ...]
    counters: CountersOf
    telling: Telling
    seen: Callable[[Sequence[UplinkSample]], None] = lambda _: None
    """Told the uplinks' samples that measure a rate: a counter that began again may show bytes of long ago."""


class Sampler:
    """Makes one batch at a time; used by one thread."""

    def __init__(self, sources: Sources, spool: Spool, clock: Callable[[], float] = time.time) -> None:
        self._sources = sources
        self._spool = spool
        self._clock = clock
        state = sources.store.note(METER)
        self._meter = Meter(state.encode() if state else None)
        self._agent = sources.store.identity(sources.node)

    def sample(self) -> int:
        """Spool one batch; its number. Raises what the kernel and the store raise."""
        now = self._clock()
        sources = self._sources
        attachments = [a for a in sources.store.all() if a.state is not AttachmentState.ADDING]
        host = sources.counters(None)
        uplinks = self._uplink_samples(now, host)
        traffic = self._traffic(now, attachments, host)
        self._meter.keep_only({_uplink_key(u) for u in sources.uplinks} | {_key(a) for a in attachments})
        news = sources.telling.news(now, attachments)

        def build(sequence: int) -> bytes:
            return encode(
                Batch(
                    agent=self._agent,
                    node=sources.node,
                    sequence=sequence,
                    sent_at=now,
                    uplinks=uplinks,
                    traffic=traffic,
                    attachments=news.attachments,
                    networks=news.networks,
                    switches=news.switches,
                )
            )

        return self._spool.append(build, {METER: self._meter.state().decode()})

    def _uplink_samples(self, now: float, host: Links) -> tuple[UplinkSample, ...]:
        samples, measured = [], []
        for uplink in self._sources.uplinks:
            link = host.get(uplink.nic)
            if link is None:
                continue  # no such NIC: no sample, so that nobody takes silence for an idle link
            reading = Reading(link.index, link.rx_bytes, link.tx_bytes)
            interval = self._meter.account(_uplink_key(uplink), now, reading)
            if interval is not None:
                samples.append(_uplink_sample(uplink, interval))
                measured += [] if interval.again else samples[-1:]
        self._sources.seen(measured)
        return tuple(samples)

    def _traffic(self, now: float, attachments: Sequence[Attachment], host: Links) -> tuple[AttachmentSample, ...]:
        samples = []
        for attachment, reading in self._readings(attachments, host):
            interval = self._meter.account(_key(attachment), now, reading, born=attachment.created_at)
            if interval is not None:
                samples.append(_attachment_sample(attachment, interval))
        return tuple(samples)

    def _readings(self, attachments: Sequence[Attachment], host: Links) -> list[tuple[Attachment, Reading]]:
        """Of the peer on the node where there is one: one question for all; else in the workload's namespace."""
        found = []
        inside: dict[str, Links] = {}
        claimed = {(a.netns, self._meter.index_of(_key(a))) for a in attachments if a.host_ifname is None}
        for attachment in attachments:
            if attachment.host_ifname is not None:
                peer = host.get(attachment.host_ifname)
                if peer is not None:
                    # What the node's end sends is what the workload receives.
                    found.append((attachment, Reading(peer.index, peer.tx_bytes, peer.rx_bytes)))
                continue
            if attachment.netns not in inside:
                inside[attachment.netns] = self._inside(attachment)
            link = self._own_link(attachment, inside[attachment.netns], claimed)
            if link is not None:
                found.append((attachment, Reading(link.index, link.rx_bytes, link.tx_bytes)))
        return found

    def _inside(self, attachment: Attachment) -> Links:
        try:
            return self._sources.counters(attachment.netns)
        except OSError as error:
            log.debug("a workload's counters cannot be read", extra={**where(attachment), "error": str(error)})
            return {}

    def _own_link(
        self, attachment: Attachment, links: Links, claimed: set[tuple[str, int | None]]
    ) -> LinkCounters | None:
        """By its number once that is known: a switch renames links, and the store may be a moment behind."""
        index = self._meter.index_of(_key(attachment))
        if index is not None:
            return next((link for link in links.values() if link.index == index), None)
        link = links.get(attachment.ifname)
        return None if link is None or (attachment.netns, link.index) in claimed else link


def _uplink_key(uplink: Uplink) -> str:
    return f"uplink {uplink.physical_network} {uplink.nic}"


def _key(attachment: Attachment) -> str:
    return f"attachment {attachment.container_id} {attachment.name} {attachment.generation}"


def _uplink_sample(uplink: Uplink, interval: Interval) -> UplinkSample:
    return UplinkSample(
        physical_network=uplink.physical_network,
        start=interval.start,
        seconds=interval.seconds,
        in_bytes=interval.in_bytes,
        out_bytes=interval.out_bytes,
        capacity_bps=uplink.capacity_bps,
    )


def _attachment_sample(attachment: Attachment, interval: Interval) -> AttachmentSample:
    return AttachmentSample(
        workload=attachment.workload,
        attachment=attachment.name,
        network=attachment.network,
        start=interval.start,
        seconds=interval.seconds,
        in_bytes=interval.in_bytes,
        out_bytes=interval.out_bytes,
    )
