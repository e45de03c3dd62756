"""GC: deletes what the runtime no longer lists, and has the delegates do the same (CNI specification 1.1.0, section 2).

A runtime lists ``(containerID, ifname)`` as it asked for them: one ADD of ours makes several interfaces, and hot-added
ones are not in its list at all. So what counts is the ADD that an attachment belongs to; what was hot-added
stays as long as anything else of its container does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import msgspec

from cni.delegate import VALID_ATTACHMENTS, Invocation
from cni.locks import LockTimeout
from cni.means import Means, ended_by
from cni.model import Attachment, AttachmentState
from cni.protocol import Call, CniError, Code

LOCK_SECONDS = 5.0
"""How long a container that is busy is waited for; it is then left to the next GC."""
WHOLE_SECONDS = 60.0
"""After this nothing more is begun: the shim waits 90 s."""

Key = tuple[str, str]
"""Container id and CNI_IFNAME."""
Ours = tuple[str, float]
"""CNI_IFNAME and start of an ADD: a container that came again under its old id is another one."""

log = logging.getLogger(__name__)


def collect(means: Means, call: Call) -> None:
    """Raises CniError with the first problem's code and all problems told; what could be done has been done.

    Without a list nothing is removed (``cnitool gc`` sends none, having deleted all that it knows); an empty one or
    null says that nothing is valid.
    """
    valid = _listed(call.config)
    if valid is None:
        return
    until = time.monotonic() + WHOLE_SECONDS
    configs = _configurations(means)
    problems: list[tuple[int, str]] = []
    for container_id, stale in _stale(means, call.name, valid).items():
        if time.monotonic() > until:
            problems.append((Code.TRY_LATER, f"container {container_id} and what follows was not reached in time"))
            break
        problems += _end(means, call, container_id, stale)
    problems += _forward(means, call, configs, until)
    if problems:
        raise CniError(problems[0][0], "not all could be collected", "; ".join(text for _, text in problems))


def _listed(config: Mapping[str, Any]) -> set[Key] | None:
    """What the runtime lists under either key; None when it has neither. Raises CniError, 7."""
    given = [config[key] for key in VALID_ATTACHMENTS if key in config]
    if not given:
        return None
    try:
        listed = {_key(entry) for entries in given for entry in entries or []}
    except (TypeError, KeyError) as error:
        wanted = f"{VALID_ATTACHMENTS[0]} must be a list of objects with containerID and ifname"
        raise CniError(Code.INVALID_CONFIG, wanted, f"{type(error).__name__}: {error}") from error
    return listed


def _key(entry: Any) -> Key:
    key = entry["containerID"], entry["ifname"]
    if not all(isinstance(part, str) for part in key):
        raise TypeError(f"not a string in {entry!r}")
    return key


def _stale(means: Means, network: str, valid: set[Key]) -> dict[str, set[Ours]]:
    """The ADDs of this network that are not listed, by container.

    A container to which something is being added is newer than the runtime's list, and a switch ends first.
    """
    moving = means.moving()
    found = {}
    for container_id, rows in _by_container(means.store.all()):
        if any(row.state is AttachmentState.ADDING or (row.workload, row.name) in moving for row in rows):
            continue
        ours = {
            (row.runtime_ifname, row.started_at)
            for row in rows
            if row.runtime_ifname and row.runtime_network == network and (container_id, row.runtime_ifname) not in valid
        }
        if ours:
            found[container_id] = ours
    return found


def _by_container(rows: Iterable[Attachment]) -> list[tuple[str, list[Attachment]]]:
    return [(key, list(group)) for key, group in groupby(rows, key=lambda row: row.container_id)]


def _end(means: Means, call: Call, container_id: str, stale: set[Ours]) -> list[tuple[int, str]]:
    problems: list[tuple[int, str]] = []
    try:
        with means.locks.hold(container_id, LOCK_SECONDS):
            for ifname, started_at in sorted(stale):
                # Looked at again under the lock: a DEL, another ADD or a switch may have come before us.
                rows = means.store.of_container(container_id)
                if any((row.workload, row.name) in means.moving() for row in rows):
                    break
                if not any((row.runtime_ifname, row.started_at) == (ifname, started_at) for row in rows):
                    continue
                doomed = [row for row in ended_by(rows, ifname) if row.runtime_network in ("", call.name)]
                log.info("no longer listed by the runtime", extra={"container": container_id, "interface": ifname})
                for attachment, error in means.end(doomed, call.env):
                    text = f"container {container_id} {attachment.network} {attachment.ifname}: {error}"
                    problems.append((getattr(error, "code", Code.FAILED), text))
    except LockTimeout as error:
        problems.append((Code.TRY_LATER, str(error)))
    return problems


def _configurations(means: Means) -> dict[tuple[str, bytes], str]:
    """The configurations that can be attached to now, and those that attachments were made with, by their own name.

    A network may have lost its file or object while its leftovers are still there.
    """
    found = {(network.own_name, network.config): network.network for network in means.networks.all()}
    known = {own_name for own_name, _ in found}
    for row in means.store.all():
        own_name = str(msgspec.json.decode(row.config).get("name"))
        if own_name not in known:
            found.setdefault((own_name, row.config), row.network)
    return found


def _forward(means: Means, call: Call, configs: Mapping[tuple[str, bytes], str], until: float) -> list[tuple[int, str]]:
    """GC of every network's delegates; what failed."""
    problems: list[tuple[int, str]] = []
    for (own_name, config), network in configs.items():
        if time.monotonic() > until:
            problems.append((Code.TRY_LATER, f"network {network} and what follows was not reached in time"))
            break
        failed = means.delegates.collect(config, Invocation(env=call.env), _valid(means, own_name))
        problems += [(error.code, f"network {network}: {error}") for error in failed]
    return problems


def _valid(means: Means, own_name: str) -> Callable[[], list[dict[str, str]]]:
    """What stays of a delegates' network, under the ids that the delegates know, whoever asked for it.

    In a switch the old link is called otherwise than at its ADD: it is listed under both names.
    """

    def listed() -> list[dict[str, str]]:
        rows = [row for row in means.store.all() if row.state is not AttachmentState.DELETING]
        keys = {
            (row.delegate_id, ifname)
            for row in rows
            if msgspec.json.decode(row.config).get("name") == own_name
            for ifname in (row.name, row.ifname)
        }
        return [{"containerID": container_id, "ifname": ifname} for container_id, ifname in sorted(keys)]

    return listed
