"""What a cluster takes of the machine, and gives back: even when it is killed, and when it is kept to play with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.cluster.boot import powerless
from tests.support.cluster.kubelet import TUNABLES
from tests.support.cluster.place import cgroups, claimed, covered, hierarchies
from tests.support.cluster.programs import ROOT, UnavailableError, kubernetes

OWNER = """
import sys
from tests.support.cluster.place import cgroups, claimed
with claimed("gs-test-") as directory, cgroups(directory.name):
    print(directory, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def powerful() -> None:
    if (lack := powerless()) is not None:
        pytest.skip(lack)


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def test_the_next_owner_removes_what_a_killed_one_left(owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    left = Path(owner.stdout.readline().strip())
    assert all((hierarchy / left.name).is_dir() for hierarchy in hierarchies())
    with claimed("gs-test-"):
        assert left.is_dir(), "its owner lives"
    owner.kill()
    owner.wait()
    with claimed("gs-test-") as directory, cgroups(directory.name):
        assert not left.exists()
        assert not any((hierarchy / left.name).exists() for hierarchy in hierarchies())
    assert not directory.exists()
    assert not any((hierarchy / directory.name).exists() for hierarchy in hierarchies())


BESIDE = """
import sys
from pathlib import Path
from tests.support.cluster.place import claimed, covered, mounts_below
place = Path(sys.argv[1])
with claimed("gs-test-") as directory:
    (directory / "own").mkdir()
    sys.stdin.readline()
    with covered(place, directory / "own"):
        print(directory, flush=True)
        sys.stdin.readline()
        print(mounts_below(place.parent), flush=True)
"""


def test_what_one_covers_stays_when_another_ends(tmp_path: Path) -> None:
    """A directory that is removed is unmounted everywhere, also where another cluster has covered it."""
    place = tmp_path / "covered"
    beside = subprocess.Popen(
        ["unshare", "--mount", sys.executable, "-c", BESIDE, str(place)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert beside.stdin is not None
    assert beside.stdout is not None
    with claimed("gs-test-") as directory:
        (directory / "own").mkdir()
        with covered(place, directory / "own"):
            beside.stdin.write("cover\n")
            beside.stdin.flush()
            assert Path(beside.stdout.readline().strip()).is_dir()
    told, _ = beside.communicate("end\n")
    assert str(place) in told


@pytest.fixture
def tools(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which a kept cluster is this test's own."""
    try:
        built = kubernetes()
    except UnavailableError as error:
        pytest.skip(str(error))
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "KUBEBUILDER_ASSETS": str(built)}


def test_a_kept_cluster_leaves_the_machine_as_it_was(tools: Mapping[str, str]) -> None:
    def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "tools/cluster"), *arguments]
        return subprocess.run(command, env=tools, capture_output=True, text=True, check=False, timeout=120)

    before = machine()
    assert tool("status").returncode == 1
    up = tool("up")
    assert (up.returncode, "Ready" in up.stdout) == (0, True), up.stderr
    try:
        assert "created" in tool("kubectl", "create", "namespace", "kept").stdout
        assert "kept" in tool("kubectl", "get", "namespaces").stdout
        assert tool("up").stdout.splitlines()[0] == tool("status").stdout.splitlines()[0], "not a second one"
        assert machine() != before
        directory = Path(up.stdout.split()[1])
        assert all(place.exists() for place in places(directory))
    finally:
        assert tool("down").returncode == 0
    assert machine() == before
    assert not any(place.exists() for place in places(directory))
    assert tool("down").returncode == 0


def places(directory: Path) -> list[Path]:
    """What the cluster in that directory has of the machine; other clusters may run beside it."""
    return [directory, *(hierarchy / directory.name for hierarchy in hierarchies())]


def machine() -> Mapping[str, object]:
    """What is common to all clusters of the machine, or visible from this sandbox alone."""
    return {
        "tunables": [tunable.read_text() for tunable in TUNABLES],
        "mounts": Path("/proc/self/mountinfo").read_text().count("\n"),
        "programs": sorted(_running("kubelet") | _running("containerd") | _running("etcd")),
    }


def _running(program: str) -> set[int]:
    found = subprocess.run(["pgrep", "-x", program], check=False, capture_output=True, text=True).stdout
    return set(map(int, found.split()))
