"""How an API server is reached: one value, and what is wrong or unsafe about it. Pure.

Every text here says where the setting was read: there may be several netconfs and kubeconfigs on a node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cni.cluster import ClusterRefused

BUILDING = "Error building kubernetes client"
"""What CNI-Genie's message began with; people have alerts on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """All that a session with an API server needs. Certificates and keys are PEM."""

    server: str
    """``https://host:port``, perhaps with a path that comes before Kubernetes' own."""
    source: str
    """Where this was read."""
    authority: bytes = field(default=b"", repr=False)
    """Who may have signed the server's certificate; empty: whom the system trusts."""
    insecure: bool = False
    """The server's certificate is not looked at."""
    server_name: str = ""
    """The name in the server's certificate, when it is not the host's."""
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    """Read anew for each request, as tokens are rotated; wins over ``token``, as in kubeconfigs."""
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)

    @property
    def has_credentials(self) -> bool:
        """Whether there is something that a stranger must not see."""
        return bool(self.token or self.token_file or self.certificate)

    @property
    def unsafe(self) -> str:
        """What an attacker on the way could do, and what to do about it; empty: nothing is known."""
        if self._is_plain and not self._is_loopback:
            return "http: neither side knows the other, and everything can be read: use https"
        if self.insecure and not self._is_plain:
            return (
                "the server's certificate is not verified (insecure-skip-tls-verify): anybody on the way can read the "
                "token and change what networks pods get: name the authority's certificate instead"
            )
        return ""

    def check(self) -> Connection:
        """Itself. Raises ClusterRefused when no session can be opened with it, or none should."""
        parts = self._parts
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise refused(self.source, f"the server {self.server!r} is not like https://10.96.0.1:443")
        if self._is_plain and not self._is_loopback and self.has_credentials:
            raise refused(self.source, f"credentials would go to {self.server} in clear: use https")
        if bool(self.certificate) != bool(self.key):
            lacking = "key" if self.certificate else "certificate"
            raise refused(self.source, f"the client's {lacking} is missing: give both, certificate and key")
        return self

    @property
    def _parts(self) -> SplitResult:
        try:
            parts = urlsplit(self.server)
            _ = parts.port  # raises when it is no number
        except ValueError as error:
            raise refused(self.source, f"the server {self.server!r} cannot be: {error}") from error
        return parts

    @property
    def _is_plain(self) -> bool:
        return self._parts.scheme == "http"

    @property
    def _is_loopback(self) -> bool:
        host = self._parts.hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def refused(source: str, text: str) -> ClusterRefused:
    """Settings that no session can be opened with; ``text`` says what is wrong and what to do."""
    return ClusterRefused(f"{BUILDING}: {source}: {text}")
