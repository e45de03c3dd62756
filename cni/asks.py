"""Answers the controller and the tools (ASK1): orders to switch, to attach and to detach, and what there is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from cni.delegate import DelegateError
from cni.hotplug import Unusable
from cni.locks import LockTimeout
from cni.model import Attachment
from cni.networks import Networks
from cni.reports import attachment_reports, network_reports
from cni.store import Store
from cni.switch import Refused
from cni.wire import Answer, Ask, AttachOrder, DetachOrder, SwitchOrder, SwitchStatus

NEEDED = {"switch": "switch", "refuse-check": "switch", "attach": "attach", "detach": "detach"}
"""The field of a question that its verb needs."""

log = logging.getLogger(__name__)


class SwitchEngine(Protocol):
    """The live switch, as the agent uses it."""

    def check(self, order: SwitchOrder) -> None:
        """Preflight only. Raises Refused."""

    def start(self, order: SwitchOrder) -> None:
        """Begin it; one that is known by its id already is left as it is. Raises Refused, LockTimeout."""

    def statuses(self) -> Sequence[SwitchStatus]:
        """All switches in the journal."""

    def abandon(self, container_id: str) -> None:
        """End every switch of the container; called with its lock held, by a DEL."""

    def resume(self) -> None:
        """Go on with what a crash interrupted."""

    def stop(self) -> None:
        """Stop where each switch waits: the next agent's ``resume`` goes on."""


class Plugging(Protocol):
    """Hot add and remove, as far as they are asked for by hand. Both raise Refused, DelegateError, OSError."""

    def attach(self, order: AttachOrder) -> Attachment:
        """Brings a workload onto one more network."""

    def detach(self, order: DetachOrder) -> Attachment:
        """Takes a workload off a network; what it was on."""


class Asks:
    """One answer per question; never raises."""

    def __init__(self, node: str, store: Store, networks: Networks, switches: SwitchEngine, plugging: Plugging) -> None:
        self._node = node
        self._store = store
        self._networks = networks
        self._switches = switches
        self._plugging = plugging
        self._verbs: dict[str, Callable[[Ask], Answer]] = {
            "switch": self._switch,
            "refuse-check": self._check,
            "switches": self._all_switches,
            "attachments": self._attachments,
            "networks": self._all_networks,
            "status": self._status,
            "attach": self._attach,
            "detach": self._detach,
        }

    def answer(self, ask: Ask) -> Answer:
        """The answer; ``error`` says what is wrong with the question, or why the order is refused."""
        verb = self._verbs.get(ask.ask)
        if verb is None:
            return self._wrong(f"unknown question {ask.ask!r}; known: {', '.join(sorted(self._verbs))}")
        needed = NEEDED.get(ask.ask)
        if needed is not None and getattr(ask, needed) is None:
            return self._wrong(f"{ask.ask} needs an order in {needed}")
        try:
            return verb(ask)
        except Refused as error:
            bad = isinstance(error, Unusable)
            return Answer(error=str(error), refusal=error.reason, bad_input=bad, node=self._node)
        except LockTimeout as error:
            return self._wrong(str(error))
        except Exception as error:
            log.exception("a question failed unexpectedly", extra={"ask": ask.ask})
            return self._wrong(f"internal error: {type(error).__name__}: {error}")

    def _wrong(self, text: str) -> Answer:
        return Answer(error=text, node=self._node)

    def _switch(self, ask: Ask) -> Answer:
        if ask.switch is not None:
            self._switches.start(ask.switch)
        return Answer(node=self._node)

    def _check(self, ask: Ask) -> Answer:
        if ask.switch is not None:
            self._switches.check(ask.switch)
        return Answer(node=self._node)

    def _attach(self, ask: Ask) -> Answer:
        order = ask.attach
        if order is None:
            return Answer(node=self._node)
        try:
            return self._about(self._plugging.attach(order))
        except (DelegateError, OSError) as error:
            return self._wrong(f"{order.workload} could not be attached to {order.network}: {error}")

    def _detach(self, ask: Ask) -> Answer:
        order = ask.detach
        if order is None:
            return Answer(node=self._node)
        try:
            return self._about(self._plugging.detach(order))
        except (DelegateError, OSError) as error:
            text = f"{order.workload} could not be detached from {order.attachment}; the agent goes on trying: {error}"
            return self._wrong(text)

    def _about(self, attachment: Attachment) -> Answer:
        return Answer(attachments=attachment_reports([attachment], ()), node=self._node)

    def _all_switches(self, _: Ask) -> Answer:
        return Answer(switches=tuple(self._switches.statuses()), node=self._node)

    def _attachments(self, _: Ask) -> Answer:
        reports = attachment_reports(self._store.all(), self._switches.statuses())
        return Answer(attachments=reports, node=self._node)

    def _all_networks(self, _: Ask) -> Answer:
        return Answer(networks=network_reports(self._networks), node=self._node)

    def _status(self, _: Ask) -> Answer:
        self._store.check()
        return Answer(node=self._node)
