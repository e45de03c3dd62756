"""ADD: attaches a container to all networks that it asks for, in order, or to none."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from cni import deviceinfo, netconfs
from cni.annotations import kept_annotations
from cni.args import delegate_args, parse_args
from cni.attach import AttachRequest, where
from cni.choosing import written
from cni.default_route import arbitrated
from cni.delegate import DelegateError
from cni.elements import BY_ANNOTATION, element_of, recorded
from cni.means import Means, Problem, VerbKernel, described
from cni.model import Attachment
from cni.netconf import NetworkConfig, NetworkUnknown
from cni.networks import Networks
from cni.pods import Asking, asking
from cni.protocol import Call, CniError, Code
from cni.publish import Notice
from cni.requested import declared, request
from cni.results import canonical, in_version, merged
from cni.selection import Selection, asks_for_networks, select
from cni.smart import Choice

AS_ARGS = "genieArgs"
"""Key of genie's configuration: addresses and MACs that a pod asks for go into CNI_ARGS, as CNI-Genie did."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the shim prints and how it exits. ``undo``: for a reply that cannot be delivered."""

    status: int
    stdout: bytes
    undo: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One interface to make: what was selected, and the network that this came to."""

    selection: Selection
    network: NetworkConfig


def add(means: Means, call: Call) -> Reply:
    """The merged result. Raises CniError, LockTimeout; nothing of it is left then."""
    args = parse_args(call.args)
    _before(call)
    who = asking(means.clusters, call, args)
    networks = means.networks.of_cluster(who.cluster)
    selections = select(call.config, who.annotations, call.ifname, who.namespace)
    choice = means.choosing.choose(who.annotations, call.env) if selections[0].choose else None
    with means.choosing.on_its_way(choice):
        if choice is not None:
            selections = [replace(selections[0], network=choice.network)]
        wanted = [Wanted(selection, _network(networks, selection)) for selection in selections]
        requests = _requests(call, args, who, wanted)
        with means.locks.hold(call.container_id):
            there = _links(call, means.kernel)
            _check_free(means, call, [selection.ifname for selection in selections], there)
            done, body = _attach_all(means, call, requests, choice)
    netconfs.remember(means.store, call.config)
    for attachment in done:
        log.info("attached", extra=where(attachment))
    _publish(means, call.container_id, who, {} if choice is None else written(choice))
    return Reply(0, body, undo=lambda: _undo(means, call, done))


def _network(networks: Networks, selection: Selection) -> NetworkConfig:
    """Raises CniError, naming what was asked for."""
    try:
        if selection.network is None:
            return networks.default()
        try:
            return networks.find(selection.network)
        except NetworkUnknown as error:
            if selection.fallback is None or error.later:
                raise
            return networks.find(selection.fallback)
    except NetworkUnknown as error:
        raise CniError(Code.TRY_LATER if error.later else Code.INVALID_CONFIG, str(error)) from error


def _requests(call: Call, args: Mapping[str, str], who: Asking, wanted: Sequence[Wanted]) -> list[AttachRequest]:
    now = time.time()
    as_args = call.config.get(AS_ARGS) is True
    routes = arbitrated([each.selection.options.default_route for each in wanted])
    requests = []
    for position, (each, default_route) in enumerate(zip(wanted, routes, strict=True)):
        options = each.selection.options
        asked = request(each.network.network, each.network.config, options, as_args=as_args)
        # What the runtime supplies (port mappings, an address, ...) is meant for the pod's first network (N15).
        supplied = _supplied(call, asked.config) if position == 0 else {}
        network = replace(each.network, config=asked.config)
        capabilities = {
            **supplied,
            **asked.capabilities,
            **deviceinfo.asked_for(network, call.container_id, each.selection.ifname),
        }
        requests.append(
            AttachRequest(
                container_id=call.container_id,
                name=each.selection.ifname,
                workload=who.workload,
                netns=call.netns,
                ifname=each.selection.ifname,
                network=network,
                position=position,
                default_route=default_route,
                cni_args=delegate_args(args, asked.args, first=position == 0),
                capabilities=msgspec.json.encode(capabilities),
                env=call.env,
                started_at=now,
                annotations=kept_annotations(who.annotations),
                labels=who.labels,
                request=_recorded(each.selection),
                runtime_ifname=call.ifname,
                runtime_network=call.name,
                pod_uid="" if who.pod is None else who.pod.uid,
            )
        )
    return requests


def _supplied(call: Call, config: bytes) -> dict[str, Any]:
    """What the runtime supplies and a plugin of the network declares: the rest nobody gets, and no DEL needs."""
    wanted = declared(msgspec.json.decode(config))
    return {key: value for key, value in (call.config.get("runtimeConfig") or {}).items() if key in wanted}


def _recorded(selection: Selection) -> str:
    """As it was asked for, for drift detection and edits of the annotation."""
    by = BY_ANNOTATION if selection.annotated else ""
    return recorded(element_of(selection.network, selection.options), selection.ifname, by)


def _links(call: Call, kernel: VerbKernel) -> Collection[str]:
    """The links in the container's namespace. Raises CniError when it is no other namespace than the node's (T16)."""
    try:
        there = kernel.link_names(call.netns)
        own = Path(call.netns).samefile("/proc/self/ns/net")
    except OSError as error:
        raise CniError(Code.INVALID_NETNS, "CNI_NETNS is not a network namespace", f"{call.netns}: {error}") from error
    override = call.env.get("CNI_NETNS_OVERRIDE", "").lower() in ("1", "true")
    if own and not override:
        raise CniError(Code.INVALID_NETNS, "plugin's netns and netns from CNI_NETNS should not be the same", call.netns)
    return there


def _check_free(means: Means, call: Call, ifnames: Sequence[str], there: Collection[str]) -> None:
    """None of the names may be recorded or exist already: nothing has been touched then (T40, T50)."""
    known = means.store.of_container(call.container_id)
    recorded = {attachment.ifname for attachment in known} | {attachment.name for attachment in known}
    twice = sorted(recorded.intersection(ifnames))
    if twice:
        text = f"container {call.container_id} already has {', '.join(twice)}: a DEL must come before another ADD"
        raise CniError(Code.FAILED, text)
    existing = sorted(set(there).intersection(ifnames))
    if existing:
        text = f"interface {', '.join(existing)} already exists in {call.netns}"
        raise CniError(Code.FAILED, text, "remove it, or have the network's interface named otherwise")


def _attach_all(
    means: Means, call: Call, requests: Sequence[AttachRequest], choice: Choice | None
) -> tuple[list[Attachment], bytes]:
    """All or nothing; called with the lock held. The attachments, and the merged result for stdout."""
    done: list[Attachment] = []
    problems: list[Problem] = []
    try:
        with ExitStack() as undo:
            undo.callback(lambda: problems.extend(_end(means, done, call)))
            for each in requests:
                done.append(_attach(means, each, choice))
            body = _merged_body(call, done)
            undo.pop_all()  # nothing failed: keep what was built
    except CniError as error:
        raise _with_problems(error, problems) from error
    return done, body


def _attach(means: Means, request: AttachRequest, choice: Choice | None) -> Attachment:
    chooser, subject = means.choosing.chooser, choice or request.network.network
    try:
        attachment = means.attacher.attach(request)
    except DelegateError as error:
        chooser.failed(subject)
        context = f"network {request.network.network}, interface {request.ifname}, workload {request.workload}"
        details = f"{error.details} ({context})" if error.details else context
        raise CniError(error.code, error.msg, details) from error
    except OSError as error:
        raise CniError(
            Code.FAILED, f"network {request.network.network}, interface {request.ifname}: {error}"
        ) from error
    chooser.succeeded(subject)
    return attachment


def _undo(means: Means, call: Call, done: Sequence[Attachment]) -> None:
    """The caller never heard of its ADD: nothing of it stays."""
    means.publisher.forget(call.container_id)
    with means.locks.hold(call.container_id):
        there = [each for each in done if means.store.get(each.container_id, each.name, each.generation) is not None]
        _end(means, there, call)


def _end(means: Means, done: Sequence[Attachment], call: Call) -> list[Problem]:
    problems = means.end(done, call.env)
    for attachment, error in problems:
        # Its record stays as DELETING: the reconciler tries again.
        log.warning("undoing an attachment failed", extra={**where(attachment), "error": str(error)})
    return problems


def _with_problems(error: CniError, problems: Sequence[Problem]) -> CniError:
    """The first error, never masked, with what its undoing ran into in the details (T48)."""
    if not problems:
        return error
    more = f"undoing it failed too: {described(problems)}"
    return CniError(error.code, error.msg, f"{error.details}; {more}" if error.details else more)


def _merged_body(call: Call, done: Sequence[Attachment]) -> bytes:
    results = [*_before(call), *(json.loads(attachment.result) for attachment in done)]
    try:
        return json.dumps(in_version(merged(results), call.version)).encode()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CniError(Code.UNDECODABLE, "a delegate's result cannot be read", str(error)) from error


def _before(call: Call) -> list[dict[str, Any]]:
    """The result of the plugins before us in the runtime's chain. Raises CniError: before anything is attached."""
    result = call.config.get("prevResult")
    if not result:
        return []
    try:
        canonical(result)
    except ValueError as error:
        raise CniError(
            Code.UNDECODABLE, "prevResult of the network configuration cannot be read", str(error)
        ) from error
    return [result]


def _publish(means: Means, container_id: str, who: Asking, extra: Mapping[str, str]) -> None:
    """A pod that asked for networks finds what it got as soon as it runs; the others hear of it soon after."""
    if who.cluster is None or who.pod is None:
        return
    notice = Notice(container_id=container_id, cluster=who.cluster, pod=who.pod, extra=extra)
    if asks_for_networks(who.annotations):
        means.publisher.now(notice)
    else:
        means.publisher.soon(notice)
