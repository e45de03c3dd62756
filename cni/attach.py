"""Attaches a container to a network and detaches it: by the runtime's verbs, by hot add and by the live switch alike.

What is about to happen is recorded first, so that a crash leaves a trace to resume from; whatever fails undoes what
was built. DEL uses the recorded bytes, never today's file (design: Node side, rule 1). The caller holds the lock of
the container.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec

from cni import deviceinfo
from cni.default_route import KEEP, Aside, DefaultRoute, result_with
from cni.delegate import DelegateError, Delegates, Invocation
from cni.model import Attachment, AttachmentState
from cni.netconf import NetworkConfig
from cni.results import canonical
from cni.store import Store

FIRST_TABLE = 1000

log = logging.getLogger(__name__)


class WorkloadKernel(Protocol):
    """What attaching needs of the kernel, in a workload's namespace given by its path."""

    def netns_identity(self, path: str) -> str | None:
        """What tells the namespace from every other that had its path or will; None: it cannot be entered."""

    def install_own_table(self, netns: str, ifname: str, table: int, gateways: Sequence[str] = ()) -> None:
        """Give the interface its table and one ``from ADDRESS`` rule per address; twice is harmless. Raises OSError."""

    def set_defaults_aside(self, netns: str, *, take: bool = True) -> Aside:
        """Take the default routes out of main; not ``take``: only note them. Raises OSError."""

    def put_defaults_back(self, netns: str, aside: Aside) -> None:
        """Main has them again; twice is harmless. Raises OSError."""

    def settle_defaults(self, netns: str, ifname: str, wanted: DefaultRoute, aside: Aside) -> None:
        """Leave in main what ``wanted`` lets the interface have, and put back what it lets the others have.

        Raises OSError, also when the interface does not lead to a gateway.
        """

    def remove_own_table(self, netns: str, table: int) -> None:
        """Remove the table and every rule to it; what is not there is removed already. Raises OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRequest:
    """One interface of one container on one network, as asked for."""

    container_id: str
    name: str
    workload: str
    netns: str
    ifname: str
    network: NetworkConfig
    generation: int = 0
    position: int = 0
    cni_args: str = ""
    capabilities: bytes = b"{}"
    env: Mapping[str, str] = field(default_factory=dict)
    """Of the runtime's call: its CNI_PATH and trace context."""
    started_at: float | None = None
    """When the container got its first interface; None: now."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    request: str = ""
    runtime_ifname: str = ""
    """CNI_IFNAME of the runtime's ADD; empty for a hot add."""
    pod_uid: str = ""
    runtime_network: str = ""
    """Name of the configuration of the runtime's ADD; empty for a hot add."""
    default_route: DefaultRoute = KEEP


class Attacher:
    """Attaches and detaches, one at a time per container, many containers at once."""

    def __init__(
        self, store: Store, delegates: Delegates, kernel: WorkloadKernel, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._delegates = delegates
        self._kernel = kernel
        self._clock = clock

    def attach(self, request: AttachRequest) -> Attachment:
        """ADD it, and give it its own table.

        Raises DelegateError with the delegate's own words, or OSError of the kernel; nothing is then left. Should even
        the undoing fail, the record stays as DELETING, to be tried again (:meth:`detach`).
        """
        adding = self._record(request)
        with ExitStack() as undo:
            undo.callback(self._forget, adding)
            with self._room(request) as aside:
                result = self._add(adding, request.env, undo)
                undo.pop_all()  # from here on a detach undoes all, the record last
                ready = replace(adding, result=result, state=AttachmentState.READY)
                undo.push(_Undo(self, ready, request.env))
                ready, gateways = _judged(ready, request.default_route)
                on_disk = self._store.put_early(ready)
                self._kernel.install_own_table(ready.netns, ready.ifname, ready.table, gateways)
                if not request.default_route.untouched:
                    self._kernel.settle_defaults(ready.netns, ready.ifname, request.default_route, aside)
                on_disk()
            undo.pop_all()
        return ready

    def detach(
        self,
        attachment: Attachment,
        *,
        netns: str | None = None,
        ifname: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """DEL it by its record, remove its table and rules, and forget it.

        ``netns`` and ``ifname`` replace the recorded ones for the delegates only (a link shown to its DEL elsewhere).
        Raises DelegateError or OSError, and the record stays: to be tried again. A namespace that is gone is no error,
        and one that has its path by now is left alone (T74).
        """
        deleting = replace(attachment, state=AttachmentState.DELETING)
        if deleting != attachment:
            self._store.put(deleting)
        there = self._is_there(attachment)
        shown = netns if netns is not None else (attachment.netns if there else "")
        call = _invocation(deleting, env or {}, shown, ifname or attachment.ifname)
        self._delegates.delete(attachment.config, call, attachment.result or None)
        if there:
            self._remove_own_table(attachment)
        self._forget(attachment)

    def _forget(self, attachment: Attachment) -> None:
        deviceinfo.remove(attachment)
        self._store.delete(attachment.container_id, attachment.name, attachment.generation)

    def _remove_own_table(self, attachment: Attachment) -> None:
        try:
            self._kernel.remove_own_table(attachment.netns, attachment.table)
        except OSError:
            if self._is_there(attachment):  # it did not go away meanwhile
                raise

    def _is_there(self, attachment: Attachment) -> bool:
        """Whether the namespace that it was attached in still exists at its path."""
        now = self._kernel.netns_identity(attachment.netns)
        return now is not None and attachment.netns_identity in ("", now)

    def check(self, attachment: Attachment, env: Mapping[str, str] | None = None) -> None:
        """CHECK it against its last result. Raises DelegateError. Before 0.4.0 there is no CHECK: nothing is done."""
        call = _invocation(attachment, env or {}, attachment.netns, attachment.ifname)
        self._delegates.check(attachment.config, call, attachment.result)

    @contextmanager
    def _room(self, request: AttachRequest) -> Iterator[Aside]:
        """Others' default routes are out of main, or noted; after a failure main has them again."""
        if request.default_route.untouched:
            yield Aside()
            return
        aside = self._kernel.set_defaults_aside(request.netns, take=request.default_route.make_room)
        try:
            yield aside
        except BaseException:
            try:
                self._kernel.put_defaults_back(request.netns, aside)
            except OSError as error:
                fields = {"workload": request.workload, "attachment": request.name, "error": str(error)}
                log.warning("default routes could not be put back", extra=fields)
            raise

    def _record(self, request: AttachRequest) -> Attachment:
        now = self._clock()
        container_id, generation = request.container_id, request.generation
        return Attachment(
            container_id=container_id,
            name=request.name,
            generation=generation,
            workload=request.workload,
            netns=request.netns,
            ifname=request.ifname,
            network=request.network.network,
            physical_network=request.network.physical_network,
            delegate_id=delegate_id(container_id, generation),
            config=request.network.config,
            cni_args=request.cni_args,
            capabilities=request.capabilities,
            result=b"",
            state=AttachmentState.ADDING,
            table=self._free_table(container_id, request.netns),
            position=request.position,
            created_at=now,
            started_at=now if request.started_at is None else request.started_at,
            annotations=dict(request.annotations),
            labels=dict(request.labels),
            request=request.request,
            runtime_ifname=request.runtime_ifname,
            runtime_network=request.runtime_network,
            pod_uid=request.pod_uid,
            netns_identity=self._kernel.netns_identity(request.netns) or "",
        )

    def _free_table(self, container_id: str, netns: str) -> int:
        """The lowest number that no attachment of the container has; tables are per namespace."""
        taken = self._store.tables(container_id, netns)
        return next(number for number in range(FIRST_TABLE, FIRST_TABLE + len(taken) + 1) if number not in taken)

    def _add(self, adding: Attachment, env: Mapping[str, str], undo: ExitStack) -> bytes:
        try:
            # Recorded first, so that a crash leaves a trace to undo: on the disk when the plugin is told what to do. It
            # comes up meanwhile.
            call = _invocation(adding, env, adding.netns, adding.ifname)
            return self._delegates.add(adding.config, replace(call, begun=lambda: self._store.put(adding)))
        except DelegateError as error:
            if error.left_behind:
                undo.pop_all()
                self._store.put(replace(adding, state=AttachmentState.DELETING))
            raise


class _Undo:
    """Detaches what was added when an exception passes; a failure of its own is logged, never masks the first."""

    def __init__(self, attacher: Attacher, attachment: Attachment, env: Mapping[str, str]) -> None:
        self._attacher = attacher
        self._attachment = attachment
        self._env = env

    def __call__(self, *_: object) -> bool:
        try:
            self._attacher.detach(self._attachment, env=self._env)
        except (DelegateError, OSError) as error:
            # The record stays as DELETING: the reconciler tries again.
            log.warning("undoing an attachment failed", extra={**where(self._attachment), "error": str(error)})
        return False


def delegate_id(container_id: str, generation: int) -> str:
    """CNI_CONTAINERID for the delegates: addresses are kept by it, so no two generations share one."""
    return container_id if generation == 0 else f"{container_id}-{generation}"


def where(attachment: Attachment) -> dict[str, object]:
    """The fields that say in a log which attachment is meant."""
    return {
        "workload": attachment.workload,
        "attachment": attachment.name,
        "network": attachment.network,
        "container": attachment.container_id,
        "generation": attachment.generation,
    }


def host_peer(result: Mapping[str, Any], ifname: str) -> str | None:
    """The peer of ``ifname`` in the node's namespace, where the result names exactly one that can be it.

    Reference plugins list the bridge, the host's end and the container's end; only the end nearest before the
    container's interface is its peer, and only when the result says that it is on the host (empty sandbox).
    """
    interfaces = result.get("interfaces") or []
    on_host = [i.get("name") for i in interfaces if not i.get("sandbox")]
    inside = [i.get("name") for i in interfaces if i.get("sandbox")]
    if inside != [ifname]:
        return None
    ends = [name for name in on_host if isinstance(name, str) and name.startswith("veth")]
    return ends[0] if len(ends) == 1 else None


def _judged(added: Attachment, wanted: DefaultRoute) -> tuple[Attachment, tuple[str, ...]]:
    """What was added, its result as the arbitration leaves it, and its gateways in order of preference.

    Raises DelegateError when the result cannot be read.
    """
    try:
        content = result_with(msgspec.json.decode(added.result), wanted)
        ips = canonical(content)["ips"]
        peer = host_peer(content, added.ifname)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DelegateError(6, f"the result of {added.network} cannot be read", str(error)) from error
    gateways = (*wanted.gateways, *(str(ip["gateway"]) for ip in ips if ip.get("gateway")))
    result = added.result if wanted.untouched else msgspec.json.encode(content)
    return replace(added, result=result, host_ifname=peer), gateways


def _invocation(attachment: Attachment, env: Mapping[str, str], netns: str, ifname: str) -> Invocation:
    return Invocation(
        container_id=attachment.delegate_id,
        netns=netns,
        ifname=ifname,
        args=attachment.cni_args,
        capabilities=attachment.capabilities,
        env=env,
    )
