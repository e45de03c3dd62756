"""From what was given to a connection: reads the files that it names, and again when one of them has changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cni.cluster import ClusterRefused
from cni.kube import kubeconfig, tls
from cni.kube.connection import Connection, refused
from cni.kube.files import Files
from cni.kube.given import Given

HOST_KEY = "KUBERNETES_SERVICE_HOST"
PORT_KEY = "KUBERNETES_SERVICE_PORT"

log = logging.getLogger(__name__)


class Source:
    """One way to a cluster, as it stands now. Its files may come late, and change: installers rewrite them."""

    def __init__(self, given: Given, account: Path, environment: Mapping[str, str]) -> None:
        self._given = given
        self._account = account
        self._environment = environment
        self._lock = threading.Lock()
        self._files = Files()
        self._last: Connection | None = None

    def connection(self) -> Connection:
        """The connection now; a changed file that is wrong leaves the last good one in force.

        Raises ClusterRefused as long as there has been no good one.
        """
        with self._lock:
            if self._last is not None and not self._files.changed():
                return self._last
            self._files = Files()
            try:
                self._last = self._read()
            except ClusterRefused as error:
                if self._last is None:
                    raise
                log.warning("changed connection refused", extra={"error": str(error), "used": "the former one"})
            return self._last

    def _read(self) -> Connection:
        given = self._given
        if given.kubeconfig is not None:
            base = kubeconfig.connection(given.kubeconfig, self._files)
        elif given.in_cluster:
            base = self._account_connection()
        else:
            base = Connection(server=given.server, source=given.source)
        found = self._overridden(base).check()
        tls.context(found)  # only tried: a certificate that cannot be used must not take a good one's place
        return found

    def _overridden(self, base: Connection) -> Connection:
        given = self._given
        if (given.server or given.token or given.certificate or given.authority) and base.source != given.source:
            base = replace(base, source=f"{given.source} and {base.source}")
        if given.server:
            base = replace(base, server=given.server)
        if given.token:
            base = replace(base, token=given.token, token_file=None)
        if given.certificate or given.key:
            base = replace(base, certificate=self._bytes(given.certificate), key=self._bytes(given.key))
        if given.authority:
            base = replace(base, authority=self._bytes(given.authority), insecure=False)
        return base

    def _account_connection(self) -> Connection:
        host, port = self._environment.get(HOST_KEY, ""), self._environment.get(PORT_KEY, "443")
        if not host:
            text = f"inCluster is set, but {HOST_KEY} is not: run the agent as a pod, or give a kubeconfig"
            raise refused(self._given.source, text)
        return Connection(
            server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            source=f"the service account in {self._account}",
            authority=self._bytes(self._account / "ca.crt"),
            token_file=self._account / "token",
        )

    def _bytes(self, path: Path | None) -> bytes:
        if path is None:
            return b""
        try:
            return self._files.read(path)
        except OSError as error:
            raise refused(self._given.source, str(error)) from error


def has_account(account: Path, environment: Mapping[str, str]) -> bool:
    """Whether this process runs in a pod that may use the API."""
    return bool(environment.get(HOST_KEY)) and (account / "token").is_file()
