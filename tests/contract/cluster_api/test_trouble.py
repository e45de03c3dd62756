"""A server that is away, and one that does not let us in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cni.cluster import AttachmentDefinition, ClusterAway, ClusterRefused
from tests.contract.cluster_api.test_pods import pod
from tests.contract.cluster_api.worlds import ClusterWorld, soon


def test_what_is_known_is_answered_while_the_server_is_away(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace, annotations={"cni": "blue"}))
    network = world.make(AttachmentDefinition(namespace=namespace, name="blue", config='{"type": "bridge"}'))
    soon(lambda: network in world.cluster.attachment_definitions(), "the network is known")
    heard: list[str] = []
    world.cluster.on_pod(lambda _, told: heard.append(told.name))
    soon(lambda: "web-0" in heard, "the pod is known")
    with world.away():
        assert world.cluster.pod(namespace, "web-0", made.uid) == made
        assert world.cluster.attachment_definition(namespace, "blue") == network


def test_what_is_not_known_has_to_wait_while_the_server_is_away(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace))
    with world.away():
        with pytest.raises(ClusterAway):
            world.cluster.pod(namespace, "other", "some-uid")
        with pytest.raises(ClusterAway):
            world.cluster.pod(namespace, "web-0", "another-uid")
        with pytest.raises(ClusterAway):
            world.cluster.attachment_definition(namespace, "absent")
        with pytest.raises(ClusterAway):
            world.cluster.annotate(made, {"cni": "blue"})


def test_without_a_uid_nobody_knows_whether_it_is_the_same_pod(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace))
    assert world.cluster.pod(namespace, "web-0") == made
    with world.away(), pytest.raises(ClusterAway):
        world.cluster.pod(namespace, "web-0")


def test_who_asks_hears_that_the_server_is_away(world: ClusterWorld, namespace: str) -> None:
    world.make(pod(world, namespace))
    world.cluster.check()
    with world.away():
        soon(lambda: _fails(world.cluster.check, ClusterAway), "the watch has ended")
    soon(lambda: not _fails(world.cluster.check, ClusterAway), "it is back")
    with pytest.raises(ClusterRefused):
        world.refused().check()


def _fails(act: Callable[[], None], error: type[Exception]) -> bool:
    try:
        act()
    except error:
        return True
    return False


def test_once_it_is_back_everything_is_as_before(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace))
    with world.away(), pytest.raises(ClusterAway):
        world.cluster.annotate(made, {"cni": "blue"})
    world.cluster.annotate(made, {"cni": "red"})
    soon(lambda: world.cluster.pod(namespace, "web-0", made.uid).annotations == {"cni": "red"}, "the edit is seen")


def test_somebody_without_the_right_to_is_refused(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace))
    refused = world.refused()
    with pytest.raises(ClusterRefused, match="401"):
        refused.pod(namespace, "web-0", made.uid)
    with pytest.raises(ClusterRefused):
        refused.attachment_definition(namespace, "blue")
    with pytest.raises(ClusterRefused):
        refused.node_labels()
    with pytest.raises(ClusterRefused):
        refused.annotate(made, {"cni": "blue"})
    assert (list(refused.attachment_definitions()), list(refused.logical_networks())) == ([], [])
