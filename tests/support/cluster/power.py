"""What a node loses with its power, and what it has: the two views that a test of leaks compares."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tests.support.cluster.containerd import SOCKETS, Containerd
from tests.support.cluster.kubelet import ROOT
from tests.support.cluster.place import empty_cgroups, mounts_below, processes
from tests.support.cluster.programs import run

NAMESPACES = Path("/run/netns")
PODS = "cni-*"
"""How containerd names the network namespaces of pods there."""

DEATH_SECONDS = 10.0


def cut(runtime: Containerd, cgroups: str, hardware: Collection[str]) -> None:
    """After containerd and the kubelet were killed: nothing of pods is left but what is on disk."""
    _kill(runtime.shims() | processes(cgroups))
    for point in mounts_below(runtime.home, ROOT, NAMESPACES):
        run("umount", "--lazy", point)
    for namespace in NAMESPACES.glob(PODS):
        namespace.unlink()
    for link in set(links()) - set(hardware):
        with suppress(RuntimeError):  # gone with its other end
            run("ip", "link", "delete", link)
    for family in ("-4", "-6"):
        for rule in rules(family):
            run("ip", family, "rule", "delete", "priority", str(rule))
    run("nft", "flush", "ruleset")
    empty_cgroups(cgroups)
    for volatile in (runtime.state, SOCKETS):
        shutil.rmtree(volatile, ignore_errors=True)


def links() -> list[str]:
    """The names of all links here."""
    return [link["ifname"] for link in json.loads(run("ip", "-j", "link"))]


def rules(family: str) -> list[int]:
    """The priorities of the routing rules that are not the kernel's own."""
    found = json.loads(run("ip", family, "-j", "rule"))
    return [rule["priority"] for rule in found if rule["priority"] not in (0, 32766, 32767)]


def _kill(found: Collection[int]) -> None:
    deadline = time.monotonic() + DEATH_SECONDS
    for process in found:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    for process in found:
        while _lives(process):
            assert time.monotonic() < deadline, f"process {process} does not die"
            time.sleep(0.01)


def _lives(process: int) -> bool:
    # In a sandbox we are the first process: what lost its parent is our child, and stays until we ask how it ended.
    with suppress(ChildProcessError):
        return os.waitpid(process, os.WNOHANG) == (0, 0)
    return Path("/proc", str(process)).exists()
