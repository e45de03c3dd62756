"""Puts right what a crash left: half-done ADDs and DELs, and the DELs that came while no agent was there.

Every record that says ADDING or DELETING while its container's lock is free belongs to an act that was interrupted, or
whose undoing failed: it is deleted, again and again until that succeeds. A switch in flight looks after its own.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cni.attach import Attacher, where
from cni.delegate import DelegateError
from cni.locks import ContainerLocks, LockTimeout
from cni.model import Attachment, AttachmentState
from cni.protocol import Code, parse_cni
from cni.store import Store
from cni.verbs import Reply
from cni.wire import KIND_CNI, SwitchStatus, WireError

AGAIN_SECONDS = 30.0
"""A spooled DEL that failed is tried again after this."""
HOPELESS = frozenset({Code.INCOMPATIBLE_VERSION, Code.INVALID_ENVIRONMENT, Code.UNDECODABLE, Code.INVALID_CONFIG})
"""Errors of the call itself: no later try succeeds."""

log = logging.getLogger(__name__)


class Leftovers:
    """Deletes what interrupted acts left."""

    def __init__(
        self, store: Store, attacher: Attacher, locks: ContainerLocks, switches: Callable[[], Sequence[SwitchStatus]]
    ) -> None:
        self._store = store
        self._attacher = attacher
        self._locks = locks
        self._switches = switches

    def clear(self) -> int:
        """How many were deleted; the others are tried again at the next call."""
        unfinished = {a.container_id for a in self._store.all() if a.state is not AttachmentState.READY}
        return sum(self._clear_container(container_id) for container_id in sorted(unfinished))

    def _clear_container(self, container_id: str) -> int:
        cleared = 0
        try:
            with self._locks.hold(container_id, wait_seconds=0.1):
                switching = {(s.workload, s.attachment) for s in self._switches() if s.outcome is None}
                for attachment in reversed(self._store.of_container(container_id)):
                    if attachment.state is AttachmentState.READY:
                        continue
                    if (attachment.workload, attachment.name) not in switching:
                        cleared += self._clear_one(attachment)
        except LockTimeout:
            pass  # somebody is at work on it: not a leftover
        return cleared

    def _clear_one(self, attachment: Attachment) -> int:
        try:
            self._attacher.detach(attachment)
        except (DelegateError, OSError) as error:
            log.warning("a leftover cannot be deleted yet", extra={**where(attachment), "error": str(error)})
            return 0
        log.info("leftover deleted", extra=where(attachment))
        return 1


class SpooledDels:
    """Replays the DELs that the shim kept on disk while the agent was away. Safe for threads."""

    def __init__(
        self,
        directory: Path,
        perform: Callable[[dict[str, str], bytes], Reply],
        observe: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._perform = perform
        self._observe = observe
        self._clock = clock
        self._lock = threading.Lock()
        self._not_before: dict[str, float] = {}

    def replay(self) -> None:
        """Every record that is due, oldest first; one is removed only after its DEL succeeded."""
        with self._lock:
            for record in self._records():
                if self._not_before.get(record.name, 0.0) <= self._clock():
                    self._replay_one(record)

    def depth(self) -> int:
        """Records waiting."""
        return len(self._records())

    def _records(self) -> list[Path]:
        try:
            return sorted(path for path in self._directory.iterdir() if path.suffix == ".del")
        except OSError:
            return []  # no spool: nothing was ever spooled

    def _replay_one(self, record: Path) -> None:
        try:
            env, stdin = _read(record)
        except FileNotFoundError:
            return
        except (WireError, OSError) as error:
            self._put_aside(record, str(error))
            return
        reply = self._perform(env, stdin)
        if reply.status == 0:
            record.unlink(missing_ok=True)
            self._not_before.pop(record.name, None)
            self._observe("done")
            log.info("spooled DEL done", extra={"record": record.name, "container": env.get("CNI_CONTAINERID", "")})
        elif _code(reply) in HOPELESS:
            self._put_aside(record, reply.stdout.decode("utf-8", "replace"))
        else:
            self._not_before[record.name] = self._clock() + AGAIN_SECONDS
            self._observe("failed")

    def _put_aside(self, record: Path, why: str) -> None:
        log.error("a spooled DEL cannot be replayed, it is put aside", extra={"record": record.name, "error": why})
        self._observe("unreadable")
        record.rename(record.with_suffix(".bad"))


def _read(record: Path) -> tuple[dict[str, str], bytes]:
    body = record.read_bytes()
    if not body.startswith(KIND_CNI):
        raise WireError("not a record of the shim")
    env, stdin = parse_cni(body[len(KIND_CNI) :])
    if env.get("CNI_COMMAND") != "DEL":
        raise WireError("not a DEL")
    return env, stdin


def _code(reply: Reply) -> int:
    try:
        return int(json.loads(reply.stdout)["code"])
    except (ValueError, KeyError, TypeError):
        return Code.INTERNAL
