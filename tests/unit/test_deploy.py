"""The manifests that we ship: their settings are taken, and the pod has what these settings need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import cni.settings
from cni.agent import main

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "config/deploy/agent.yaml"


@pytest.fixture
def objects() -> dict[str, Any]:
    """By kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(MANIFEST.read_text())}


@pytest.fixture
def settings(objects: dict[str, Any], tmp_path: Path) -> cni.settings.Settings:
    file = tmp_path / "agent.yaml"
    file.write_text(objects["ConfigMap"]["data"]["agent.yaml"])
    return cni.settings.load(file, "n1")


def pod(objects: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = objects["DaemonSet"]["spec"]["template"]["spec"]
    return spec


def test_every_directory_of_the_settings_is_the_hosts(objects: dict[str, Any], settings: cni.settings.Settings) -> None:
    (agent,) = pod(objects)["containers"]
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod(objects)["volumes"] if "hostPath" in volume}
    mounts = {mount["mountPath"]: mount for mount in agent["volumeMounts"] if mount["name"] in paths}
    assert {path: paths[mount["name"]] for path, mount in mounts.items()} == {path: path for path in mounts}, (
        "same places"
    )
    assert settings.install is not None
    needed = [settings.conf_dir, settings.state, settings.del_spool, settings.socket.parent, settings.install.bin_dir]
    needed += [
        settings.install.conf_file.parent,
        *map(Path, settings.bin_dirs),
        Path("/run/netns"),
        Path("/var/lib/cni"),
    ]
    lacking = [str(path) for path in needed if not any(path.is_relative_to(mounted) for mounted in mounts)]
    assert lacking == []
    assert mounts["/run/netns"]["mountPropagation"] == "HostToContainer"
    assert mounts[str(settings.state)]["mountPropagation"] == "Bidirectional"
    assert agent["securityContext"]["privileged"], "Kubernetes allows Bidirectional to no other"


def test_the_pod_is_in_the_hosts_namespaces(objects: dict[str, Any], settings: cni.settings.Settings) -> None:
    assert pod(objects)["hostNetwork"]
    assert (str(settings.host_mount), pod(objects)["hostPID"]) == ("/proc/1/ns/mnt", True)
    assert objects["DaemonSet"]["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"] == 0
    probe = pod(objects)["containers"][0]["readinessProbe"]["httpGet"]
    assert f"{probe['host']}:{probe['port']}" == settings.metrics


def test_the_account_is_the_one_that_has_the_rights(objects: dict[str, Any]) -> None:
    rights = list(yaml.safe_load_all((ROOT / "config/deploy/rbac-agent.yaml").read_text()))
    (account,) = [each["metadata"] for each in rights if each["kind"] == "ServiceAccount"]
    assert pod(objects)["serviceAccountName"] == account["name"]
    assert {each["metadata"]["namespace"] for each in objects.values()} == {account["namespace"]}


def test_the_arguments_are_taken(objects: dict[str, Any], tmp_path: Path) -> None:
    (agent,) = pod(objects)["containers"]
    file = tmp_path / "agent.yaml"
    file.write_text(objects["ConfigMap"]["data"]["agent.yaml"])
    named = {each["name"]: "n1" for each in agent["env"] if "valueFrom" in each}
    arguments = [re.sub(r"\$\((\w+)\)", lambda found: named[found[1]], each) for each in agent["args"]]
    assert main([str(file) if each == "/etc/genie/agent.yaml" else each for each in arguments] + ["--check"]) == 0


def test_the_documented_settings_are_taken(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/installing.md").read_text(), re.DOTALL)
    file = tmp_path / "agent.yaml"
    file.write_text(f"node: n1\n{block}")
    assert cni.settings.load(file).install is not None
