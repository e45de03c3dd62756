"""Networks that come to a running pod, and go: the pod is told, and its deletion takes them along."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.cluster import pod
from tests.support.cluster.component import until
from tests.support.cluster.networks import belongs
from tests.support.cluster.site import NETWORKS, Site


def test_by_hand(site: Site) -> None:
    site.start(pod("one", annotations={NETWORKS: "green"}), pod("other", annotations={"cni": "pods,red@eth2"}))
    switcher(site, "attach", "default/one", "cni:red")
    expect_networks(site, {"eth0": "pods", "eth1": "green", "eth2": "red"})
    site.reach("one", "other")
    switcher(site, "detach", "default/one", "red")
    expect_networks(site, {"eth0": "pods", "eth1": "green"})
    switcher(site, "attach", "default/one", "cni:blue", "--ifname", "lan")
    expect_networks(site, {"eth0": "pods", "eth1": "green", "lan": "blue"})
    site.remove("one", "other")


def test_by_editing_the_annotation(site: Site) -> None:
    site.start(pod("one", annotations={NETWORKS: "green"}))
    edit = ("annotate", "--overwrite", "pod", "one")
    site.cluster.kubectl(*edit, f"{NETWORKS}=green,red@lan")
    expect_networks(site, {"eth0": "pods", "eth1": "green", "lan": "red"})
    site.cluster.kubectl(*edit, f"{NETWORKS}=red@lan")
    expect_networks(site, {"eth0": "pods", "lan": "red"})
    site.remove("one")


def expect_networks(site: Site, wanted: dict[str, str]) -> None:
    """Soon pod ``one`` has these, in the kernel, and as it is written."""

    def told() -> dict[str, tuple[list[str], str]]:
        return {entry["interface"]: (entry["ips"], entry["mac"]) for entry in site.written("one")}

    def there() -> dict[str, tuple[list[str], str]]:
        return {name: (list(link.addresses), link.mac) for name, link in site.links("one").items()}

    until(lambda: there().keys() == wanted.keys() and told() == there(), "the pod has them, and is told", 20)
    for name, ((address,), _) in told().items():
        assert belongs(address, wanted[name])


def switcher(site: Site, *arguments: str) -> None:
    """The real command, asking the node's agent."""
    command = [sys.executable, "-c", "from switcher.cli import main; main()", *arguments]
    environment = {**os.environ, "SWITCHER_AGENT": f"unix:{site.cluster.agent_socket}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
