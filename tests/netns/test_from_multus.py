"""What Multus attached by its configuration, genie attaches by the converted one: same interfaces, same networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cni.agent import main
from tests.support.node import addresses, links, node

pytestmark = pytest.mark.netns


def test_a_converted_configuration_attaches_as_multus_did(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        bridge = {"type": "bridge", "bridge": "br0", "isGateway": True, "ipam": here.host_local("10.61.0.0/24")}
        macvlan = {"type": "macvlan", "master": "eth2", "ipam": here.host_local("10.62.0.0/24")}
        delegates = [{"cniVersion": "0.4.0", "name": "cbr0", "plugins": [bridge]}, {**macvlan, "name": "storage"}]
        multus = {"cniVersion": "0.4.0", "name": "multus-cni-network", "type": "multus", "delegates": delegates}
        file = tmp_path / "00-multus.conf"
        file.write_text(json.dumps(multus))
        here.network("00-blue.conflist", {**bridge, "bridge": "br1", "ipam": here.host_local("10.63.0.0/24")})
        directory = str(here.conf_dir)
        assert main(["convert-multus", str(file), "--out", directory, "--conf-dir", directory]) == 0
        here.start()
        netconf = json.loads((here.conf_dir / "00-genie.conf").read_text())
        workload = here.workload()
        added = here.call(here.environment("ADD", workload, CNI_ARGS="IgnoreUnknown=1"), netconf)
        assert added.status == 0, added
        assert links(workload) == {"lo", "eth0", "net1"}
        assert [addresses(workload, name)[0][:6] for name in ("eth0", "net1")] == ["10.61.", "10.62."]
        assert here.call(here.environment("DEL", workload, CNI_ARGS="IgnoreUnknown=1"), netconf).status == 0
        assert (here.rows(), here.addresses_taken()) == ([], [])
