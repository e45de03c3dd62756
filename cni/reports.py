"""What the node tells of its attachments and networks, to the controller and to whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from cni.model import DO_NOT_MOVE_KEY, MOVE_PRIMARY_KEY, Attachment, AttachmentState
from cni.networks import Networks
from cni.results import canonical
from cni.wire import AttachmentReport, NetworkReport, Phase, SwitchStatus

Key = tuple[str, str]


def attachment_reports(
    attachments: Iterable[Attachment], switches: Sequence[SwitchStatus]
) -> tuple[AttachmentReport, ...]:
    """One report per interface of a workload: of the generation that carries its traffic now."""
    reports = [_report(attachment) for attachment in carrying(attachments, switches)]
    return tuple(sorted(reports, key=lambda report: (report.workload, report.attachment)))


def carrying(attachments: Iterable[Attachment], switches: Sequence[SwitchStatus]) -> list[Attachment]:
    """Of each interface the generation that carries its traffic now, in the given order of the interfaces.

    During a switch that is the old one until the shift, the new one from then on, and the old one on the way back.
    """
    homes = {
        (status.workload, status.attachment): status.target if _shifted(status) else status.source
        for status in switches
        if status.outcome is None
    }
    present: dict[Key, Attachment] = {}
    for attachment in attachments:
        if attachment.state is AttachmentState.ADDING or not attachment.result:
            continue
        key = (attachment.container_id, attachment.name)
        known = present.get(key)
        if known is None or _rank(attachment, homes) > _rank(known, homes):
            present[key] = attachment
    return list(present.values())


def network_reports(networks: Networks) -> tuple[NetworkReport, ...]:
    """Every network that this node can attach to, by name."""
    reports = [
        NetworkReport(
            network=config.network,
            physical_network=config.physical_network,
            free_addresses=config.free_addresses(),
        )
        for config in networks.all()
    ]
    return tuple(sorted(reports, key=lambda report: report.network))


def _shifted(status: SwitchStatus) -> bool:
    return status.shifted_at is not None and status.phase is not Phase.RETURNING


def _rank(attachment: Attachment, homes: dict[Key, str]) -> tuple[bool, bool, int]:
    home = homes.get((attachment.workload, attachment.name))
    return (attachment.network == home, attachment.state is AttachmentState.READY, attachment.generation)


def _report(attachment: Attachment) -> AttachmentReport:
    try:
        ips = canonical(json.loads(attachment.result))["ips"]
    except (ValueError, KeyError, TypeError, AttributeError):
        ips = []  # it was readable at ADD; a report without addresses is better than none
    return AttachmentReport(
        workload=attachment.workload,
        attachment=attachment.name,
        network=attachment.network,
        physical_network=attachment.physical_network,
        ifname=attachment.ifname,
        addresses=tuple(str(ip["address"]) for ip in ips),
        since=attachment.created_at,
        started=attachment.started_at,
        primary=attachment.runtime_ifname == attachment.name,
        do_not_move=attachment.annotations.get(DO_NOT_MOVE_KEY),
        move_primary=attachment.annotations.get(MOVE_PRIMARY_KEY) == "true",
        labels=attachment.labels,
    )
