"""An API server and its etcd: all that a test of an API client needs, in three seconds."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.cluster.component import Component, answers
from tests.support.cluster.credentials import ADMINISTRATORS, Credentials
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.place import claimed
from tests.support.cluster.programs import ROOT, kubernetes

CRDS = ROOT / "config/crds"
PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
SERVICES = "10.96.0.0/24"
NOWHERE = "192.0.2.1"
"""Told to clients inside pods (RFC 5737); an API server on a loopback address has none for them."""


@dataclass
class ApiServer:
    """RBAC is on. ``etcd`` and ``server`` can be stopped and started; the port and the data stay."""

    directory: Path
    address: str = "127.0.0.1"
    port: int = 0
    """0: some free one."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Users beside ``admin``, each with its group; ``credentials.tokens`` has their tokens."""
    options: tuple[str, ...] = ("--disable-admission-plugins=ServiceAccount",)
    """Alone, nobody makes a namespace's default service account, without which pods would be refused."""

    def __post_init__(self) -> None:
        programs = kubernetes(*PROGRAMS)
        self.port = self.port or _free_port(self.address)
        users = {"admin": ADMINISTRATORS, **self.users}
        self.credentials = Credentials.make(self.directory / "credentials", [self.address, "127.0.0.1"], users)
        self.kubeconfig = self.kubeconfig_of_user("admin")
        self.kubectl = Kubectl(programs / "kubectl", self.kubeconfig)
        self.etcd = self._etcd(programs)
        self.server = self._server(programs)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://{self.address}:{self.port}"

    @property
    def authority(self) -> Path:
        """The certificate that its clients trust."""
        return self.credentials.certificate

    def start(self) -> None:
        """Starts both."""
        self.etcd.start()
        self.server.start()

    def stop(self) -> None:
        """Stops both, at once: nothing of theirs is kept."""
        self.server.kill()
        self.etcd.kill()

    def kubeconfig_of_user(self, user: str) -> Path:
        """The kubeconfig of ``admin`` or one of ``users``."""
        name = user.replace(":", "-")
        return self.credentials.kubeconfig(name, self.url, self.credentials.tokens[user])

    def token(self, service_account: str, namespace: str = "default") -> str:
        """A real token of a service account, good for an hour."""
        return self.kubectl("create", "token", service_account, "-n", namespace).strip()

    def kubeconfig_of(self, service_account: str, namespace: str = "default") -> Path:
        """A kubeconfig with such a token."""
        token = self.token(service_account, namespace)
        return self.credentials.kubeconfig(f"{namespace}-{service_account}", self.url, token, namespace)

    def install_crds(self) -> None:
        """The kinds of ``config/crds``, ready for use."""
        self.kubectl.apply(*sorted(CRDS.glob("*.yaml")))
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")

    def _etcd(self, programs: Path) -> Component:
        data, clients, peers = (self.directory / name for name in ("etcd", "etcd.sock", "peers.sock"))
        command = [
            str(programs / "etcd"),
            "--unsafe-no-fsync",
            f"--data-dir={data}",
            f"--listen-client-urls=unix://{clients}",
            f"--advertise-client-urls=unix://{clients}",
            f"--listen-peer-urls=unix://{peers}",
            f"--initial-advertise-peer-urls=unix://{peers}",
            f"--initial-cluster=default=unix://{peers}",
            "--log-level=warn",
        ]
        return Component("etcd", command, self.directory / "etcd.log", clients.is_socket)

    def _server(self, programs: Path) -> Component:
        keys = self.credentials
        command = [
            str(programs / "kube-apiserver"),
            f"--etcd-servers=unix://{self.directory / 'etcd.sock'}",
            f"--bind-address={self.address}",
            f"--secure-port={self.port}",
            f"--advertise-address={NOWHERE if self.address.startswith('127.') else self.address}",
            "--endpoint-reconciler-type=none",
            f"--service-cluster-ip-range={SERVICES}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--tls-cert-file={keys.certificate}",
            f"--tls-private-key-file={keys.key}",
            f"--client-ca-file={keys.certificate}",
            f"--token-auth-file={keys.token_file}",
            f"--kubelet-client-certificate={keys.certificate}",
            f"--kubelet-client-key={keys.key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={keys.certificate}",
            f"--service-account-signing-key-file={keys.key}",
            "--profiling=false",
            *self.options,
        ]
        ready = answers(f"{self.url}/readyz", self.authority)
        # It waits for open watches up to a minute, and the kubelet always has some.
        return Component("kube-apiserver", command, self.directory / "kube-apiserver.log", ready, stop_seconds=3)


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """An API server on a loopback port until the end of the block. Raises UnavailableError where none can run."""
    kubernetes(*PROGRAMS)
    with claimed("gs-api-") as directory:
        server = ApiServer(directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
    return port
