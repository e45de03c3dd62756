"""Who is who in a cluster: one key, one certificate, a token for each component.

The certificate signs itself, so that it is its own authority: the API server serves with it, everybody trusts it, and
the API server shows it to the kubelet. Its key signs service accounts' tokens too. In a cluster that lives on one
machine for minutes more keys would guard nothing. ``openssl`` makes it: every machine has that (ca-certificates
needs it), and one call is all that we want of a library.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.cluster.programs import installed

ADMINISTRATORS = "system:masters"


@dataclass(frozen=True)
class Credentials:
    """The files in a directory; use :meth:`make`."""

    directory: Path
    tokens: Mapping[str, str]
    """By user."""

    @property
    def key(self) -> Path:
        """The private key, PEM."""
        return self.directory / "key.pem"

    @property
    def certificate(self) -> Path:
        """The certificate of that key, PEM; as a client's it is an administrator's."""
        return self.directory / "certificate.pem"

    @property
    def token_file(self) -> Path:
        """The API server's list of tokens, users and groups."""
        return self.directory / "tokens.csv"

    @classmethod
    def make(cls, directory: Path, addresses: Sequence[str], users: Mapping[str, str]) -> Credentials:
        """For a server at these IP addresses, and these users, each with its group."""
        directory.mkdir(mode=0o700)
        made = cls(directory, {user: secrets.token_hex(16) for user in users})
        _self_signed(made.key, made.certificate, addresses)
        lines = [f'{made.tokens[user]},{user},{user},"{group}"\n' for user, group in users.items()]
        made.token_file.write_text("".join(lines))
        return made

    def kubeconfig(self, name: str, server: str, token: str, namespace: str = "default") -> Path:
        """A kubeconfig file for the bearer of a token."""
        path = self.directory / f"{name}.kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": str(self.certificate)}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
            "current-context": "it",
        }
        path.write_text(json.dumps(content, indent=1))  # JSON is YAML
        return path


def _self_signed(key: Path, certificate: Path, addresses: Sequence[str]) -> None:
    names = ",".join(["DNS:localhost", *(f"IP:{address}" for address in addresses)])
    command = [installed("openssl"), "req", "-x509", "-days", "30", "-nodes", "-newkey", "ec"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(key), "-out", str(certificate)]
    command += ["-subj", f"/O={ADMINISTRATORS}/CN=test-cluster"]
    command += ["-addext", f"subjectAltName={names}", "-addext", "extendedKeyUsage=serverAuth,clientAuth"]
    subprocess.run(command, check=True, capture_output=True)
