"""An agent that carries out one hot add and is killed by the kernel at a given point.

``ROOT PREFIX NETWORK POINT [GATEWAY]``; the gateway: it is asked to carry the default route by that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cni.delegate import DelegateError
from cni.hotplug import HotPlug
from cni.hotplug.asked import Asked
from cni.hotplug.targets import find
from cni.model import Attachment
from cni.nadspec import Options
from cni.netconf import ConfDir
from tests.support.netns import Node, Site, this_thread_in


def main() -> None:
    root, prefix, network, point, *gateways = sys.argv[1:]

    def reached(where: str) -> None:
        if where == point:
            os.kill(os.getpid(), signal.SIGKILL)

    site = Site(Path(root), prefix)
    with this_thread_in(site.node):
        node = Node.open(site)
        with contextlib.suppress(DelegateError):
            plug(node, node.plugging(reached), network, gateways)
        node.close()


def plug(node: Node, plugging: HotPlug, network: str, gateways: Sequence[str]) -> Attachment:
    """Brings the first workload onto the network."""
    options = Options(default_route=tuple(gateways) or None)
    found = ConfDir(node.site.root / "net.d").find(network)
    return plugging.add(lambda: find(node.store, "lab/w1"), Asked(network=found, name=network, options=options))


if __name__ == "__main__":
    main()
