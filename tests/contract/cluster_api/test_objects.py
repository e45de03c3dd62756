"""The objects that describe networks: the same from the API server, from files, and from the fake."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cni.cluster import (
    AttachmentDefinition,
    LogicalNetwork,
    ObjectUnknown,
    ObjectUnusable,
    PhysicalNetwork,
    Requirement,
    Uplink,
)
from tests.contract.cluster_api.worlds import ObjectsWorld, soon

CONFIG = '{"cniVersion": "0.4.0", "type": "bridge", "bridge": "br1"}'


def test_an_attachment_definition_is_read(objects_world: ObjectsWorld, namespace: str) -> None:
    made = objects_world.make(
        AttachmentDefinition(namespace=namespace, name="blue", config=CONFIG, annotations={"owner": "me=you;"})
    )
    assert objects_world.objects.attachment_definition(namespace, "blue") == made


def test_an_attachment_definition_without_configuration_has_an_empty_one(
    objects_world: ObjectsWorld, namespace: str
) -> None:
    objects_world.make(AttachmentDefinition(namespace=namespace, name="weave"))
    assert objects_world.objects.attachment_definition(namespace, "weave").config == ""


def test_a_logical_network_is_read(objects_world: ObjectsWorld, namespace: str) -> None:
    network = LogicalNetwork(
        namespace=namespace, name="net1", physical_net="phy1", sub_subnet="10.1.2.0/24", plugin="weave"
    )
    objects_world.make(network)
    assert objects_world.objects.logical_network(namespace, "net1") == network


@pytest.mark.parametrize(
    "network",
    [
        PhysicalNetwork(namespace="", name="phy1", refer_nic="eth1"),
        PhysicalNetwork(
            namespace="", name="phy1", refer_nic="eth1", plugin="weave", subnet="10.1.0.0/16", dedicated=True
        ),
        PhysicalNetwork(
            namespace="",
            name="phy1",
            capacity="1Gbps",
            sla="99.9",
            uplinks=(
                Uplink(refer_nic="eno3", node_selector={"hardware": "old"}),
                Uplink(
                    refer_nic="eth2",
                    requirements=(
                        Requirement(key="hardware", operator="NotIn", values=("old", "lost")),
                        Requirement(key="switch", operator="Exists"),
                    ),
                ),
            ),
        ),
    ],
    ids=["only its NIC", "dedicated", "a NIC by node"],
)
def test_a_physical_network_is_read(objects_world: ObjectsWorld, namespace: str, network: PhysicalNetwork) -> None:
    made = objects_world.make(replace(network, namespace=namespace))
    assert objects_world.objects.physical_network(namespace, "phy1") == made


def test_what_is_not_there_is_named(objects_world: ObjectsWorld, namespace: str) -> None:
    objects = objects_world.objects
    for ask, kind in (
        (objects.attachment_definition, "NetworkAttachmentDefinition"),
        (objects.logical_network, "LogicalNetwork"),
        (objects.physical_network, "PhysicalNetwork"),
    ):
        with pytest.raises(ObjectUnknown, match=f"there is no {kind} {namespace}/absent") as caught:
            ask(namespace, "absent")
        assert caught.value.kind == kind
        assert not isinstance(caught.value, ObjectUnusable)


def test_names_are_of_one_namespace(objects_world: ObjectsWorld, namespace: str) -> None:
    objects_world.make(LogicalNetwork(namespace=namespace, name="net1", plugin="weave"))
    with pytest.raises(ObjectUnknown):
        objects_world.objects.logical_network(f"{namespace}-x", "net1")


def test_what_cannot_be_used_says_why(objects_world: ObjectsWorld, namespace: str) -> None:
    objects_world.make_unusable(namespace, "broken")
    with pytest.raises(ObjectUnknown, match=rf"{namespace}/broken.*spec\.config: is not JSON"):
        objects_world.objects.attachment_definition(namespace, "broken")
    assert not [each for each in objects_world.objects.attachment_definitions() if each.namespace == namespace]


def test_all_that_are_known_come_in_order(objects_world: ObjectsWorld, namespace: str) -> None:
    for name in ("b", "a"):
        objects_world.make(AttachmentDefinition(namespace=namespace, name=name, config=CONFIG))
        objects_world.make(LogicalNetwork(namespace=namespace, name=f"{name}-logical", plugin="bridge"))

    def known(objects: object) -> list[str]:
        assert isinstance(objects, list)
        return [each.name for each in objects if each.namespace == namespace]

    soon(lambda: known(objects_world.objects.attachment_definitions()) == ["a", "b"], "both definitions are known")
    soon(lambda: known(objects_world.objects.logical_networks()) == ["a-logical", "b-logical"], "both networks are")


def test_a_change_is_seen(objects_world: ObjectsWorld, namespace: str) -> None:
    objects = objects_world.objects
    objects_world.make(LogicalNetwork(namespace=namespace, name="net1", plugin="weave"))
    assert objects.logical_network(namespace, "net1").plugin == "weave"
    objects_world.make(LogicalNetwork(namespace=namespace, name="net1", plugin="bridge"))
    soon(lambda: objects.logical_network(namespace, "net1").plugin == "bridge", "the new plugin is seen")


def test_what_was_deleted_is_gone(objects_world: ObjectsWorld, namespace: str) -> None:
    objects = objects_world.objects
    network = objects_world.make(LogicalNetwork(namespace=namespace, name="net1", plugin="weave"))
    assert objects.logical_network(namespace, "net1") == network
    objects_world.delete(network)

    def gone() -> bool:
        try:
            objects.logical_network(namespace, "net1")
        except ObjectUnknown:
            return True
        return False

    soon(gone, "it is gone")
