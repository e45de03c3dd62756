"""One outage of the API server, from before to after."""

from __future__ import annotations

from tests.support.cluster import pod
from tests.support.cluster.component import until
from tests.support.cluster.site import Site

DEAF = ["sh", "-c", "trap '' TERM; sleep 1000000 & wait"]
"""A container that ends only when its grace does."""

TWO = {"cni": "pods,blue"}


def test_the_api_server_away(site: Site) -> None:
    leaving = pod("leaving", annotations={"cni": "pods,red"}, terminationGracePeriodSeconds=8)
    leaving["spec"]["containers"][0]["command"] = DEAF
    site.start(leaving, *(pod(name, annotations=TWO) for name in ("one", "other")))
    site.cluster.kubectl("delete", "pod", "leaving", "--wait=false")
    site.cluster.api.server.stop()
    assert site.rows_of("leaving"), "its network is still there"
    site.reach("one", "other")
    until(lambda: not site.rows_of("leaving"), "its DEL is done without an API server", 30)
    expect_known_pods_are_attached_again(site)
    expect_unknown_pods_wait(site)
    site.cluster.start_api()
    for name in ("one", "other"):
        until(lambda name=name: site.is_attached(name, 2), f"{name} is attached", 60)
        macs = [link.mac for link in site.links(name).values()]
        until(lambda name=name, macs=macs: told(site, name) == macs, "what is written is true", 60)
    site.reach("one", "other")
    site.genie.forgive_refusals()  # of the server's first moments; what had to be written has been
    site.remove("one", "other")


def expect_known_pods_are_attached_again(site: Site) -> None:
    """By an agent that has seen them. What is to be written then must outlive this agent."""
    (former,) = site.namespaces("one")
    site.end_sandbox("one")
    until(
        lambda: former not in site.namespaces("one") and site.is_attached("one", 2), "another sandbox is attached", 30
    )
    site.reach("one", "other")


def expect_unknown_pods_wait(site: Site) -> None:
    """An agent that has seen nothing must not guess."""
    site.genie.agent.kill()
    site.genie.agent.start()
    site.end_sandbox("other")
    until(lambda: 11 in dict(site.genie.failures("ADD")), "the ADD is told to try again later", 60)
    assert not site.rows_of("other")


def told(site: Site, name: str) -> list[str]:
    """The MACs that are written on a pod."""
    return [entry["mac"] for entry in site.written(name)]
