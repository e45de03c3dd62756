"""The CNI verbs: what a runtime's call does to the store, the delegates and the kernel.

ADD attaches a container to all networks that its annotations ask for, in order, or to none. DEL goes by the store alone
and deletes whatever the container has, hot-added attachments and both generations of a switch included.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable

from cni.adding import Reply, add
from cni.args import who_asks
from cni.checking import check
from cni.collect import collect
from cni.health import check_health
from cni.locks import LockTimeout
from cni.means import Means, ended_by, raise_problems
from cni.protocol import VERSIONS, Call, CniError, Code, parse_call, swallow_proof, version_of

__all__ = ["Reply", "Verbs"]

log = logging.getLogger(__name__)


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
        container = env.get("CNI_CONTAINERID", "")
        kind, name = who_asks(env.get("CNI_ARGS", ""), container)
        if name and command not in ("STATUS", "GC"):
            shown = shown.about(kind, name)
        if command == "DEL":
            shown = CniError(shown.code, swallow_proof(shown.msg), swallow_proof(shown.details))
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
                return add(self._means, call)
            case "DEL":
                self._delete(call)
            case "CHECK":
                check(self._means, call)
            case "STATUS":
                check_health(self._means, call)
            case "GC":
                collect(self._means, call)
        return Reply(0, b"")

    def _delete(self, call: Call) -> None:
        with self._means.locks.hold(call.container_id):
            doomed = ended_by(self._means.store.of_container(call.container_id), call.ifname)
            if doomed:
                self._means.switches.abandon(call.container_id)
                doomed = ended_by(self._means.store.of_container(call.container_id), call.ifname)
            problems = self._means.end(doomed, call.env)
        if not problems:
            self._means.publisher.forget(call.container_id)
        raise_problems(problems)
