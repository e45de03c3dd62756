"""kubeconfig files, as far as an agent needs them. Source: kubernetes.io, reference "kubeconfig (v1)".

What it cannot do (programs that give tokens, impersonation, proxies) is refused by name: passing over it would mean
other rights, or another way, than the file's author meant.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cni.kube.connection import Connection, refused
from cni.kube.files import Files
from cni.yamltext import load

UNABLE_USER = ("exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups", "as-user-extra")
UNABLE_CLUSTER = ("proxy-url",)


def connection(path: Path, files: Files) -> Connection:
    """The connection of the file's current context, all its files read by ``files``.

    Raises ClusterRefused.
    """
    reader = _Reader(path, files)
    content = reader.content()
    name = reader.text(content, "current-context")
    if not name:
        raise reader.refused("current-context is missing: say which of the contexts is meant")
    context = reader.entry(content, "contexts", "context", name)
    cluster = reader.entry(content, "clusters", "cluster", reader.text(context, "cluster"))
    user_name = reader.text(context, "user")
    user = reader.entry(content, "users", "user", user_name) if user_name else {}
    for entry, unable, what in ((user, UNABLE_USER, f"user {user_name!r}"), (cluster, UNABLE_CLUSTER, "the cluster")):
        for key in unable:
            if entry.get(key):
                raise reader.refused(f"{what} has {key}, which is not supported: use a token, or a client certificate")
    authority = reader.pem(cluster, "certificate-authority")
    token_file = reader.text(user, "tokenFile")
    return Connection(
        server=reader.text(cluster, "server").rstrip("/"),
        source=str(path),
        authority=authority,
        insecure=bool(cluster.get("insecure-skip-tls-verify")) and not authority,
        server_name=reader.text(cluster, "tls-server-name"),
        token=reader.text(user, "token"),
        token_file=reader.beside(token_file) if token_file else None,
        certificate=reader.pem(user, "client-certificate"),
        key=reader.pem(user, "client-key"),
    )


class _Reader:
    """Reads one kubeconfig; every error names it."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files

    def refused(self, text: str) -> Exception:
        return refused(str(self._path), text)

    def content(self) -> Mapping[str, Any]:
        try:
            content = load(self._bytes(self._path))
        except ValueError as error:
            raise self.refused(f"is not YAML: {error}") from error
        if not isinstance(content, Mapping):
            raise self.refused("is no kubeconfig: it must be a mapping with clusters, users and contexts")
        return content

    def entry(self, content: Mapping[str, Any], plural: str, singular: str, name: str) -> Mapping[str, Any]:
        """The named one of a list of ``{name: ..., cluster: {...}}``."""
        listed = content.get(plural) or []
        entries = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
        for each in entries:
            found = each.get(singular)
            if each.get("name") == name and isinstance(found, Mapping):
                return found
        known = ", ".join(str(each.get("name")) for each in entries) or "none"
        raise self.refused(f"there is no {singular} {name!r} in {plural} (there are: {known})")

    def text(self, content: Mapping[str, Any], key: str) -> str:
        value = content.get(key)
        if value is not None and not isinstance(value, str):
            raise self.refused(f"{key} must be a text")
        return (value or "").strip()

    def beside(self, name: str) -> Path:
        """A file; a relative name means beside the kubeconfig."""
        return self._path.parent / name

    def pem(self, content: Mapping[str, Any], key: str) -> bytes:
        """A certificate or key: ``KEY-data``, which wins, or the file named by ``KEY``."""
        data = self.text(content, f"{key}-data")
        if data:
            try:
                return base64.b64decode(data, validate=True)
            except ValueError as error:  # binascii's own, and what is not ASCII
                raise self.refused(f"{key}-data is not base64: {error}") from error
        name = self.text(content, key)
        return self._bytes(self.beside(name)) if name else b""

    def _bytes(self, path: Path) -> bytes:
        try:
            return self._files.read(path)
        except OSError as error:
            raise self.refused(f"cannot be read: {error}") from error
