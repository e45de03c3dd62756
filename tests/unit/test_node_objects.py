"""The node's objects from files: refused whole with every problem, the last good content kept."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from cni.cluster import LogicalNetwork, ObjectUnknown, PhysicalNetwork, Requirement, Uplink
from cni.objects import DirectoryObjects
from cni.objects.files import FileRefused, read

GENIES_OWN = """
apiVersion: alpha.network.k8s.io/v1
kind: Logicalnetwork
metadata: {name: net1}
spec: {physicalNet: phy1, sub_subnet: 10.1.2.0/24}
---
apiVersion: alpha.network.k8s.io/v1
kind: Physicalnetwork
metadata: {name: phy1, namespace: shop}
spec: {refer_nic: eth1, sharedStatus: {plugin: bridge, subnet: fd00:1::/64, dedicatedNet: true}}
"""
BROKEN = """
apiVersion: alpha.network.k8s.io/v2
kind: LogicalNetwork
metadata: {name: net1}
spec: {physicalnet: phy1, sub_subnet: 10.1.2.3/24, plugin: 7}
---
kind: Logicalnetworks
---
just a text
---
apiVersion: alpha.network.k8s.io/v1
kind: PhysicalNetwork
metadata: {namespace: 3}
spec:
  refer_nic: "a/b"
  sharedStatus: {dedicatedNet: "true", subnet: 10.1.0.0}
  uplinks:
  - nodeSelector: {matchLabels: [a], matchExpressions: [{operator: Is}, {key: a, operator: In}]}
  - nic
---
apiVersion: v1
kind: List
items:
- {apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: a}, spec: {config: "[]"}}
- {apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: b}, spec: [x]}
"""
PROBLEMS = [
    "document 1: apiVersion: 'alpha.network.k8s.io/v2' must be alpha.network.k8s.io/v1 for a LogicalNetwork",
    "document 1: spec.sub_subnet: '10.1.2.3/24' is an address, no subnet: write 10.1.2.0/24",
    'document 1: spec.plugin: 7 must be a text: write "7" in quotes',
    "document 1: spec.physicalnet: unknown field; did you mean physicalNet?",
    "document 2: kind: 'Logicalnetworks' is not for the node; did you mean LogicalNetwork?",
    "document 3: 'just a text' is no object: it needs apiVersion, kind, metadata and spec",
    "document 4: metadata.name: '' is no name",
    "document 4: metadata.namespace: 3 is no name",
    "document 4: spec.refer_nic: 'a/b' is no interface name: at most 15 characters, no blank, slash or colon",
    "document 4: spec.sharedStatus.subnet: '10.1.0.0' is an address, no subnet: write 10.1.0.0/32",
    "document 4: spec.sharedStatus.dedicatedNet: 'true' must be true or false, without quotes",
    "document 4: spec.uplinks[0].nodeSelector.matchLabels: ['a'] must be a mapping of texts, such as {app: web}",
    "document 4: spec.uplinks[0].nodeSelector.matchExpressions[0].key: is missing: name a label",
    "document 4: spec.uplinks[0].nodeSelector.matchExpressions[0].operator: 'Is' must be one of "
    "In, NotIn, Exists, DoesNotExist",
    "document 4: spec.uplinks[0].nodeSelector.matchExpressions[1].values: belong to In and NotIn, and to these alone",
    "document 4: spec.uplinks[0].refer_nic: is missing: name the interface that these nodes have",
    "document 4: spec.uplinks[1]: 'nic' must be a mapping of fields",
    "document 4: spec.uplinks[1].refer_nic: is missing: name the interface that these nodes have",
    "document 5: items[0]: spec.config: must be a JSON object: a CNI configuration or list",
    "document 5: items[1]: spec: ['x'] must be a mapping of fields",
]


def network(plugin: str, name: str = "net1") -> str:
    return f"""{{apiVersion: alpha.network.k8s.io/v1, kind: LogicalNetwork, metadata: {{name: {name}, namespace: shop}},
        spec: {{plugin: {plugin}}}}}"""


@pytest.mark.parametrize(
    "place", ["kind: %s", "apiVersion: %s", "metadata: {name: %s}", "metadata: %s", "spec: {plugin: %s}"]
)
def test_what_comes_to_millions_of_times_its_text_is_refused_in_a_moment(tmp_path: Path, place: str) -> None:
    lines = {
        "apiVersion": "apiVersion: alpha.network.k8s.io/v1",
        "kind": "kind: LogicalNetwork",
        "metadata": "metadata: {name: a}",
        "spec": "spec: {}",
        place.partition(":")[0]: place % "*i",
    }
    aliases = [
        f"{'abcdefghi'[n]}: &{'abcdefghi'[n]} [{', '.join(['*' + 'abcdefghi'[n - 1] if n else 'x'] * 9)}]"
        for n in range(9)
    ]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join([*aliases, *lines.values()]))
    started = time.monotonic()
    with pytest.raises(FileRefused) as caught:
        read(file)
    assert time.monotonic() - started < 5
    assert len(str(caught.value)) < 100_000


def test_genies_own_spellings_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GENIES_OWN)
    objects = DirectoryObjects(tmp_path)
    assert objects.logical_network("default", "net1") == LogicalNetwork(
        namespace="default", name="net1", physical_net="phy1", sub_subnet="10.1.2.0/24"
    )
    assert objects.physical_network("shop", "phy1") == PhysicalNetwork(
        namespace="shop", name="phy1", refer_nic="eth1", plugin="bridge", subnet="fd00:1::/64", dedicated=True
    )


def test_every_problem_is_told_with_its_document_and_path(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BROKEN)
    with pytest.raises(FileRefused) as caught:
        read(tmp_path / "a.yaml")
    assert list(caught.value.problems) == PROBLEMS


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\xff", b"[" * 5000, b"a: !!python/object:os.system {}"])
def test_what_is_no_yaml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(FileRefused):
        read(tmp_path / "a.yaml")


def test_an_object_twice_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{network('a')}\n---\n{network('b')}")
    with pytest.raises(FileRefused, match="document 2: LogicalNetwork shop/net1 is there twice"):
        read(tmp_path / "a.yaml")


def test_the_controllers_own_kinds_may_lie_beside(tmp_path: Path) -> None:
    text = "{apiVersion: switcher.genie.io/v1alpha1, kind: Tariff, metadata: {name: t}, spec: {}}"
    (tmp_path / "a.yaml").write_text(f"{text}\n---\n{network('weave')}\n---\n")
    assert DirectoryObjects(tmp_path).logical_network("shop", "net1").plugin == "weave"


def test_the_last_good_content_of_a_file_stays_in_force(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(network("weave"))
    objects = DirectoryObjects(tmp_path)
    assert objects.logical_network("shop", "net1").plugin == "weave"
    file.write_text(network("[1]"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert objects.logical_network("shop", "net1").plugin == "weave"
    (record,) = caplog.records  # once, not at each question
    assert vars(record)["file"] == str(file)
    assert "spec.plugin" in str(vars(record)["problems"])
    with pytest.raises(ObjectUnknown, match=r"a\.yaml: document 1: spec\.plugin"):
        objects.logical_network("shop", "other")
    file.write_text(network("bridge"))
    assert objects.logical_network("shop", "net1").plugin == "bridge"


def test_a_bad_file_does_not_hurt_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yml").write_text(network("weave"))
    (tmp_path / "c.json").write_text("{}")
    (tmp_path / ".hidden.yaml").write_text(network("hidden", "hidden"))
    (tmp_path / "notes.txt").write_text(network("text", "text"))
    assert [each.name for each in DirectoryObjects(tmp_path).logical_networks()] == ["net1"]


def test_of_two_files_with_one_object_the_first_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "b.yaml").write_text(network("second"))
    (tmp_path / "a.yaml").write_text(network("first"))
    objects = DirectoryObjects(tmp_path)
    assert objects.logical_network("shop", "net1").plugin == "first"
    assert "object given twice" in caplog.text
    (tmp_path / "a.yaml").unlink()
    assert objects.logical_network("shop", "net1").plugin == "second"


def test_a_directory_may_come_later_and_go(tmp_path: Path) -> None:
    directory = tmp_path / "objects"
    objects = DirectoryObjects(directory)
    assert list(objects.attachment_definitions()) == []
    with pytest.raises(ObjectUnknown, match="No such file or directory"):
        objects.physical_network("shop", "phy1")
    directory.mkdir()
    (directory / "a.yaml").write_text(network("weave"))
    assert objects.logical_network("shop", "net1").plugin == "weave"
    directory.rename(tmp_path / "away")
    assert objects.logical_network("shop", "net1").plugin == "weave"


@pytest.mark.parametrize(
    ("requirement", "labels", "holds"),
    [
        (Requirement(key="a", operator="In", values=("1", "2")), {"a": "2"}, True),
        (Requirement(key="a", operator="In", values=("1",)), {}, False),
        (Requirement(key="a", operator="NotIn", values=("1",)), {"a": "1"}, False),
        (Requirement(key="a", operator="NotIn", values=("1",)), {}, True),
        (Requirement(key="a", operator="Exists"), {"a": ""}, True),
        (Requirement(key="a", operator="Exists"), {}, False),
        (Requirement(key="a", operator="DoesNotExist"), {}, True),
        (Requirement(key="a", operator="DoesNotExist"), {"a": ""}, False),
    ],
)
def test_an_uplink_is_selected_as_kubernetes_does_it(
    requirement: Requirement, labels: dict[str, str], holds: bool
) -> None:
    assert Uplink(refer_nic="eth0", requirements=(requirement,)).selects(labels) is holds
    assert not Uplink(refer_nic="eth0", requirements=(requirement,), node_selector={"b": "1"}).selects(labels)
    assert Uplink(refer_nic="eth0").selects(labels)
