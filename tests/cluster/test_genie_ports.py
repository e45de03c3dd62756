"""Ports of the node that lead to pods: portmap, by what containerd supplies where genie's configuration declares it."""

from __future__ import annotations

import urllib.request
from urllib.error import URLError

import pytest

from tests.support.cluster.node import ADDRESS
from tests.support.cluster.site import Site, with_port


def test_a_port_of_the_node_leads_to_its_pod_until_this_is_gone(site: Site) -> None:
    site.start(with_port("web", 4001, {"cni": "ports,blue"}), with_port("shop", 4002, {"cni": "blue@eth1,ports@eth0"}))
    assert asked(4001) == "hello web"
    with pytest.raises(URLError, match="refused"):
        asked(4002)  # what the runtime supplies is for a pod's first network, and that has no portmap
    # What the DEL needs is the store's, not the process'.
    site.genie.agent.kill()
    site.genie.agent.start()
    assert asked(4001) == "hello web"
    site.remove("web", "shop")
    with pytest.raises(URLError, match="refused"):
        asked(4001)


def asked(port: int) -> str:
    """What a client outside the pods gets from that port of the node."""
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}/", timeout=5) as reply:
        text: str = reply.read().decode()
    return text.strip()
