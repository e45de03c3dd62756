"""What the CNI verbs work with, and how they end attachments."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cni.attach import Attacher, WorkloadKernel, where
from cni.choosing import Choosing
from cni.delegate import DelegateError, Delegates, Network
from cni.locks import ContainerLocks
from cni.model import Attachment
from cni.netconf import NetworkConfig, NetworkUnknown
from cni.networks import Networks
from cni.pods import Clusters
from cni.protocol import CniError, Code
from cni.publish import LinkFacts, Publisher
from cni.store import Store
from cni.wire import SwitchStatus

log = logging.getLogger(__name__)

Problem = tuple[Attachment, DelegateError | OSError]


class VerbKernel(WorkloadKernel, Protocol):
    """What the verbs need of the kernel beside what attaching needs."""

    def links(self, netns: str) -> Mapping[str, LinkFacts]:
        """The links in a namespace, by name. Raises OSError when it is gone."""

    def link_names(self, netns: str) -> Collection[str]:
        """Their names alone. Raises OSError when the namespace is gone."""

    def lacks(self, netns: str, ifname: str, addresses: Sequence[str], table: int | None) -> list[str]:
        """What is missing of an interface: itself, its addresses, the rules and routes of its table, in words.

        ``table`` None: only the first two are looked at. Raises OSError when the namespace is gone.
        """


class Switching(Protocol):
    """The live switch, as far as the verbs need it."""

    def abandon(self, container_id: str) -> None:
        """End every switch of the container, in any phase; called with its lock held."""

    def statuses(self) -> Sequence[SwitchStatus]:
        """All switches in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """The parts of the agent that the verbs use."""

    store: Store
    attacher: Attacher
    delegates: Delegates
    locks: ContainerLocks
    networks: Networks
    kernel: VerbKernel
    switches: Switching
    clusters: Clusters
    publisher: Publisher
    choosing: Choosing

    def network(self, name: str | None) -> NetworkConfig:
        """The network of that name, None: the node's default one. Raises CniError."""
        try:
            return self.networks.default() if name is None else self.networks.find(name)
        except NetworkUnknown as error:
            raise CniError(Code.TRY_LATER if error.later else Code.INVALID_CONFIG, str(error)) from error

    def moving(self) -> set[tuple[str, str]]:
        """Workload and name of the attachments whose switch has not ended."""
        return {(status.workload, status.attachment) for status in self.switches.statuses() if status.outcome is None}

    def end(self, doomed: Sequence[Attachment], env: Mapping[str, str]) -> list[Problem]:
        """Detach each, last first, whatever fails; what failed. The container's lock is held."""
        problems: list[Problem] = []
        for attachment in reversed(doomed):
            try:
                self.attacher.detach(self._legible(attachment), env=env)
            except (DelegateError, OSError) as error:
                problems.append((attachment, error))
            else:
                log.info("detached", extra=where(attachment))
        return problems

    def _legible(self, attachment: Attachment) -> Attachment:
        """The record; with today's configuration of its network where its own is damaged (T73).

        Raises DelegateError when there is none either.
        """
        try:
            Network.parse(attachment.config)
        except DelegateError as damaged:
            try:
                today = self.network(attachment.network)
            except CniError:
                raise damaged from None
            log.error("a record is damaged: today's configuration is used", extra=where(attachment))
            return replace(attachment, config=today.config)
        return attachment


def ended_by(attachments: list[Attachment], ifname: str) -> list[Attachment]:
    """What a DEL of CNI_IFNAME ends: what its ADD made, and with the container's last one what was hot-added."""
    others = {attachment.runtime_ifname for attachment in attachments} - {"", ifname}
    if not others:
        return attachments
    return [attachment for attachment in attachments if attachment.runtime_ifname == ifname]


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raises CniError with the first one's code and words, and all in its details; nothing when there are none."""
    if not problems:
        return
    texts = described(problems)
    first = problems[0][1]
    if isinstance(first, DelegateError):
        raise CniError(first.code, first.msg, texts)
    raise CniError(Code.FAILED, str(first), texts)


def described(problems: Sequence[Problem]) -> str:
    """Which attachments they are about, and what is wrong with each."""
    return "; ".join(f"{attachment.network} {attachment.ifname}: {error}" for attachment, error in problems)
