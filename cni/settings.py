"""The agent's settings: one YAML file, parsed once, frozen, every problem reported together."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cni.netconf import OWN_TYPE
from cni.protocol import NETWORK_NAME, VERSIONS
from cni.strict import Reader, anything, duration, entries, flag, listen, path, paths, rate, text, url
from cni.yamltext import load as load_yaml


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
    forget_after: float = 60.0
    """How long a pod must have been without namespace and without word of the runtime; then what it had goes."""
    host_mount: Path | None = None
    """Mount namespace that the delegates run in; None: the agent's own."""
    controller: Controller | None = None
    kubernetes: Kubernetes = Kubernetes()
    objects: Path | None = None
    sample_every: float = 1.0
    metrics: str | None = None
    smart: Smart = Smart()
    install: Install | None = None


def load(file: Path, node: str | None = None) -> Settings:
    """The settings in ``file``; ``node`` takes the place of its own. Raises SettingsError with every problem."""
    try:
        content = load_yaml(file.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(file, [str(error)]) from error
    if not isinstance(content, dict):
        raise SettingsError(file, ["not a mapping of settings"])
    reader = Reader({**content, "node": node} if node else content, "")
    given: dict[str, Any] = {"node": reader.take("node", text, required=True)}
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


def add_node(parser: ArgumentParser) -> None:
    """Adds the option by which one file of settings serves many nodes."""
    parser.add_argument(
        "--node",
        default=os.environ.get("GENIE_NODE"),
        metavar="NAME",
        help="this node's name, in place of the settings' (default: the variable GENIE_NODE)",
    )


def _uplinks(reader: Reader) -> tuple[Uplink, ...]:
    found = []
    for position, entry in enumerate(reader.take("uplinks", entries) or []):
        before = len(reader.problems)
        inner = reader.inner(entry, f"uplinks[{position}]")
        name = inner.take("physicalNetwork", text, required=True)
        nic = inner.take("nic", text, required=True)
        capacity = inner.take("capacity", rate, required=True)
        inner.end()
        if len(reader.problems) == before:
            found.append(Uplink(physical_network=name, nic=nic, capacity_bps=capacity))
    names = [uplink.physical_network for uplink in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problems.append(f"uplinks: physical network {name} is given twice")
    return tuple(found)


def _controller(reader: Reader) -> Controller | None:
    value = reader.take("controller", anything)
    if value is None:
        return None
    inner = reader.inner(value, "controller")
    where = inner.take("url", url, required=True)
    token_file = inner.take("tokenFile", path)
    inner.end()
    return None if where is None else Controller(url=where, token_file=token_file)


def _kubernetes(reader: Reader) -> Kubernetes:
    value = reader.take("kubernetes", anything)
    if value is None:
        return Kubernetes()
    inner = reader.inner(value, "kubernetes")
    kubeconfig = inner.take("kubeconfig", path)
    in_cluster = inner.take("inCluster", flag)
    deadline = inner.take("readDeadline", duration)
    inner.end()
    if kubeconfig is not None and in_cluster:
        reader.problems.append("kubernetes: has kubeconfig and inCluster: keep one")
    return Kubernetes(
        kubeconfig=kubeconfig, in_cluster=in_cluster, read_deadline=deadline or Kubernetes().read_deadline
    )


def _smart(reader: Reader) -> Smart:
    value = reader.take("smart", anything)
    if value is None:
        return Smart()
    inner = reader.inner(value, "smart")
    given = {"max_age": inner.take("maxAge", duration), "demand_bps": inner.take("demand", rate)}
    inner.end()
    return Smart(**{name: figure for name, figure in given.items() if figure is not None})


def _install(reader: Reader) -> Install | None:
    value = reader.take("install", anything)
    if value is None:
        return None
    inner = reader.inner(value, "install")
    fields = (("binary", path), ("binDir", path), ("conf", _own_conf), ("confFile", _conf_file))
    taken = {key: inner.take(key, parse) for key, parse in fields}
    inner.end()
    if isinstance(value, dict) and not {"binary", "conf"} & value.keys():
        reader.problems.append("install: needs binary, conf, or both")
    names = {"binary": "binary", "binDir": "bin_dir", "conf": "conf", "confFile": "conf_file"}
    return Install(**{names[key]: parsed for key, parsed in taken.items() if parsed is not None})


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
    given = path(value)
    if given.suffix != ".conf":
        raise ValueError(f"{value!r} must end in .conf: it holds one plugin")
    return given


FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("socket", "socket", path),
    ("state", "state", path),
    ("delSpool", "del_spool", path),
    ("confDir", "conf_dir", path),
    ("binDirs", "bin_dirs", paths),
    ("delegateDeadline", "delegate_deadline", duration),
    ("forgetAfter", "forget_after", duration),
    ("hostMount", "host_mount", path),
    ("sampleEvery", "sample_every", duration),
    ("objects", "objects", path),
    ("metrics", "metrics", listen),
)
"""The key in the file, the field of Settings, and how the one becomes the other."""
