"""Which API server, and by whose rights: an agent that has none of its own, and a netconf that names one."""

from __future__ import annotations

from tests.support.cluster import pod
from tests.support.cluster.component import until
from tests.support.cluster.site import NETWORKS, Site

NO_CLUSTER = "Error building kubernetes client: neither the network configuration nor the agent names an API server"


def test_the_netconf_names_the_cluster_as_cni_genies_did(site: Site) -> None:
    kubeconfig = site.cluster.directory / "credentials/genie-system-genie-agent.kubeconfig"
    with site.genie.another_agent(kubernetes={"inCluster": False}):
        site.cluster.kubectl.apply(pod("one", annotations={NETWORKS: "green,red"}))
        until(lambda: NO_CLUSTER in site.events("one"), "the pod's events say what is missing", 60)
        site.genie.install(kubernetes={"kubeconfig": str(kubeconfig)})
        site.ready("one", seconds=90)
        assert site.links("one").keys() == {"eth0", "eth1", "eth2"}
        assert [entry["name"] for entry in site.written("one")] == ["pods", "default/green", "default/red"]
        site.remove("one")
    site.genie.install()


def test_without_any_api_server_the_runtime_tells_what_a_pod_asks_for(site: Site) -> None:
    with site.genie.another_agent(kubernetes={"inCluster": False}):
        site.genie.install(capabilities={"io.kubernetes.cri.pod-annotations": True})
        site.start(pod("one", annotations={"cni": "pods,blue@lan"}))
        assert site.links("one").keys() == {"eth0", "lan"}
        site.remove("one")
    site.genie.install()
