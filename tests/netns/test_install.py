"""The agent installs genie when its default network is ready, keeps it there, and takes it away when asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.node import Node, node
from tests.support.scripted import install_scripted
from tests.support.shim import ROOT, build_genie

pytestmark = pytest.mark.netns

CONF = {"cniVersion": "1.1.0", "name": "pods", "type": "genie"}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    """A node whose agent installs into ``opt`` and ``net.d``; it is not started yet."""
    bin_dir, conf_dir = tmp_path / "opt", tmp_path / "net.d"
    bin_dir.mkdir()
    plan = {"binary": str(build_genie()), "binDir": str(bin_dir), "conf": CONF, "confFile": f"{conf_dir}/00-genie.conf"}
    with node(tmp_path, install=plan) as made:
        yield made


def conf(here: Node) -> Path:
    return here.conf_dir / "00-genie.conf"


def binary(here: Node) -> Path:
    return here.path / "opt/genie"


def uninstall(here: Node, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cni.agent", "uninstall", "--config", str(here.path / "agent.yaml"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_N16_the_configuration_waits_for_the_default_network(here: Node) -> None:
    here.start()
    here.until(binary(here).exists, "the binary is installed at once")
    assert binary(here).read_bytes() == build_genie().read_bytes()
    assert binary(here).stat().st_mode & 0o777 == 0o755
    assert not conf(here).exists(), "no network is configured"
    here.network("10-blue.conflist", {"type": "late"})
    time.sleep(1.5)
    assert not conf(here).exists(), "its plugin is not installed"
    waiting = [line for line in (here.path / "agent.log").read_text().splitlines() if "not installed yet" in line]
    assert len(waiting) == 2, "each reason is told once"
    install_scripted(here.path / "bin", "late")
    here.until(conf(here).exists, "it is installed")
    assert json.loads(conf(here).read_text()) == CONF
    assert conf(here).stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in here.conf_dir.iterdir()) == ["00-genie.conf", "10-blue.conflist"]
    assert here.about_node("STATUS").status == 0
    assert here.stop() == 0
    assert conf(here).exists(), "it stays while the agent is away"
    assert here.about_node("STATUS").json["code"] == 50, "which STATUS tells"


def test_N16_a_default_network_that_says_it_is_not_ready_is_waited_for(here: Node) -> None:
    down = {"type": "scripted", "status": {"exit": 1, "print": '{"cniVersion":"1.1.0","code":50,"msg":"not yet"}'}}
    here.network("10-blue.conflist", down, cniVersion="1.1.0")
    here.start()
    here.until(binary(here).exists, "the agent installs")
    time.sleep(1.5)
    assert not conf(here).exists()
    here.network("10-blue.conflist", {"type": "scripted"}, cniVersion="1.1.0")
    here.until(conf(here).exists, "it is installed")


def test_a_binary_that_runs_is_replaced_and_goes_on(here: Node) -> None:
    old = binary(here)
    shutil.copy("/bin/sleep", old)
    running = subprocess.Popen([old, "60"])
    try:
        with pytest.raises(OSError, match="Text file busy"):
            old.open("wb")
        before = old.stat().st_ino
        here.start()
        here.until(lambda: old.stat().st_ino != before, "it is replaced")
        assert old.read_bytes() == build_genie().read_bytes()
        assert running.poll() is None
        assert [path.name for path in old.parent.iterdir()] == ["genie"]
    finally:
        running.kill()
        running.wait()


def test_what_is_there_already_is_left_alone_and_what_is_other_is_put_right(here: Node) -> None:
    here.network("10-blue.conflist", {"type": "scripted"})
    here.start()
    here.until(conf(here).exists, "it is installed")
    before = (conf(here).stat().st_ino, binary(here).stat().st_ino)
    here.stop()
    here.start()
    time.sleep(1.5)
    assert (conf(here).stat().st_ino, binary(here).stat().st_ino) == before
    here.stop()
    conf(here).write_text("{}")
    binary(here).chmod(0o600)
    here.start()
    here.until(lambda: conf(here).read_text() != "{}", "the configuration is as the settings say")
    assert os.access(binary(here), os.X_OK)


def test_uninstall_waits_for_the_last_workload(here: Node) -> None:
    here.network("10-blue.conflist", {"type": "bridge", "bridge": "br0", "ipam": here.host_local("10.1.0.0/24")})
    here.start()
    here.until(conf(here).exists, "it is installed")
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    refused = uninstall(here)
    assert refused.returncode == 1
    assert f"still attached (end or drain them, or --force): lab/{workload}" in refused.stderr
    assert conf(here).exists()
    assert here.genie("DEL", workload).status == 0
    done = uninstall(here)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{conf(here)}: removed", f"{binary(here)}: removed"]
    again = uninstall(here)
    assert again.returncode == 0
    assert again.stdout.splitlines() == [f"{conf(here)}: was not there", f"{binary(here)}: was not there"]
    time.sleep(1.5)
    assert not conf(here).exists(), "the running agent leaves it so"
    here.stop()
    here.start()
    here.until(conf(here).exists, "the next one installs anew")


def test_uninstall_by_force_says_what_it_leaves(here: Node) -> None:
    here.network("10-blue.conflist", {"type": "bridge", "bridge": "br0", "ipam": here.host_local("10.1.0.0/24")})
    here.start()
    here.until(conf(here).exists, "it is installed")
    workload = here.workload()
    assert here.genie("ADD", workload, "blue").status == 0
    here.stop()
    conf(here).write_text(json.dumps({"name": "x", "type": "bridge"}))
    forced = uninstall(here, "--force")
    assert forced.returncode == 0
    assert f"left without genie, their addresses and links stay: lab/{workload}" in forced.stderr
    assert forced.stdout.splitlines() == [f"{conf(here)}: not genie's, left", f"{binary(here)}: removed"]


def test_nothing_to_uninstall_is_bad_usage(tmp_path: Path) -> None:
    with node(tmp_path) as plain:
        plain.start()
        assert uninstall(plain).returncode == 2
