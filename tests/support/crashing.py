"""An agent that carries out one order and is killed by the kernel at a given point: ``ROOT PREFIX ORDER POINT``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from cni.wire import SwitchOrder, decode
from tests.support.netns import Node, Site, this_thread_in


def main() -> None:
    root, prefix, order_file, point = sys.argv[1:]
    order = decode(Path(order_file).read_bytes(), SwitchOrder)

    def reached(where: str) -> None:
        if where == point:
            os.kill(os.getpid(), signal.SIGKILL)

    site = Site(Path(root), prefix)
    with this_thread_in(site.node):
        node = Node.open(site, reached=reached)
        node.switches.start(order)
        node.finish(order)
        node.close()


if __name__ == "__main__":
    main()
