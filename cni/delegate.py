"""Runs network configurations through the real CNI plugins, as a container runtime's libcni does.

Source of every rule: CNI specification 1.1.0, sections 4 (execution) and 2 (protocol); libcni's ``api.go``.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from cni import jsontext
from cni.gates import GateTimeout, NetworkGates
from cni.known import KnownVersions
from cni.place import Place, here
from cni.process import Finished, Running
from cni.protocol import NETWORK_NAME

KNOWN_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
PREV_RESULT_AT_DEL = "0.4.0"
"""From this version on a DEL carries the result of the ADD, and there is a CHECK."""
STATUS_AND_GC = "1.1.0"
"""From this version on there are STATUS and GC."""

FAILED = 100
"""A delegate failed without saying how."""
DEADLINE = 101
"""A delegate was killed at its deadline."""
MISSING = 102
"""A delegate's program is nowhere on the path."""
BUSY = 11
"""Other operations are in the way (CNI specification: try again later)."""
UNDECODABLE = 6
"""What a delegate printed cannot be read (CNI specification: failed to decode content)."""
BAD_CONFIG = 7
"""The configuration itself cannot be run (CNI specification: invalid network config)."""

OF_CONTAINER = frozenset({"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"})
"""What STATUS and GC do not have: they are about the node."""

VALID_ATTACHMENTS = ("cni.dev/valid-attachments", "cni.dev/attachments")
"""The specification's key of a GC's input, and the one that libcni up to 1.2.0 wrote; both are read and written."""

Config = dict[str, Any]

log = logging.getLogger(__name__)


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What the plugins of one configuration list are told, the same for ADD and DEL of one attachment.

    STATUS and GC are about the node: they have no container.
    """

    container_id: str = ""
    netns: str = ""
    ifname: str = ""
    args: str = ""
    """CNI_ARGS."""
    capabilities: bytes = b"{}"
    """The runtime's capability arguments, JSON; each plugin gets those that it declares."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The caller's environment: its CNI_PATH is searched first."""
    begun: Callable[[], None] = _nothing
    """Of an ADD: called once, when the first plugin has been started and before it is told its configuration. What it
    raises ends the ADD, and the plugin."""


class DelegateError(Exception):
    """A delegate failed; code, message and details are its own where it gave any."""

    def __init__(self, code: int, msg: str, details: str = "", *, left_behind: bool = False) -> None:
        self.code = code
        self.msg = msg
        self.details = details
        self.left_behind = left_behind
        """A failed ADD could not be undone: a DEL is still owed."""
        super().__init__(f"{msg}; {details}" if details else msg)


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
        network = Network.parse(config)
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
        self.require(config, call)
        quietly = replace(call, begun=_nothing)
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
        result = _decoded(prev_result) if prev_result else None
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
        result = _decoded(prev_result)
        for plugin in network.plugins:
            self._run("CHECK", str(plugin["type"]), _plugin_config(network, plugin, call, result), call)

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
            if network.disable_gc or not _has_status_and_gc(network):
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
        if not _has_status_and_gc(network):
            return problems
        for plugin in network.plugins:
            content = {**_plugin_config(network, plugin, call, None), **extra}
            for kind in _kinds(plugin):
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
        stdout = self._run("ADD", str(plugin["type"]), _plugin_config(network, plugin, call, previous), call)
        if stdout.strip() == b"null":
            # An empty result, as libcni takes it: what the plugins before it said still holds.
            return previous if previous is not None else {"cniVersion": network.version}
        result = _decoded(stdout)
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
                self._run("DEL", str(plugin["type"]), _plugin_config(network, plugin, call, carried), call)
            except DelegateError as error:
                problems.append(error)
        return problems

    def _run(self, command: str, kind: str, content: Config, call: Invocation) -> bytes:
        path = self._path(call)
        stdin = msgspec.json.encode(content)
        started = time.monotonic()
        try:
            env = _environment(command, call, path)
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


@dataclass(frozen=True, slots=True)
class Network:
    """A configuration list as far as running it goes."""

    name: str
    version: str
    plugins: list[Config]
    disable_check: bool
    disable_gc: bool

    @classmethod
    def parse(cls, config: bytes) -> Network:
        """Raises DelegateError with code 7 when the list cannot be run."""
        content = _decoded(config)
        if content is None:
            raise DelegateError(BAD_CONFIG, "the network configuration is not a JSON object")
        name, plugins = content.get("name"), content.get("plugins")
        if not isinstance(name, str) or not name:
            raise DelegateError(BAD_CONFIG, "the network configuration has no name")
        if not isinstance(plugins, list) or not plugins:
            raise DelegateError(BAD_CONFIG, f"network {name}: no plugins")
        if not all(isinstance(plugin, dict) and isinstance(plugin.get("type"), str) for plugin in plugins):
            raise DelegateError(BAD_CONFIG, f"network {name}: every plugin needs a type")
        disabled = [str(content.get(key)).lower() == "true" for key in ("disableCheck", "disableGC")]
        return cls(name, _chosen_version(content, name), plugins, *disabled)


def _has_status_and_gc(network: Network) -> bool:
    return version_tuple(network.version) >= version_tuple(STATUS_AND_GC)


def _kinds(plugin: Config) -> list[str]:
    """The plugin's type, and its IPAM plugin's."""
    ipam = plugin.get("ipam")
    inner = ipam.get("type") if isinstance(ipam, dict) else None
    return [str(plugin["type"]), inner] if isinstance(inner, str) and inner else [str(plugin["type"])]


def _chosen_version(content: Config, name: str) -> str:
    """The highest version that the list offers (``cniVersion``, ``cniVersions``) and we know."""
    offered = content.get("cniVersions") or []
    if not isinstance(offered, list):
        raise DelegateError(BAD_CONFIG, f"network {name}: cniVersions must be a list of versions")
    if content.get("cniVersion"):
        offered = [*offered, content["cniVersion"]]
    if not offered:
        return KNOWN_VERSIONS[0]
    known = [version for version in offered if version in KNOWN_VERSIONS]
    if not known:
        raise DelegateError(1, f"network {name}: no supported cniVersion", f"offered {offered}, known {KNOWN_VERSIONS}")
    return str(max(known, key=version_tuple))


def version_tuple(version: str) -> tuple[int, ...]:
    """``0.4.0`` as numbers, for comparison."""
    return tuple(int(part) for part in version.split("."))


def find_program(kind: str, path: tuple[str, ...]) -> str:
    """The plugin's program, the first on the path. Raises DelegateError when there is none."""
    if not kind or "/" in kind or kind in (".", ".."):
        raise DelegateError(BAD_CONFIG, f"plugin type {kind!r} is not a file name")
    for directory in path:
        program = Path(directory, kind)
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    raise DelegateError(MISSING, f"plugin {kind} is not installed", f"looked in {os.pathsep.join(path)}")


def _plugin_config(network: Network, plugin: Config, call: Invocation, previous: Config | None) -> Config:
    supplied = _decoded(call.capabilities) or {}
    declared = plugin.get("capabilities")
    wanted = {name for name, on in declared.items() if on} if isinstance(declared, dict) else set()
    runtime = {name: value for name, value in supplied.items() if name in wanted}
    kept = {key: value for key, value in plugin.items() if key != "capabilities" and not key.startswith("cni.dev/")}
    config = {**kept, "name": network.name, "cniVersion": network.version}
    config.pop("prevResult", None)
    if runtime:
        config["runtimeConfig"] = runtime
    if previous is not None:
        config["prevResult"] = previous
    return config


@functools.cache
def _own_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}


def _environment(command: str, call: Invocation, path: tuple[str, ...]) -> dict[str, str]:
    """The caller's whole environment over the agent's own, as if the caller had run the plugin itself."""
    callers = {key: value for key, value in call.env.items() if key not in OF_CONTAINER}
    whole = {**_own_environment(), **callers, "CNI_COMMAND": command, "CNI_PATH": os.pathsep.join(path)}
    if command in ("STATUS", "GC"):
        return whole
    return {
        **whole,
        "CNI_CONTAINERID": call.container_id,
        "CNI_NETNS": call.netns,
        "CNI_IFNAME": call.ifname,
        "CNI_ARGS": call.args,
    }


def _spoken(kind: str, command: str, call: Invocation, finished: Finished) -> dict[str, str]:
    """The fields of a log line about what a plugin said beside its result."""
    return {"plugin": kind, "command": command, "container": call.container_id, "stderr": _text(finished.stderr)}


def _failure(kind: str, command: str, finished: Finished, deadline: float) -> DelegateError:
    stderr = _text(finished.stderr)
    if finished.status is None:
        return DelegateError(
            DEADLINE, f"plugin {kind}: {command} did not end within {deadline:g} s and was killed", stderr
        )
    said = _decoded(finished.stdout) or {}
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


def _decoded(data: bytes) -> Config | None:
    """The JSON object in ``data``; None when it is anything else."""
    try:
        content = jsontext.parse(data)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()[:4096]
