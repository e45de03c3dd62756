"""The TLS side of a connection."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from cni.kube.connection import Connection, refused


def context(connection: Connection) -> ssl.SSLContext:
    """For all sessions with this connection. Raises ClusterRefused when a certificate or key cannot be used."""
    made = _server_side(connection)
    if connection.certificate:
        try:
            with _as_file(connection.certificate + b"\n" + connection.key) as path:
                made.load_cert_chain(path, password="")  # without it openssl asks on the terminal
        except (ssl.SSLError, ValueError) as error:
            raise refused(connection.source, f"the client's certificate or key cannot be used: {error}") from error
    return made


def _server_side(connection: Connection) -> ssl.SSLContext:
    if connection.insecure or urlsplit(connection.server).scheme == "http":
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        return made
    if not connection.authority:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=connection.authority.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise refused(connection.source, f"the authority's certificate cannot be used: {error}") from error


def distrust(error: BaseException) -> str:
    """Why the server's certificate was not believed, when that is what ``error`` comes from; else empty."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, ssl.SSLCertVerificationError):
            return at.verify_message
        at = at.__cause__ or at.__context__
    return ""


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path that has this content and is nowhere on a disk: openssl reads keys from files only."""
    descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
