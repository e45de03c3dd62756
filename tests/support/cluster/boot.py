"""From nothing to a cluster, and back to nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.cluster.kubelet import ROOT, TUNABLES
from tests.support.cluster.node import PLUGINS, Cluster
from tests.support.cluster.place import cgroups, claimed, covered
from tests.support.cluster.power import links
from tests.support.cluster.programs import UnavailableError, installed, kubernetes

PROGRAMS = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "busybox", "gcc", "openssl", "ip", "nft")
COVERED = (ROOT, Path("/var/lib/cni"), Path("/var/log/containers"))
"""Where programs put things that no setting moves: each is a directory of the cluster's."""


@contextmanager
def cluster(network: Mapping[str, Any] | None = None) -> Iterator[Cluster]:
    """A cluster until the end of the block, with this CNI configuration list; None: Debian's bridge alone.

    Raises UnavailableError where there can be none.
    """
    if (lack := missing()) is not None:
        raise UnavailableError(lack)
    with ExitStack() as undo:
        directory = undo.enter_context(claimed("gs-k8s-"))
        undo.enter_context(cgroups(directory.name))
        for place in COVERED:
            (directory / place.name).mkdir()
            undo.enter_context(covered(place, directory / place.name))
        for number, tunable in enumerate(TUNABLES):
            shown = directory / f"tunable-{number}"
            shown.write_text(tunable.read_text())
            undo.enter_context(covered(tunable, shown))
        made = Cluster(directory)
        made.install_network("10-pods.conflist", network or made.bridge())
        undo.callback(made.stop)
        made.start()
        yield made


def missing() -> str | None:
    """Why there can be no cluster here; None: there can."""
    if (lack := powerless()) is not None:
        return lack
    if set(links()) != {"lo"}:
        return "a cluster needs namespaces of its own: start it by tools/sandbox"
    try:
        for program in PROGRAMS:
            installed(program)
        kubernetes()
    except UnavailableError as error:
        return str(error)
    return None if (PLUGINS / "bridge").exists() else f"the CNI plugins are not installed in {PLUGINS}"


def powerless() -> str | None:
    """Why we could run no containers and make no cgroups; None: we could."""
    everybody = ["0", "0", "4294967295"]
    if os.geteuid() != 0 or Path("/proc/self/uid_map").read_text().split() != everybody:
        return "containers need root: that of a user namespace may not mount what they need"
    return None
