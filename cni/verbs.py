"""The CNI verbs: what a runtime's call does to the store, the delegates and the kernel.

ADD attaches a container to all networks that its annotations ask for, in order, or to none. DEL goes by the store alone
and deletes whatever the container has, hot-added attachments and both generations of a switch included.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cni.annotations import (
    Selection,
    annotations_of,
    delegate_args,
    kept_annotations,
    labels_of,
    parse_args,
    select,
    workload_of,
)
from cni.attach import AttachRequest, where
from cni.checking import check
from cni.collect import collect
from cni.delegate import DelegateError
from cni.health import check_health
from cni.locks import LockTimeout
from cni.means import Means, VerbKernel, ended_by, raise_problems
from cni.model import Attachment
from cni.netconf import NetworkConfig
from cni.protocol import VERSIONS, Call, CniError, Code, parse_call, swallow_proof, version_of
from cni.results import in_version, merged

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the shim prints and how it exits. ``undo``: for a reply that cannot be delivered."""

    status: int
    stdout: bytes
    undo: Callable[[], None] | None = None


class Verbs:
    """Answers calls; safe for several threads. ``observe`` is told the verb, the code (0: success) and the seconds."""

    def __init__(self, means: Means, observe: Callable[[str, int, float], None] = lambda *_: None) -> None:
        self._means = means
        self._observe = observe

    def perform(self, env: dict[str, str], stdin: bytes) -> Reply:
        """The reply to one call; never raises."""
        command = env.get("CNI_COMMAND", "")
        started = time.monotonic()
        code = 0
        try:
            return self._dispatch(command, env, stdin)
        except CniError as error:
            code = error.code
            shown = error
        except LockTimeout as error:
            code = Code.TRY_LATER
            shown = CniError(code, str(error))
        except Exception as error:
            log.exception("a call failed unexpectedly", extra={"command": command})
            code = Code.INTERNAL
            shown = CniError(code, f"internal error: {type(error).__name__}: {error}")
        finally:
            self._observe(command, int(code), time.monotonic() - started)
        if command == "DEL":
            shown = CniError(shown.code, swallow_proof(shown.msg), swallow_proof(shown.details))
        container = env.get("CNI_CONTAINERID", "")
        log.warning(
            "call failed", extra={"command": command, "container": container, "code": code, "error": str(shown)}
        )
        return Reply(1, shown.body(version_of(stdin)))

    def _dispatch(self, command: str, env: dict[str, str], stdin: bytes) -> Reply:
        if command == "VERSION":
            answer = {"cniVersion": version_of(stdin), "supportedVersions": list(VERSIONS)}
            return Reply(0, json.dumps(answer).encode())
        call = parse_call(env, stdin)
        match call.command:
            case "ADD":
                return self._add(call)
            case "DEL":
                self._delete(call)
            case "CHECK":
                check(self._means, call)
            case "STATUS":
                check_health(self._means, call)
            case "GC":
                collect(self._means, call)
        return Reply(0, b"")

    def _add(self, call: Call) -> Reply:
        args = parse_args(call.args)
        annotations = annotations_of(args)
        if annotations is None:
            _check_no_api(call, args)
            annotations = {}
        selections = select(call.config, annotations, call.ifname)
        networks = [self._means.network(selection.network) for selection in selections]
        requests = _requests(call, args, annotations, list(zip(selections, networks, strict=True)))
        with self._means.locks.hold(call.container_id):
            there = _links(call, self._means.kernel)
            self._check_free(call, [selection.ifname for selection in selections], there)
            done, body = self._attach_all(call, requests)
        for attachment in done:
            log.info("attached", extra=where(attachment))
        return Reply(0, body, undo=lambda: self._undo(call.container_id, done))

    def _check_free(self, call: Call, ifnames: Sequence[str], there: Collection[str]) -> None:
        """None of the names may be recorded or exist already: nothing has been touched then (T40, T50)."""
        known = self._means.store.of_container(call.container_id)
        recorded = {attachment.ifname for attachment in known} | {attachment.name for attachment in known}
        twice = sorted(recorded.intersection(ifnames))
        if twice:
            text = f"container {call.container_id} already has {', '.join(twice)}: a DEL must come before another ADD"
            raise CniError(Code.FAILED, text)
        existing = sorted(set(there).intersection(ifnames))
        if existing:
            raise CniError(Code.FAILED, f"interface {', '.join(existing)} already exists in {call.netns}")

    def _attach_all(self, call: Call, requests: Sequence[AttachRequest]) -> tuple[list[Attachment], bytes]:
        """All or nothing; called with the lock held. The attachments, and the merged result for stdout."""
        done: list[Attachment] = []
        with ExitStack() as undo:
            for request in requests:
                try:
                    attachment = self._means.attacher.attach(request)
                except DelegateError as error:
                    context = f"network {request.network.network}, interface {request.ifname}"
                    details = f"{error.details} ({context})" if error.details else context
                    raise CniError(error.code, error.msg, details) from error
                except OSError as error:
                    raise CniError(Code.FAILED, f"interface {request.ifname}: {error}") from error
                done.append(attachment)
                undo.callback(self._detach_quietly, attachment)
            body = _merged_body(call, done)
            undo.pop_all()
        return done, body

    def _undo(self, container_id: str, done: Sequence[Attachment]) -> None:
        """The caller never heard of its ADD: nothing of it stays."""
        with self._means.locks.hold(container_id):
            for attachment in reversed(done):
                if self._means.store.get(attachment.container_id, attachment.name, attachment.generation) is not None:
                    self._detach_quietly(attachment)

    def _detach_quietly(self, attachment: Attachment) -> None:
        try:
            self._means.attacher.detach(attachment)
        except (DelegateError, OSError) as error:
            # Its record stays as DELETING: the reconciler tries again.
            log.warning("undoing an attachment failed", extra={**where(attachment), "error": str(error)})

    def _delete(self, call: Call) -> None:
        with self._means.locks.hold(call.container_id):
            doomed = ended_by(self._means.store.of_container(call.container_id), call.ifname)
            if doomed:
                self._means.switches.abandon(call.container_id)
                doomed = ended_by(self._means.store.of_container(call.container_id), call.ifname)
            problems = self._means.end(doomed, call.env)
        raise_problems(problems)


def _links(call: Call, kernel: VerbKernel) -> Collection[str]:
    """The links in the container's namespace. Raises CniError when it is no other namespace than the node's (T16)."""
    try:
        there = kernel.links(call.netns)
        own = Path(call.netns).samefile("/proc/self/ns/net")
    except OSError as error:
        raise CniError(Code.INVALID_NETNS, "CNI_NETNS is not a network namespace", f"{call.netns}: {error}") from error
    override = call.env.get("CNI_NETNS_OVERRIDE", "").lower() in ("1", "true")
    if own and not override:
        raise CniError(Code.INVALID_NETNS, "plugin's netns and netns from CNI_NETNS should not be the same", call.netns)
    return there


def _check_no_api(call: Call, args: dict[str, str]) -> None:
    """A pod's annotations are in the API server, which is not asked yet: better no network than the wrong one."""
    policy, kubernetes = call.config.get("policy") or {}, call.config.get("kubernetes") or {}
    named = [
        name
        for name, value in (
            ("kubernetes.kubeconfig", kubernetes.get("kubeconfig")),
            ("kubernetes.k8s_api_root", kubernetes.get("k8s_api_root")),
            ("policy.k8s_api_root", policy.get("k8s_api_root")),
        )
        if value
    ]
    if named and args.get("K8S_POD_NAME"):
        text = (
            "reading a pod's annotations from the API server is not supported yet; give them as K8S_ANNOT in CNI_ARGS"
        )
        raise CniError(Code.NOT_SUPPORTED_YET, text, ", ".join(named))


def _requests(
    call: Call,
    args: dict[str, str],
    annotations: dict[str, str],
    wanted: Sequence[tuple[Selection, NetworkConfig]],
) -> list[AttachRequest]:
    now = time.time()
    supplied = json.dumps(call.config.get("runtimeConfig") or {}).encode()
    return [
        AttachRequest(
            container_id=call.container_id,
            name=selection.ifname,
            workload=workload_of(args, call.container_id),
            netns=call.netns,
            ifname=selection.ifname,
            network=network,
            position=position,
            cni_args=delegate_args(args),
            # What kubelet supplies (port mappings, ...) is meant for the pod's first network.
            capabilities=supplied if position == 0 else b"{}",
            env=call.env,
            started_at=now,
            annotations=kept_annotations(annotations),
            labels=labels_of(annotations),
            request=json.dumps({"network": selection.network, "interface": selection.ifname}),
            runtime_ifname=call.ifname,
            runtime_network=call.name,
        )
        for position, (selection, network) in enumerate(wanted)
    ]


def _merged_body(call: Call, done: Sequence[Attachment]) -> bytes:
    results: list[dict[str, Any]] = [json.loads(attachment.result) for attachment in done]
    if call.config.get("prevResult"):
        results.insert(0, call.config["prevResult"])
    try:
        return json.dumps(in_version(merged(results), call.version)).encode()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CniError(Code.UNDECODABLE, "a delegate's result cannot be read", str(error)) from error
