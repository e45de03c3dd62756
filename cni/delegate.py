"""Runs network configurations through the real CNI plugins, as a container runtime's libcni does.

Source of every rule: CNI specification 1.1.0, sections 4 (execution) and 2 (protocol); libcni's ``api.go``.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import msgspec

from cni.gates import GateTimeout, NetworkGates
from cni.known import KnownVersions
from cni.place import Place, here
from cni.plugin import (
    BAD_CONFIG,
    BUSY,
    DEADLINE,
    FAILED,
    PREV_RESULT_AT_DEL,
    UNDECODABLE,
    VALID_ATTACHMENTS,
    Config,
    DelegateError,
    Invocation,
    Network,
    decoded,
    environment,
    find_program,
    has_status_and_gc,
    kinds_of,
    nothing,
    plugin_config,
    version_tuple,
)
from cni.process import Finished, Running
from cni.protocol import NETWORK_NAME

__all__ = ["VALID_ATTACHMENTS", "DelegateError", "Delegates", "Invocation", "Network", "find_program"]

log = logging.getLogger(__name__)


class Delegates:
    """The plugins in ``bin_dirs``, each run with a deadline in seconds. Safe for several threads.

    ``observe`` is told the plugin's type, the command and the seconds of every run, for metrics. ``place``: whose files
    the plugins see.
    """

    def __init__(
        self,
        bin_dirs: tuple[str, ...],
        deadline: float,
        observe: Callable[[str, str, float], None] | None = None,
        place: Place = here,
    ) -> None:
        self._place = place
        self._bin_dirs = tuple(str(directory) for directory in bin_dirs)
        self._deadline = deadline
        self._observe = observe
        self._gates = NetworkGates()
        self._versions = KnownVersions()

    def require(self, config: bytes, call: Invocation) -> None:
        """Raises DelegateError when the list cannot be run, or a plugin of it is not installed."""
        self._require(Network.parse(config), call)

    def _require(self, network: Network, call: Invocation) -> None:
        # Plugins name their files after it: it must not lead them elsewhere (libcni, ValidateNetworkName).
        if not NETWORK_NAME.fullmatch(network.name):
            raise DelegateError(BAD_CONFIG, f"invalid characters found in network name {network.name!r}")
        kinds = [str(plugin["type"]) for plugin in network.plugins]
        try:
            self._place(lambda: [find_program(kind, self._path(call)) for kind in kinds])
        except OSError as error:
            raise DelegateError(FAILED, f"plugins cannot be looked for: {error}") from error

    def add(self, config: bytes, call: Invocation) -> bytes:
        """ADD of every plugin in order; the last one's result. Raises DelegateError, having DELed what was done."""
        network = Network.parse(config)
        # All must be there before the first one acts: nothing is to be undone then.
        self._require(network, call)
        quietly = replace(call, begun=nothing)
        result: Config | None = None
        with self._shared(network):
            for position, plugin in enumerate(network.plugins):
                try:
                    result = self._add_one(network, plugin, call if position == 0 else quietly, result)
                except DelegateError as error:
                    problems = self._delete_plugins(network, network.plugins[: position + 1], quietly, result)
                    raise _with_problems(error, "undoing it failed too", problems) from error
        return msgspec.json.encode(result)

    def delete(self, config: bytes, call: Invocation, prev_result: bytes | None) -> None:
        """DEL of every plugin, last first. ``prev_result``: what ``add`` returned, where known.

        Continues when one fails. Raises DelegateError: the first failure, the others in its details.
        """
        network = Network.parse(config)
        result = decoded(prev_result) if prev_result else None
        with self._shared(network):
            problems = self._delete_plugins(network, network.plugins, call, result)
        if problems:
            raise _with_problems(problems[0], "also", problems[1:])

    def check(self, config: bytes, call: Invocation, prev_result: bytes) -> None:
        """CHECK of every plugin in order, unless the list says ``disableCheck`` or is older than CHECK.

        Raises the first DelegateError.
        """
        network = Network.parse(config)
        if network.disable_check or version_tuple(network.version) < version_tuple(PREV_RESULT_AT_DEL):
            return
        result = decoded(prev_result)
        for plugin in network.plugins:
            self._run("CHECK", str(plugin["type"]), plugin_config(network, plugin, call, result), call)

    def status(self, config: bytes, call: Invocation) -> None:
        """STATUS of every plugin and its IPAM plugin, as far as they know it, in order. Raises the first DelegateError.

        Others that fail are in its details.
        """
        problems = self._ask("STATUS", Network.parse(config), call, {})
        if problems:
            raise _with_problems(problems[0], "also", problems[1:])

    def collect(
        self, config: bytes, call: Invocation, valid: Callable[[], Sequence[Mapping[str, str]]]
    ) -> list[DelegateError]:
        """GC of every plugin and its IPAM plugin, as far as they know it, unless the list says ``disableGC``.

        ``valid`` is asked for the attachments that stay (``containerID``, ``ifname``) once no ADD or DEL of the network
        is under way. Goes on when one fails, and returns what failed.
        """
        try:
            network = Network.parse(config)
            if network.disable_gc or not has_status_and_gc(network):
                return []
            with self._gates.alone(network.name, self._deadline):
                kept = [dict(each) for each in valid()]
                return self._ask("GC", network, call, dict.fromkeys(VALID_ATTACHMENTS, kept))
        except DelegateError as error:
            return [error]
        except GateTimeout as error:
            return [DelegateError(BUSY, str(error))]

    def _ask(self, command: str, network: Network, call: Invocation, extra: Config) -> list[DelegateError]:
        problems: list[DelegateError] = []
        if not has_status_and_gc(network):
            return problems
        for plugin in network.plugins:
            content = {**plugin_config(network, plugin, call, None), **extra}
            for kind in kinds_of(plugin):
                try:
                    if self._speaks(kind, network.version, call):
                        self._run(command, kind, content, call)
                except DelegateError as error:
                    problems.append(error)
        return problems

    def _speaks(self, kind: str, version: str, call: Invocation) -> bool:
        try:
            return version in self._place(lambda: self._versions.of(find_program(kind, self._path(call))))
        except OSError as error:
            raise DelegateError(FAILED, f"plugin {kind} cannot be started: {error}") from error

    @contextmanager
    def _shared(self, network: Network) -> Iterator[None]:
        try:
            with self._gates.shared(network.name, self._deadline):
                yield
        except GateTimeout as error:
            raise DelegateError(BUSY, str(error)) from error

    def _add_one(self, network: Network, plugin: Config, call: Invocation, previous: Config | None) -> Config:
        stdout = self._run("ADD", str(plugin["type"]), plugin_config(network, plugin, call, previous), call)
        if stdout.strip() == b"null":
            # An empty result, as libcni takes it: what the plugins before it said still holds.
            return previous if previous is not None else {"cniVersion": network.version}
        result = decoded(stdout)
        if result is None:
            what = "output that is not a result" if stdout.strip() else "no result"
            raise DelegateError(UNDECODABLE, f"plugin {plugin['type']}: ADD succeeded with {what}", _text(stdout))
        result.setdefault("cniVersion", network.version)
        return result

    def _delete_plugins(
        self, network: Network, plugins: list[Config], call: Invocation, result: Config | None
    ) -> list[DelegateError]:
        carried = result if version_tuple(network.version) >= version_tuple(PREV_RESULT_AT_DEL) else None
        problems = []
        for plugin in reversed(plugins):
            try:
                self._run("DEL", str(plugin["type"]), plugin_config(network, plugin, call, carried), call)
            except DelegateError as error:
                problems.append(error)
        return problems

    def _run(self, command: str, kind: str, content: Config, call: Invocation) -> bytes:
        path = self._path(call)
        stdin = msgspec.json.encode(content)
        started = time.monotonic()
        try:
            env = environment(command, call, path)
            with self._place(lambda: Running(find_program(kind, path), env, self._deadline)) as running:
                call.begun()
                finished = running.finish(stdin)
        except (OSError, ValueError) as error:  # ValueError: an environment that no process can have
            raise DelegateError(FAILED, f"plugin {kind} cannot be started: {error}") from error
        finally:
            if self._observe is not None:
                self._observe(kind, command, time.monotonic() - started)
        if finished.status == 0:
            if finished.stderr.strip():
                log.info("a plugin wrote to stderr", extra=_spoken(kind, command, call, finished))
            return finished.stdout
        raise _failure(kind, command, finished, self._deadline)

    def _path(self, call: Invocation) -> tuple[str, ...]:
        asked = [part for part in call.env.get("CNI_PATH", "").split(os.pathsep) if part]
        return tuple(dict.fromkeys([*asked, *self._bin_dirs]))


def _spoken(kind: str, command: str, call: Invocation, finished: Finished) -> dict[str, str]:
    """The fields of a log line about what a plugin said beside its result."""
    return {"plugin": kind, "command": command, "container": call.container_id, "stderr": _text(finished.stderr)}


def _failure(kind: str, command: str, finished: Finished, deadline: float) -> DelegateError:
    stderr = _text(finished.stderr)
    if finished.status is None:
        return DelegateError(
            DEADLINE, f"plugin {kind}: {command} did not end within {deadline:g} s and was killed", stderr
        )
    said = decoded(finished.stdout) or {}
    code, msg, details = said.get("code"), said.get("msg"), said.get("details") or ""
    # type(): true and false are no codes. Runtimes read a code as a number that fits 32 bits.
    if type(code) is int and 0 < code < 2**31:
        words = msg if isinstance(msg, str) and msg.strip() else f"plugin {kind}: {command} failed without a message"
        return DelegateError(code, words, str(details))
    ending = f"signal {-finished.status}" if finished.status < 0 else f"exit status {finished.status}"
    words = " ".join(part for part in (_text(finished.stdout), stderr) if part) or "without a word"
    return DelegateError(FAILED, f"plugin {kind}: {command} ended with {ending}: {words}")


def _with_problems(error: DelegateError, word: str, problems: list[DelegateError]) -> DelegateError:
    """The original error, with what else went wrong in its details: never masked (T48)."""
    if not problems:
        return error
    more = f"{word}: " + "; ".join(str(problem) for problem in problems)
    details = f"{error.details}; {more}" if error.details else more
    return DelegateError(error.code, error.msg, details, left_behind=True)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()[:4096]
