"""The agent killed, stopped and upgraded under load, and the node without power: pods come up, nothing is left."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.cluster import pod
from tests.support.cluster.component import until
from tests.support.cluster.site import Site

CROWD = [f"p{number}" for number in range(6)]
TWO = {"cni": "pods,blue"}
GLANCE = 0.002
"""Seconds: an ADD takes some hundredths, and six of them are soon over."""


def crowd() -> list[dict[str, object]]:
    return [pod(name, annotations=TWO) for name in CROWD]


def working(site: Site, state: str) -> Callable[[], bool]:
    """Whether the agent is in the midst of an ADD (``adding``) or a DEL (``deleting``)."""
    return lambda: any(row[3] == state for row in site.genie.rows())


def test_killed_in_the_midst_of_adds_and_dels(site: Site) -> None:
    agent = site.genie.agent
    site.cluster.kubectl.apply(*crowd())
    for _ in range(2):
        until(working(site, "adding"), "an ADD is under way", 60, every=GLANCE)
        agent.kill()
        agent.start()
    site.ready(*CROWD, seconds=90)
    site.reach("p0", "p5")
    site.cluster.kubectl("delete", "pod", "--wait=false", *CROWD)
    until(working(site, "deleting"), "a DEL is under way", 30, every=GLANCE)
    agent.kill()
    until(site.genie.spooled, "a DEL is spooled", 30)
    agent.start()
    site.gone(*CROWD)


def test_stopped_while_pods_are_deleted(site: Site) -> None:
    site.start(*crowd())
    site.genie.agent.stop()
    site.remove(*CROWD)
    assert len(site.genie.spooled()) >= len(CROWD)
    site.genie.agent.start()


def test_upgraded_under_load(site: Site) -> None:
    """The new binary takes the old one's place while runtimes run it, the new agent the old one's."""
    agent = site.genie.agent
    site.cluster.kubectl.apply(*crowd())
    until(working(site, "adding"), "an ADD is under way", 60, every=GLANCE)
    site.genie.install()
    agent.stop()
    agent.start()
    site.ready(*CROWD, seconds=90)
    site.cluster.kubectl("delete", "pod", "--wait=false", *CROWD)
    until(working(site, "deleting"), "a DEL is under way", 30, every=GLANCE)
    site.genie.install()
    agent.stop()
    agent.start()
    site.gone(*CROWD)


def test_the_node_loses_its_power(site: Site) -> None:
    names = ("p0", "p1", "p2")
    before = site.start(*(pod(name, annotations=TWO) for name in names))
    namespaces = {row[4] for row in site.genie.rows()}
    site.cluster.power_off()
    site.genie.agent.kill()
    site.genie.agent.start()
    site.cluster.power_on()
    for name in names:
        again = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
        site.cluster.kubectl("wait", again, f"pod/{name}", "--timeout=60s")
    site.ready(*names)
    until(lambda: not namespaces & {row[4] for row in site.genie.rows()}, "the old records are gone", 60)
    site.reach("p0", "p2")
    assert len(site.genie.rows()) == 2 * len(names)
    assert len(site.cluster.traces()["leases"]) == 2 * len(names)
    for name, was in zip(names, before, strict=True):
        now = site.cluster.kubectl.read("get", "pod", name)
        assert now["metadata"]["uid"] == was["metadata"]["uid"]
        assert site.written(name)[0]["ips"] == [now["status"]["podIP"]]
    site.remove(*names)
    site.warm()  # bridges and chains are made anew


def test_the_runtime_loses_its_memory_too(site: Site) -> None:
    """Its disk was cleared while the node was off: no DEL comes for what it had, neither of living pods nor others."""
    site.start(*(pod(name, annotations=TWO) for name in ("gone", "stays")))
    (former,) = site.namespaces("stays")
    cluster = site.cluster
    cluster.power_off()
    site.genie.agent.kill()
    cluster.kubectl("delete", "pod", "gone", "--force", "--grace-period=0")
    cluster.clear_runtime()
    site.genie.agent.start()
    cluster.power_on()
    until(lambda: not site.rows_of("gone"), "what the pod had is deleted that is gone", 60)
    until(
        lambda: former not in site.namespaces("stays") and site.is_attached("stays", 2),
        "and of the other what its first sandbox had",
        60,
    )
    site.ready("stays")
    assert len(cluster.traces()["leases"]) == 2
    site.remove("stays")
    site.warm()
