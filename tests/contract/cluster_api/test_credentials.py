"""Ways in, on a real API server: tokens and their rotation, client certificates, and whom to trust."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from cni.cluster import ClusterRefused, Pod
from cni.kube import Clusters
from cni.settings import Kubernetes
from tests.contract.cluster_api.api_world import AGENT, ApiWorld
from tests.contract.cluster_api.test_pods import pod
from tests.support.cluster.credentials import Credentials

pytestmark = pytest.mark.cluster


@pytest.fixture
def made(api: ApiWorld, namespace: str) -> Pod:
    return api.make(pod(api, namespace))


def read(config: dict[str, Any], made: Pod) -> Pod:
    """The pod, by whom the netconf names."""
    clusters = Clusters(None, made.node, environment={})
    try:
        cluster = clusters.of(config)
        assert cluster is not None
        return cluster.pod(made.namespace, made.name, made.uid)
    finally:
        clusters.stop()


def changed(file: Path, part: str, **changes: Any) -> Path:
    """The kubeconfig with other fields in its cluster or user; None: none."""
    content = yaml.safe_load(file.read_text())
    entry = content[f"{part}s"][0][part]
    entry.update(changes)
    content[f"{part}s"][0][part] = {key: value for key, value in entry.items() if value is not None}
    file.write_text(yaml.safe_dump(content))
    return file


def test_a_netconf_with_a_token(api: ApiWorld, made: Pod) -> None:
    policy = {"k8s_auth_token": api.server.token(*AGENT), "k8s_certificate_authority": str(api.server.authority)}
    config = {"policy": policy, "kubernetes": {"k8s_api_root": f"{api.server.url}/api/v1/"}}
    assert read(config, made) == made


def test_a_netconf_with_a_client_certificate(api: ApiWorld, made: Pod) -> None:
    keys = api.server.credentials
    policy = {
        "k8s_api_root": api.server.url,
        "k8s_client_certificate": str(keys.certificate),
        "k8s_client_key": str(keys.key),
        "k8s_certificate_authority": str(keys.certificate),
    }
    assert read({"policy": policy}, made) == made
    with pytest.raises(ClusterRefused, match=r"Error building kubernetes client.*certificate or key cannot be used"):
        read({"policy": {**policy, "k8s_client_key": str(keys.certificate)}}, made)


def test_a_token_file_is_read_again_when_it_was_rotated(api: ApiWorld, made: Pod, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("expired")
    file = changed(api.kubeconfig(""), "user", tokenFile=str(token))
    cluster = api.connect_by(file)
    with pytest.raises(ClusterRefused, match=rf"the credentials of {file} \(401\)"):
        cluster.pod(made.namespace, made.name)
    token.write_text(api.server.token(*AGENT) + "\n")
    assert cluster.pod(made.namespace, made.name) == made
    token.unlink()
    with pytest.raises(ClusterRefused, match="the token cannot be read"):
        cluster.annotate(made, {"a": "b"})


def test_a_service_account_as_a_kubelet_mounts_it(api: ApiWorld, made: Pod, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(api.server.token(*AGENT))
    (tmp_path / "ca.crt").write_bytes(api.server.authority.read_bytes())
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.server.port)}
    clusters = Clusters(Kubernetes(), api.node, account=tmp_path, environment=environment)
    try:
        assert clusters.own is not None
        assert clusters.own.pod(made.namespace, made.name, made.uid) == made
        assert clusters.unsafe == ()
    finally:
        clusters.stop()


def test_a_server_of_another_authority_is_not_believed(api: ApiWorld, made: Pod, tmp_path: Path) -> None:
    other = Credentials.make(tmp_path / "other", ["127.0.0.1"], {})
    file = changed(
        api.kubeconfig(api.server.token(*AGENT)), "cluster", **{"certificate-authority": str(other.certificate)}
    )
    with pytest.raises(ClusterRefused, match="is not to be trusted: self-signed certificate") as caught:
        read({"kubernetes": {"kubeconfig": str(file)}}, made)
    assert str(caught.value).startswith(f"Error building kubernetes client: {file}")


@pytest.mark.parametrize(("name", "believed"), [("localhost", True), ("elsewhere.example", False)])
def test_the_name_in_the_servers_certificate_counts(api: ApiWorld, made: Pod, name: str, believed: bool) -> None:
    file = changed(api.kubeconfig(api.server.token(*AGENT)), "cluster", **{"tls-server-name": name})
    config = {"kubernetes": {"kubeconfig": str(file)}}
    if believed:
        assert read(config, made) == made
    else:
        with pytest.raises(ClusterRefused, match="Hostname mismatch"):
            read(config, made)


def test_without_verification_it_works_and_is_never_silent(
    api: ApiWorld, made: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    without = {"insecure-skip-tls-verify": True, "certificate-authority": None}
    file = changed(api.kubeconfig(api.server.token(*AGENT)), "cluster", **without)
    clusters = Clusters(None, api.node, environment={})
    with caplog.at_level(logging.WARNING):
        cluster = clusters.of({"kubernetes": {"kubeconfig": str(file)}})
        assert cluster is not None
        assert [cluster.pod(made.namespace, made.name) for _ in range(3)] == [made] * 3
    (warning,) = [record for record in caplog.records if record.message == "cluster connection is unsafe"]
    assert vars(warning)["source"] == str(file)
    (unsafe,) = clusters.unsafe
    assert unsafe.startswith(f"{file}: ")
    assert "not verified" in unsafe
    clusters.stop()
