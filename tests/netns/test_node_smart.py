"""A blank ``cni`` annotation through the real binary and agent: the choice is attached, and never what cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.node import Node, addresses, node, run

pytestmark = pytest.mark.netns


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    """Two networks on an uplink that is up, one of them with a single address."""
    with node(tmp_path) as made:
        bridge = {"type": "bridge", "isGateway": True}
        keys = {"switcher.genie.io/physical-network": "phynet0"}
        small = {
            "type": "host-local",
            "ranges": [[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.9", "rangeEnd": "10.1.0.9"}]],
        }
        made.network(
            "10-small.conflist",
            {**bridge, "bridge": "br0", "ipam": {**small, "dataDir": str(tmp_path / "ipam")}},
            **keys,
        )
        made.network("20-wide.conflist", {**bridge, "bridge": "br1", "ipam": made.host_local("10.2.0.0/24")}, **keys)
        made.network("30-absent.conflist", {"type": "nobody-has-this"}, **keys)
        made.start()
        yield made


def test_E5_what_is_chosen_is_installed_and_has_an_address(here: Node) -> None:
    given = []
    for _ in range(4):
        workload = here.workload()
        added = here.genie("ADD", workload, " ")
        assert added.status == 0, added
        given += addresses(workload, "eth0")
    assert given.count("10.1.0.9/24") <= 1, "the small network has one address"
    assert len([address for address in given if address.startswith("10.2.0.")]) >= 3


def test_the_last_address_is_given_once_and_then_the_next_network(here: Node) -> None:
    only_small = json.dumps({"cni": "", "switcher.genie.io/questionnaire": json.dumps({"networks": ["small"]})})
    first, second = here.workload(), here.workload()
    assert here.genie("ADD", first, CNI_ARGS=f"K8S_ANNOT={only_small}").status == 0
    refused = here.genie("ADD", second, CNI_ARGS=f"K8S_ANNOT={only_small}")
    assert refused.status != 0
    assert refused.json["code"] == 11, "an address may come back: try again later"
    assert "NoAddress" in refused.json["details"]
    assert here.genie("DEL", first).status == 0
    assert here.genie("ADD", second, CNI_ARGS=f"K8S_ANNOT={only_small}").status == 0


def test_a_network_whose_uplink_is_down_is_passed_over(here: Node) -> None:
    here.network("40-other.conflist", {"type": "bridge", "bridge": "br2", "ipam": here.host_local("10.4.0.0/24")})
    run("ip", "-n", here.name, "link", "set", "eth2", "down")
    workload = here.workload()
    added = here.genie("ADD", workload, "")
    assert added.status == 0, added
    assert addresses(workload, "eth0")[0].startswith("10.4.0.")


def test_a_bad_questionnaire_is_refused_whole(here: Node) -> None:
    asked = json.dumps({"cni": "", "switcher.genie.io/questionnaire": '{"maxLatencyy": "5ms"}'})
    refused = here.genie("ADD", here.workload(), CNI_ARGS=f"K8S_ANNOT={asked}")
    assert refused.status != 0
    assert refused.json["code"] == 4
    assert "maxLatency" in refused.stdout.decode()
    assert here.rows() == []
