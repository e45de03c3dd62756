"""Pods: reading them, being told of them, annotating them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cni.cluster import STATIC_POD_UID_KEY, ObjectUnknown, Pod, PodEvent
from tests.contract.cluster_api.worlds import ClusterWorld, soon

ODD_TEXT = 'a;b=c"\u0085\u2028\\ ümläut {"x": [1]}\n\tend'
"""Characters that some readers of lines and of JSON stumble over."""


def pod(world: ClusterWorld, namespace: str, name: str = "web-0", **fields: object) -> Pod:
    return Pod(**{"namespace": namespace, "name": name, "uid": "", "node": world.node, **fields})  # type: ignore[arg-type] # a test's fields


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"annotations": {"cni": "blue,red@eth5", "odd": ODD_TEXT}, "labels": {"app": "web"}},
        {"host_network": True},
        {"devices": True},
        {"runtime_class": "kata"},
        {"deleting": True},
    ],
    ids=["plain", "annotated", "host network", "devices", "runtime class", "being deleted"],
)
def test_a_pod_is_read(world: ClusterWorld, namespace: str, fields: dict[str, object]) -> None:
    made = world.make(pod(world, namespace, **fields))
    assert made.uid
    soon(lambda: world.cluster.pod(namespace, "web-0", made.uid) == made, "it is seen as it is")
    assert world.cluster.pod(namespace, "web-0") == made


def test_an_unknown_pod_is_named(world: ClusterWorld, namespace: str) -> None:
    with pytest.raises(ObjectUnknown, match=f"there is no Pod {namespace}/web-0"):
        world.cluster.pod(namespace, "web-0", "some-uid")


def test_a_namesake_is_another_pod(world: ClusterWorld, namespace: str) -> None:
    first = world.make(pod(world, namespace, annotations={"cni": "blue"}))
    assert world.cluster.pod(namespace, "web-0", first.uid) == first
    world.delete(first)
    second = world.make(pod(world, namespace, annotations={"cni": "red"}))
    # At once: the runtime asks for the new pod as soon as it is there.
    assert world.cluster.pod(namespace, "web-0", second.uid) == second
    with pytest.raises(ObjectUnknown, match=second.uid):
        world.cluster.pod(namespace, "web-0", first.uid)


def test_a_static_pod_is_found_by_its_own_uid(world: ClusterWorld, namespace: str) -> None:
    mirror = world.make(pod(world, namespace, annotations={STATIC_POD_UID_KEY: "0123abc"}))
    assert world.cluster.pod(namespace, "web-0", "0123abc") == mirror


def test_a_pod_of_another_node_can_be_read(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace, node="elsewhere"))
    assert world.cluster.pod(namespace, "web-0", made.uid) == made


def test_a_change_of_annotations_is_seen(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace, annotations={"cni": "blue"}))
    world.make(replace(made, annotations={"cni": "red"}))
    soon(lambda: world.cluster.pod(namespace, "web-0", made.uid).annotations == {"cni": "red"}, "the edit is seen")


def test_a_deleted_pod_is_unknown(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace))
    assert world.cluster.pod(namespace, "web-0", made.uid) == made
    world.delete(made)

    def gone() -> bool:
        try:
            world.cluster.pod(namespace, "web-0", made.uid)
        except ObjectUnknown:
            return True
        return False

    soon(gone, "the pod is unknown")


def test_annotations_are_set_changed_and_removed_and_others_stay(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace, annotations={"keep": "it", "change": "old", "remove": "me"}))
    world.cluster.annotate(made, {"change": "new", "remove": None, "add": ODD_TEXT, "absent": None})
    wanted = {"keep": "it", "change": "new", "add": ODD_TEXT}
    soon(lambda: world.cluster.pod(namespace, "web-0", made.uid).annotations == wanted, "the annotations are seen")


def test_annotating_twice_is_harmless(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace))
    for _ in range(2):
        world.cluster.annotate(made, {"k8s.v1.cni.cncf.io/network-status": "[]"})
    now = {"k8s.v1.cni.cncf.io/network-status": "[]"}
    soon(lambda: world.cluster.pod(namespace, "web-0", made.uid).annotations == now, "the annotation is seen")


def test_annotating_never_lands_on_a_namesake(world: ClusterWorld, namespace: str) -> None:
    first = world.make(pod(world, namespace))
    world.delete(first)
    second = world.make(pod(world, namespace))
    with pytest.raises(ObjectUnknown, match=f"{namespace}/web-0"):
        world.cluster.annotate(first, {"cni": "blue"})
    assert world.cluster.pod(namespace, "web-0", second.uid).annotations == {}


def test_a_pod_that_is_gone_cannot_be_annotated(world: ClusterWorld, namespace: str) -> None:
    made = world.make(pod(world, namespace))
    world.delete(made)
    with pytest.raises(ObjectUnknown, match=f"{namespace}/web-0"):
        world.cluster.annotate(made, {"cni": "blue"})


class Heard:
    """A listener that remembers."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.events: list[tuple[PodEvent, Pod]] = []

    def __call__(self, event: PodEvent, pod: Pod) -> None:
        if pod.namespace == self._namespace:
            self.events.append((event, pod))

    def until(self, count: int) -> list[PodEvent]:
        """Wait for so many events in all."""
        soon(lambda: len(self.events) >= count, f"{count} events, beside {self.events}")
        return [event for event, _ in self.events]


def test_listeners_are_told_of_what_is_there_and_of_what_happens(world: ClusterWorld, namespace: str) -> None:
    before = world.make(pod(world, namespace, "before"))
    soon(lambda: world.cluster.pod(namespace, "before") == before, "it is seen")
    heard = Heard(namespace)
    world.cluster.on_pod(heard)
    assert heard.until(1) == [PodEvent.ADDED]
    made = world.make(pod(world, namespace, "later"))
    heard.until(2)
    edited = world.make(replace(made, annotations={"cni": "blue"}))
    heard.until(3)
    assert heard.events == [(PodEvent.ADDED, before), (PodEvent.ADDED, made), (PodEvent.CHANGED, edited)]
    world.delete(edited)
    soon(lambda: heard.events[-1][0] is PodEvent.DELETED, "it is heard that the pod is gone")
    gone = replace(edited, deleting=True)  # perhaps it is heard that it is being deleted, too
    assert [event for event in heard.events[3:] if event != (PodEvent.CHANGED, gone)] in (
        [(PodEvent.DELETED, gone)],
        [(PodEvent.DELETED, edited)],
    )


def test_a_namesake_is_told_of_as_another_pod(world: ClusterWorld, namespace: str) -> None:
    heard = Heard(namespace)
    world.cluster.on_pod(heard)
    first = world.make(pod(world, namespace))
    world.delete(first)
    second = world.make(pod(world, namespace))
    soon(lambda: heard.events[-1:] == [(PodEvent.ADDED, second)], "the second pod is heard of")
    told = [(event, pod.uid) for event, pod in heard.events if event is not PodEvent.CHANGED]
    assert told == [(PodEvent.ADDED, first.uid), (PodEvent.DELETED, first.uid), (PodEvent.ADDED, second.uid)]


def test_a_listener_that_fails_hurts_nobody(world: ClusterWorld, namespace: str) -> None:
    def failing(event: PodEvent, pod: Pod) -> None:
        raise ValueError(f"{event} of {pod.name} is too much")

    heard = Heard(namespace)
    world.cluster.on_pod(failing)
    world.cluster.on_pod(heard)
    made = world.make(pod(world, namespace))
    heard.until(1)
    assert world.cluster.pod(namespace, "web-0", made.uid) == made


def test_listeners_are_not_told_of_other_nodes(world: ClusterWorld, namespace: str) -> None:
    heard = Heard(namespace)
    world.cluster.on_pod(heard)
    world.make(pod(world, namespace, "foreign", node="elsewhere"))
    world.make(pod(world, namespace, "own"))
    heard.until(1)
    assert [pod.name for _, pod in heard.events] == ["own"]


def test_the_nodes_labels_are_read(world: ClusterWorld) -> None:
    world.label_node({"hardware": "old"})
    assert world.cluster.node_labels()["hardware"] == "old"
