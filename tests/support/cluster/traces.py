"""What pods and their networks could leave on the node: two moments are compared by it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.cluster.containerd import Containerd
from tests.support.cluster.kubelet import ROOT
from tests.support.cluster.place import hierarchies, mounts_below
from tests.support.cluster.programs import run

Traces = Mapping[str, Sequence[str]]
"""By kind."""

OF_PODS_ALONE = ("namespaces", "mounts", "leases", "results", "tasks", "shims", "cgroups")
"""The kinds that have nothing when there is no pod."""

RESULTS = Path("/var/lib/cni")
"""Where the CNI library of a runtime keeps results, and plugins what they are told to put nowhere else."""

VOLATILE = (
    "flags",
    "valid_life_time",
    "preferred_life_time",
    "expires",
    "ifindex",
    "link_index",
    "tentative",
    "dynamic",
)


def traces(runtime: Containerd, directory: Path) -> Traces:
    """Everything by kind, sorted. Dead containers count for nothing: the kubelet removes them once a minute."""
    return {
        "namespaces": sorted(path.name for path in Path("/run/netns").glob("*")),
        "mounts": sorted(mounts_below(runtime.home, ROOT)),
        "links": sorted(f"{link['ifname']} {link.get('master', '')}" for link in _listed("link")),
        "addresses": sorted(_addresses()),
        "routes": sorted(
            [*_plain("-4", "route", "show", "table", "all"), *_plain("-6", "route", "show", "table", "all")]
        ),
        "rules": sorted([*_plain("-4", "rule"), *_plain("-6", "rule")]),
        "firewall": run("nft", "--stateless", "list", "ruleset").splitlines(),
        "leases": sorted(_files(directory / "leases")),
        "results": sorted(_files(RESULTS)),
        "tasks": sorted(runtime.ctr("tasks", "list", "--quiet").split()) if runtime.component.running else [],
        "shims": sorted(map(str, runtime.shims())),
        "cgroups": sorted(_pod_cgroups(directory.name)),
    }


def changes(before: Traces, now: Traces) -> Mapping[str, tuple[list[str], list[str]]]:
    """Of each kind that differs: what there is too much, and what is missing."""
    return {
        kind: ([one for one in now[kind] if one not in was], [one for one in was if one not in now[kind]])
        for kind, was in before.items()
        if was != now[kind]
    }


def _listed(*command: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(run("ip", "-j", *command) or "[]")
    return listed


def _plain(*command: str) -> Iterator[str]:
    # The kernel gives every link that is up routes of its own in IPv6, some of them later.
    for entry in _listed(*command):
        if entry.get("protocol") != "kernel" or "-4" in command:
            yield json.dumps({key: value for key, value in entry.items() if key not in VOLATILE}, sort_keys=True)


def _addresses() -> Iterator[str]:
    for link in _listed("address"):
        for address in link["addr_info"]:  # type: ignore[attr-defined]  # as `ip` prints it
            if address["scope"] != "link":
                yield f"{link['ifname']} {address['local']}/{address['prefixlen']}"


def _files(directory: Path) -> Iterator[str]:
    for file in directory.rglob("*"):
        if file.is_file() and file.name != "lock" and not file.name.startswith("last_reserved_ip"):
            yield str(file.relative_to(directory))


def _pod_cgroups(name: str) -> Iterator[str]:
    for hierarchy in hierarchies():
        # Unlike Path.rglob it does not mind what goes away as it looks.
        for path, below, _ in os.walk(hierarchy / name):
            yield from (str(Path(path, each).relative_to(hierarchy)) for each in below if each.startswith("pod"))
