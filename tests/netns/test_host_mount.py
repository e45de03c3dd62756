"""Delegates among the files of another mount namespace, as of the host when the agent runs in a container."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.node import Node, links, node, run
from tests.support.scripted import install_scripted

pytestmark = pytest.mark.netns


@contextmanager
def host(hidden: Path) -> Iterator[int]:
    """A process in a mount namespace of its own, where ``hidden`` is another file system; its number."""
    hidden.mkdir()
    # Only then namespaces that are named later are seen there too.
    run("ip", "netns", "add", "shared-from-now-on")
    run("ip", "netns", "del", "shared-from-now-on")
    command = ["unshare", "--mount", "--propagation", "slave", "sh", "-c"]
    script = f"mount -t tmpfs tmpfs {hidden} && echo ready && exec sleep 600"
    process = subprocess.Popen([*command, script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def on_host(pid: int, *command: str) -> str:
    done = subprocess.run(
        ["nsenter", f"--mount=/proc/{pid}/ns/mnt", *command], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Node, int]]:
    """A node whose plugin ``hidden`` exists on the host alone, and writes its log there."""
    hidden = tmp_path / "hidden"
    with host(hidden) as pid:
        extra = {"hostMount": f"/proc/{pid}/ns/mnt", "binDirs": [str(hidden), "/usr/lib/cni"]}
        with node(tmp_path, **extra) as made:
            program = install_scripted(tmp_path / "made", "hidden")
            on_host(pid, "cp", str(program), f"{hidden}/hidden")
            made.network(
                "10-blue.conflist",
                {"type": "bridge", "bridge": "br0", "ipam": made.host_local("10.1.0.0/24")},
                {"type": "hidden", "log": f"{hidden}/calls"},
            )
            made.start()
            yield made, pid


def test_plugins_are_found_and_run_on_the_host(here: tuple[Node, int]) -> None:
    made, pid = here
    workload = made.workload()
    added = made.genie("ADD", workload, "blue", CNI_PATH=f"{made.path}/hidden")
    assert added.status == 0, added
    assert links(workload) == {"lo", "eth0"}
    assert made.genie("CHECK", workload).status == 0
    assert made.genie("DEL", workload).status == 0
    assert (made.rows(), made.addresses_taken(), links(workload)) == ([], [], {"lo"})
    log = on_host(pid, "cat", f"{made.path}/hidden/calls")
    assert [
        f'"CNI_COMMAND": "{command}"' in line
        for command, line in zip(("ADD", "CHECK", "DEL"), log.splitlines(), strict=True)
    ]
    assert list((made.path / "hidden").iterdir()) == [], "the agent sees none of it"


def test_a_host_that_cannot_be_entered_is_told(tmp_path: Path) -> None:
    with node(tmp_path, hostMount="/proc/1/ns/net") as made:
        made.network("10-blue.conflist", {"type": "scripted"})
        made.start()
        failed = made.genie("ADD", made.workload(), "blue")
        assert failed.status == 1
        assert "plugins cannot be looked for" in failed.json["msg"]
        assert made.rows() == []
