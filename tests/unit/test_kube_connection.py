"""The way to a cluster: CNI-Genie's netconf, kubeconfigs, the service account; what is refused, what is unsafe."""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cni.cluster import ClusterRefused
from cni.kube import Clusters
from cni.kube.connection import Connection
from cni.kube.given import Given, of_netconf
from cni.kube.sources import Source
from cni.settings import Kubernetes
from tests.support.cluster.credentials import Credentials

IN_POD = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
GENIES_TEMPLATE = {
    "name": "k8s-pod-network",
    "cniVersion": "0.2.0",
    "type": "genie",
    "policy": {"type": "k8s", "k8s_auth_token": "netconf-token"},
    "kubernetes": {"k8s_api_root": "https://127.0.0.1:2/api/v1/"},
}


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Somebody."""
    return _identity(tmp_path_factory.mktemp("some"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Somebody else."""
    return _identity(tmp_path_factory.mktemp("other"))


def _identity(directory: Path) -> Identity:
    made = Credentials.make(directory / "keys", ["127.0.0.1"], {})
    return Identity(made.certificate.read_bytes(), made.key.read_bytes())


@pytest.fixture
def account(tmp_path: Path, some: Identity) -> Path:
    directory = tmp_path / "account"
    directory.mkdir()
    (directory / "token").write_text("pod-token\n")
    (directory / "ca.crt").write_bytes(some.certificate)
    return directory


def kubeconfig(path: Path, cluster: dict[str, Any], user: dict[str, Any], **top: Any) -> Path:
    content = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "other", "context": {}}, {"name": "it", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "it",
        **top,
    }
    path.write_text(yaml.safe_dump(content))
    return path


def connection(given: Given | None, account: Path = Path("/nowhere")) -> Connection:
    assert given is not None
    return Source(given, account, IN_POD).connection()


def test_genies_fields_are_read_and_its_api_root_is_cut(tmp_path: Path, some: Identity, other: Identity) -> None:
    for name, content in (("cert", some.certificate), ("key", some.key), ("ca", other.certificate)):
        (tmp_path / name).write_bytes(content)
    policy = {
        "k8s_api_root": "https://ignored:1",
        "k8s_auth_token": "t",
        "k8s_client_certificate": str(tmp_path / "cert"),
        "k8s_client_key": str(tmp_path / "key"),
        "k8s_certificate_authority": str(tmp_path / "ca"),
    }
    given = of_netconf({"policy": policy, "kubernetes": {"k8s_api_root": "https://10.0.0.1:443/api/v1/"}})
    assert connection(given) == Connection(
        server="https://10.0.0.1:443",
        source="the netconf",
        token="t",
        certificate=some.certificate,
        key=some.key,
        authority=other.certificate,
    )


@pytest.mark.parametrize(
    ("root", "server"),
    [
        ("https://10.0.0.1/api/", "https://10.0.0.1"),
        ("https://10.0.0.1/api", "https://10.0.0.1"),
        ("https://10.0.0.1/prefix/", "https://10.0.0.1/prefix"),
        ("10.0.0.1:6443", "https://10.0.0.1:6443"),
        (" ", ""),
    ],
)
def test_an_api_root_is_a_server(root: str, server: str) -> None:
    assert of_netconf({"policy": {"k8s_api_root": root}}).server == server


def test_the_netconfs_fields_override_its_kubeconfigs(tmp_path: Path, some: Identity) -> None:
    (tmp_path / "ca").write_bytes(some.certificate)
    file = kubeconfig(
        tmp_path / "k", {"server": "https://first:1", "insecure-skip-tls-verify": True}, {"tokenFile": "token"}
    )
    config = {
        "kubernetes": {"kubeconfig": str(file), "k8s_api_root": "https://second:2"},
        "policy": {"k8s_auth_token": "t", "k8s_certificate_authority": str(tmp_path / "ca")},
    }
    found = connection(of_netconf(config))
    assert (found.server, found.token, found.token_file) == ("https://second:2", "t", None)
    assert (found.authority, found.insecure, found.unsafe) == (some.certificate, False, "")
    assert found.source == f"the netconf and {file}"


def test_credentials_alone_are_for_the_agents_own_cluster(account: Path, some: Identity) -> None:
    own = Given(source="the agent's settings", in_cluster=True)
    found = connection(of_netconf({"policy": {"k8s_auth_token": "t"}}).beside(own), account)
    assert (found.server, found.token, found.token_file) == ("https://127.0.0.1:1", "t", None)
    assert found.authority == some.certificate
    with pytest.raises(ClusterRefused, match=r"credentials are given, but no cluster: add kubernetes\.kubeconfig"):
        of_netconf({"policy": {"k8s_auth_token": "t"}}).beside(None)


def test_the_agents_own_credentials_never_go_to_a_server_that_a_netconf_names(account: Path) -> None:
    own = Given(source="the agent's settings", in_cluster=True)
    found = connection(of_netconf({"kubernetes": {"k8s_api_root": "https://elsewhere"}}).beside(own), account)
    assert (found.server, found.has_credentials) == ("https://elsewhere", False)


def test_a_kubeconfig_is_read_with_what_lies_beside_it(tmp_path: Path, some: Identity, other: Identity) -> None:
    (tmp_path / "ca.pem").write_bytes(other.certificate)
    user = {
        "tokenFile": "token",
        "token": "older",
        "client-certificate-data": base64.b64encode(some.certificate).decode(),
        "client-certificate": "/not/read",
        "client-key-data": base64.b64encode(some.key).decode(),
    }
    cluster = {"server": "https://h:1/", "certificate-authority": "ca.pem", "tls-server-name": "api"}
    file = kubeconfig(tmp_path / "k", cluster, user)
    assert connection(Given(source="", kubeconfig=file)) == Connection(
        server="https://h:1",
        source=str(file),
        authority=other.certificate,
        server_name="api",
        token="older",
        token_file=tmp_path / "token",
        certificate=some.certificate,
        key=some.key,
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"current-context": None}, "current-context is missing"),
        ({"current-context": "gone"}, r"there is no context 'gone' in contexts \(there are: other, it\)"),
        ({"clusters": []}, r"there is no cluster 'c' in clusters \(there are: none\)"),
        ({"clusters": "c"}, "there is no cluster 'c'"),
        ({"users": None}, "there is no user 'u'"),
        ({"users": [{"name": "u", "user": {"exec": {"command": "aws"}}}]}, "user 'u' has exec, which is not supported"),
        ({"users": [{"name": "u", "user": {"as": "root"}}]}, "has as, which"),
        ({"users": [{"name": "u", "user": {"token": 7}}]}, "token must be a text"),
        ({"users": [{"name": "u", "user": {"client-key-data": "?"}}]}, "client-key-data is not base64"),
        ({"users": [{"name": "u", "user": {"client-key-data": "\u00e9"}}]}, "client-key-data is not base64"),
        ({"users": [{"name": "u", "user": {"client-key": "a\0b"}}]}, "cannot be read: embedded null byte"),
        ({"users": [{"name": "u", "user": {"client-key": "key.pem"}}]}, r"cannot be read: .*No such file.*key\.pem"),
        ({"clusters": [{"name": "c", "cluster": {"server": "h:1"}}]}, "the server 'h:1' is not like https://"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://h:x"}}]}, "cannot be: Port"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://a:b@h"}}]}, "is not like https://"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://h", "proxy-url": "socks5://p"}}]}, "proxy-url"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, "the server '' is not like"),
    ],
)
def test_a_bad_kubeconfig_is_named_with_what_to_do(tmp_path: Path, changes: dict[str, Any], text: str) -> None:
    file = kubeconfig(tmp_path / "k", {"server": "https://h"}, {"token": "t"}, **changes)
    with pytest.raises(ClusterRefused, match=text) as caught:
        connection(Given(source="", kubeconfig=file))
    assert str(caught.value).startswith(f"Error building kubernetes client: {file}: ")


@pytest.mark.parametrize("content", [b"a: [", b"[]", b"\xff\xfe\x00", b"7"])
def test_what_is_no_kubeconfig_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "k").write_bytes(content)
    with pytest.raises(ClusterRefused, match="Error building kubernetes client"):
        connection(Given(source="", kubeconfig=tmp_path / "k"))


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"kubernetes": []}, r"kubernetes must be an object, not \[\]"),
        ({"policy": "k8s"}, "policy must be an object"),
        ({"policy": {"k8s_auth_token": 7}}, "policy.k8s_auth_token must be a text"),
        ({"kubernetes": {"kubeconfig": "relative"}}, "kubernetes.kubeconfig: 'relative' is not an absolute path"),
    ],
)
def test_a_netconf_of_the_wrong_form_is_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(ClusterRefused, match=f"Error building kubernetes client: the netconf: {text}"):
        Clusters(None, "n1", environment={}).of(config)


@pytest.mark.parametrize(
    ("changes", "unsafe"),
    [
        ({"server": "https://h"}, ""),
        ({"server": "https://h", "insecure": True}, "not verified"),
        ({"server": "http://127.0.0.1:8001", "token": "t"}, ""),
        ({"server": "http://localhost:8001", "insecure": True}, ""),
        ({"server": "http://[::1]:8001"}, ""),
        ({"server": "http://10.0.0.1:8080"}, "everything can be read"),
    ],
)
def test_what_is_unsafe_is_said(changes: dict[str, Any], unsafe: str) -> None:
    found = Connection(source="a test", **changes).check().unsafe
    assert (unsafe in found) if unsafe else found == ""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"server": "http://10.0.0.1", "token": "t"}, "credentials would go to http://10.0.0.1 in clear: use https"),
        ({"server": "http://h", "token_file": Path("/t")}, "in clear"),
        ({"server": "https://h", "certificate": b"c"}, "the client's key is missing"),
        ({"server": "https://h", "key": b"k"}, "the client's certificate is missing"),
        ({"server": "ftp://h"}, "is not like"),
        ({"server": "https:///x"}, "is not like"),
    ],
)
def test_what_no_session_should_be_opened_with_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ClusterRefused, match=text):
        Connection(source="a test", **changes).check()


def test_secrets_are_in_no_text() -> None:
    found = Connection(server="https://h", source="s", token="secret", certificate=b"secret", key=b"secret")
    given = of_netconf({"policy": {"k8s_auth_token": "secret"}})
    assert "secret" not in f"{found!r} {given!r}"


def test_a_changed_kubeconfig_counts_and_a_wrong_one_leaves_the_former(
    tmp_path: Path, some: Identity, other: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    file, authority = tmp_path / "k", tmp_path / "ca"
    source = Source(Given(source="", kubeconfig=file), Path("/nowhere"), {})
    with pytest.raises(ClusterRefused, match="No such file"):
        source.connection()
    authority.write_bytes(some.certificate)
    kubeconfig(file, {"server": "https://a", "certificate-authority": "ca"}, {})
    first = source.connection()
    assert (first.server, first.authority) == ("https://a", some.certificate)
    assert source.connection() is first  # nothing has changed: nothing is read
    authority.write_bytes(other.certificate)
    assert source.connection().authority == other.certificate
    with caplog.at_level(logging.WARNING):
        authority.write_bytes(b"half a certifi")
        assert [source.connection().authority for _ in range(3)] == [other.certificate] * 3
        file.write_text("clusters: [")
        assert [source.connection().server for _ in range(3)] == ["https://a"] * 3
    assert [record.message for record in caplog.records] == ["changed connection refused"] * 2  # once for each change
    kubeconfig(file, {"server": "https://b"}, {})
    assert source.connection().server == "https://b"


def test_the_service_account_of_a_pod_is_the_last_resort(account: Path) -> None:
    clusters = Clusters(Kubernetes(), "n1", account=account, environment=IN_POD)
    try:
        assert clusters.own is not None
        assert clusters.of({"name": "pods", "type": "genie", "kubernetes": {"kubeconfig": ""}}) is clusters.own
    finally:
        clusters.stop()
    found = connection(Given(source="", in_cluster=True), account)
    assert (found.server, found.token_file) == ("https://127.0.0.1:1", account / "token")
    of_ipv6 = Source(Given(source="", in_cluster=True), account, {**IN_POD, "KUBERNETES_SERVICE_HOST": "fd00::1"})
    assert of_ipv6.connection().server == "https://[fd00::1]:1"


@pytest.mark.parametrize(
    ("own", "environment"),
    [(None, IN_POD), (Kubernetes(), {}), (Kubernetes(in_cluster=False), IN_POD)],
    ids=["no cluster is wanted", "in no pod", "not even in a pod"],
)
def test_there_may_be_no_cluster(account: Path, own: Kubernetes | None, environment: dict[str, str]) -> None:
    clusters = Clusters(own, "n1", account=account, environment=environment)
    assert clusters.own is None
    assert clusters.of({"name": "pods", "type": "genie"}) is None
    assert clusters.unsafe == ()


def test_without_an_account_a_pods_settings_are_refused_when_they_are_used(tmp_path: Path) -> None:
    clusters = Clusters(Kubernetes(in_cluster=True), "n1", account=tmp_path, environment={})
    try:
        assert clusters.own is not None
        with pytest.raises(ClusterRefused, match=r"Error building kubernetes client.*KUBERNETES_SERVICE_HOST is not"):
            clusters.own.pod("shop", "web-0")
    finally:
        clusters.stop()


def test_equal_ways_share_one_cluster_and_few_are_kept(account: Path) -> None:
    clusters = Clusters(Kubernetes(kubeconfig=Path("/nowhere/k")), "n1", account=account, environment=IN_POD)
    try:
        assert clusters.of({"kubernetes": {"kubeconfig": "/nowhere/k"}}) is clusters.own
        first = clusters.of(GENIES_TEMPLATE)
        assert first is not None
        assert first is not clusters.own
        assert clusters.of({**GENIES_TEMPLATE, "cniVersion": "1.0.0"}) is first
        for number in range(3):
            clusters.of({"kubernetes": {"k8s_api_root": f"https://127.0.0.1:{number + 10}"}})
        assert clusters.of(GENIES_TEMPLATE) is not first  # the one asked for longest ago has made room
    finally:
        clusters.stop()
