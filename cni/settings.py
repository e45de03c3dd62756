"""The agent's settings: one YAML file, parsed once, frozen, every problem reported together."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from cni.netconf import OWN_TYPE
from cni.protocol import NETWORK_NAME, VERSIONS

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
RATE = re.compile(r"(\d+(?:\.\d+)?)(bps|kbps|Mbps|Gbps|Tbps)")
BITS = {"bps": 1.0, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9, "Tbps": 1e12}
TCP = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})")


class SettingsError(Exception):
    """The settings are refused whole; ``problems`` says everything that is wrong with them."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        self.problems = tuple(f"{file}: {problem}" for problem in problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """A NIC of the node and the physical network behind it."""

    physical_network: str
    nic: str
    capacity_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Where batches of samples go. ``url``: ``unix:/path`` or ``http://127.0.0.1:PORT``."""

    url: str
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    """How the agent reaches its cluster; a netconf that says otherwise wins."""

    kubeconfig: Path | None = None
    in_cluster: bool | None = None
    """The service account of the agent's own pod: True always, False never, None if it has one and no kubeconfig."""
    read_deadline: float = 3.0
    """Seconds that one read of an object may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smart:
    """How a network is chosen for a pod that leaves it open."""

    max_age: float = 600.0
    """Seconds from which the controller's ranking is too old to choose by."""
    demand_bps: float = 1e6
    """What a new workload is expected to carry where no ranking says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """What the agent puts into the runtime's directories."""

    binary: Path | None = None
    """The ``genie`` that came with this agent; None: somebody else installs it."""
    bin_dir: Path = Path("/opt/cni/bin")
    conf: dict[str, Any] | None = None
    """Genie's own configuration; None: somebody else writes it."""
    conf_file: Path = Path("/etc/cni/net.d/00-genie.conf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of an agent. Durations are in seconds."""

    node: str
    uplinks: tuple[Uplink, ...] = ()
    socket: Path = Path("/run/genie/agent.sock")
    state: Path = Path("/var/lib/genie")
    del_spool: Path = Path("/var/lib/genie/del-spool")
    conf_dir: Path = Path("/etc/cni/net.d")
    bin_dirs: tuple[str, ...] = ("/opt/cni/bin", "/usr/lib/cni")
    delegate_deadline: float = 60.0
    controller: Controller | None = None
    kubernetes: Kubernetes = Kubernetes()
    objects: Path | None = None
    sample_every: float = 1.0
    metrics: str | None = None
    smart: Smart = Smart()
    install: Install | None = None


def load(file: Path) -> Settings:
    """The settings in ``file``. Raises SettingsError with every problem."""
    try:
        content = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(file, [" ".join(str(error).split())]) from error
    if not isinstance(content, dict):
        raise SettingsError(file, ["not a mapping of settings"])
    reader = _Reader(content, "")
    given: dict[str, Any] = {"node": reader.take("node", _text, required=True)}
    for key, name, parse in FIELDS:
        value = reader.take(key, parse)
        if value is not None:
            given[name] = value
    given["uplinks"] = _uplinks(reader)
    given["controller"] = _controller(reader)
    given["kubernetes"] = _kubernetes(reader)
    given["smart"] = _smart(reader)
    given["install"] = _install(reader)
    reader.end()
    if reader.problems:
        raise SettingsError(file, reader.problems)
    return Settings(**given)


class _Reader:
    """Takes keys out of a mapping and collects what is wrong."""

    def __init__(self, content: dict[str, Any], path: str, problems: list[str] | None = None) -> None:
        self._content = dict(content)
        self._path = path
        self._known: list[str] = []
        self.problems: list[str] = [] if problems is None else problems

    def take(self, key: str, parse: Callable[[Any], Any], *, required: bool = False) -> Any:
        """The parsed value, None when absent or wrong."""
        self._known.append(key)
        value = self._content.pop(key, None)
        if value is None:
            if required:
                self.problems.append(f"{self._path}{key}: is required")
            return None
        try:
            return parse(value)
        except ValueError as error:
            self.problems.append(f"{self._path}{key}: {error}")
            return None

    def inner(self, value: Any, path: str) -> _Reader:
        """A reader of a mapping inside; its problems are this one's."""
        if not isinstance(value, dict):
            self.problems.append(f"{path}: must be a mapping")
            value = {}
        return _Reader(value, f"{path}.", self.problems)

    def end(self) -> None:
        """Every key must have been taken."""
        for key in self._content:
            near = get_close_matches(str(key), self._known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.problems.append(f"{self._path}{key}: unknown setting{hint}")


def _uplinks(reader: _Reader) -> tuple[Uplink, ...]:
    entries = reader.take("uplinks", _list) or []
    found = []
    for position, entry in enumerate(entries):
        path = f"uplinks[{position}]"
        before = len(reader.problems)
        inner = reader.inner(entry, path)
        name = inner.take("physicalNetwork", _text, required=True)
        nic = inner.take("nic", _text, required=True)
        capacity = inner.take("capacity", rate, required=True)
        inner.end()
        if len(reader.problems) == before:
            found.append(Uplink(physical_network=name, nic=nic, capacity_bps=capacity))
    names = [uplink.physical_network for uplink in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problems.append(f"uplinks: physical network {name} is given twice")
    return tuple(found)


def _controller(reader: _Reader) -> Controller | None:
    value = reader.take("controller", _anything)
    if value is None:
        return None
    inner = reader.inner(value, "controller")
    url = inner.take("url", _url, required=True)
    token_file = inner.take("tokenFile", _path)
    inner.end()
    return None if url is None else Controller(url=url, token_file=token_file)


def _kubernetes(reader: _Reader) -> Kubernetes:
    value = reader.take("kubernetes", _anything)
    if value is None:
        return Kubernetes()
    inner = reader.inner(value, "kubernetes")
    kubeconfig = inner.take("kubeconfig", _path)
    in_cluster = inner.take("inCluster", _flag)
    deadline = inner.take("readDeadline", duration)
    inner.end()
    if kubeconfig is not None and in_cluster:
        reader.problems.append("kubernetes: has kubeconfig and inCluster: keep one")
    return Kubernetes(
        kubeconfig=kubeconfig, in_cluster=in_cluster, read_deadline=deadline or Kubernetes().read_deadline
    )


def _smart(reader: _Reader) -> Smart:
    value = reader.take("smart", _anything)
    if value is None:
        return Smart()
    inner = reader.inner(value, "smart")
    given = {"max_age": inner.take("maxAge", duration), "demand_bps": inner.take("demand", rate)}
    inner.end()
    return Smart(**{name: figure for name, figure in given.items() if figure is not None})


def _install(reader: _Reader) -> Install | None:
    value = reader.take("install", _anything)
    if value is None:
        return None
    inner = reader.inner(value, "install")
    fields = (("binary", _path), ("binDir", _path), ("conf", _own_conf), ("confFile", _conf_file))
    taken = {key: inner.take(key, parse) for key, parse in fields}
    inner.end()
    if isinstance(value, dict) and not {"binary", "conf"} & value.keys():
        reader.problems.append("install: needs binary, conf, or both")
    names = {"binary": "binary", "binDir": "bin_dir", "conf": "conf", "confFile": "conf_file"}
    return Install(**{names[key]: parsed for key, parsed in taken.items() if parsed is not None})


def duration(value: Any) -> float:
    """``90s``, ``500ms``, ``5m`` in seconds. Raises ValueError."""
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{value!r} is not a duration such as 500ms, 90s or 5m")
    return float(match[1]) * SECONDS[match[2]]


def rate(value: Any) -> float:
    """``100Mbps`` in bits per second. Raises ValueError."""
    match = RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{value!r} is not a rate such as 100Mbps or 10Gbps")
    return float(match[1]) * BITS[match[2]]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a name")
    return value


def _path(value: Any) -> Path:
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(f"{value!r} is not an absolute path")
    return Path(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _paths(value: Any) -> tuple[str, ...]:
    return tuple(str(_path(entry)) for entry in _list(value))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    return value


def _anything(value: Any) -> Any:
    return value


def _own_conf(value: Any) -> dict[str, Any]:
    """Genie's configuration, as far as a runtime would refuse it."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping: genie's configuration")
    if value.get("type") != OWN_TYPE:
        raise ValueError(f"type must be {OWN_TYPE}")
    if not isinstance(value.get("name"), str) or not NETWORK_NAME.fullmatch(value["name"]):
        raise ValueError("name must be a network's name")
    if value.get("cniVersion", VERSIONS[0]) not in VERSIONS:
        raise ValueError(f"cniVersion {value['cniVersion']!r} is none of {', '.join(VERSIONS)}")
    return value


def _conf_file(value: Any) -> Path:
    path = _path(value)
    if path.suffix != ".conf":
        raise ValueError(f"{value!r} must end in .conf: it holds one plugin")
    return path


def _url(value: Any) -> str:
    text = _text(value)
    if not text.startswith(("unix:/", "http://")):
        raise ValueError(f"{value!r} is neither unix:/path nor http://host:port")
    return text


def _listen(value: Any) -> str:
    text = _text(value)
    if not text.startswith("unix:/") and TCP.fullmatch(text) is None:
        raise ValueError(f"{value!r} is neither unix:/path nor a loopback address such as 127.0.0.1:9464")
    return text


FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("socket", "socket", _path),
    ("state", "state", _path),
    ("delSpool", "del_spool", _path),
    ("confDir", "conf_dir", _path),
    ("binDirs", "bin_dirs", _paths),
    ("delegateDeadline", "delegate_deadline", duration),
    ("sampleEvery", "sample_every", duration),
    ("objects", "objects", _path),
    ("metrics", "metrics", _listen),
)
"""The key in the file, the field of Settings, and how the one becomes the other."""
