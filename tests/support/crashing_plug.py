"""An agent that carries out one hot add and is killed by the kernel at a given point: ``ROOT PREFIX NETWORK POINT``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

from cni.delegate import DelegateError
from cni.wire import AttachOrder
from tests.support.netns import Node, Site, this_thread_in


def main() -> None:
    root, prefix, network, point = sys.argv[1:]

    def reached(where: str) -> None:
        if where == point:
            os.kill(os.getpid(), signal.SIGKILL)

    site = Site(Path(root), prefix)
    with this_thread_in(site.node):
        node = Node.open(site)
        with contextlib.suppress(DelegateError):
            node.plugging(reached).attach(AttachOrder(workload="lab/w1", network=network))
        node.close()


if __name__ == "__main__":
    main()
