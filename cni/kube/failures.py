"""An API server's refusals, in words that say what to do. Source: kubernetes.io, "Kubernetes API Concepts"."""

from __future__ import annotations

import msgspec

from cni.cluster import ClusterAway, ClusterRefused
from cni.kube.connection import Connection

RIGHTS = "config/deploy/rbac-agent.yaml has the rights that the agent needs"
LONGEST_TEXT = 300


class Missing(Exception):  # noqa: N818 - the word that callers read best
    """404. ``object_only``: the server knows the kind; it is the object that is not there."""

    def __init__(self, text: str, object_only: bool) -> None:
        self.object_only = object_only
        super().__init__(text)


class Conflict(Exception):  # noqa: N818 - the same
    """The object is not the one that the request is about: 409, or 422 because its uid cannot be changed to ours."""


class Expired(Exception):  # noqa: N818 - the same
    """410: that version is too old; all has to be listed anew."""


class Cause(msgspec.Struct, frozen=True):
    """One of several things that are wrong."""

    field: str = ""


class Details(msgspec.Struct, frozen=True):
    """What a Status is about."""

    name: str = ""
    causes: list[Cause] | None = None


class Status(msgspec.Struct):
    """Kubernetes' own account of a failure."""

    code: int = 0
    message: str = ""
    details: Details = Details()

    def is_about(self, field: str) -> bool:
        """Whether that field of the object is what is wrong."""
        return any(cause.field == field for cause in self.details.causes or [])


Failure = Missing | Conflict | Expired | ClusterAway | ClusterRefused


def status_of(content: bytes | msgspec.Raw) -> Status:
    """What a failure says of itself; servers in between answer with other things than a Status."""
    try:
        return msgspec.json.decode(content, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Status(message=" ".join(bytes(content[:LONGEST_TEXT]).decode(errors="replace").split()))


def failure(connection: Connection, code: int, content: bytes | msgspec.Raw) -> Failure:
    """The answer ``code`` as what the caller can do about it."""
    status = status_of(content)
    text = status.message[:LONGEST_TEXT] or "nothing more"
    server = connection.server
    made: Failure
    match code:
        case 401:
            credentials = f"the credentials of {connection.source}"
            made = ClusterRefused(f"{server} does not accept {credentials} (401): renew them there")
        case 403:
            made = ClusterRefused(f"{server} does not allow it (403): {text}; {RIGHTS}")
        case 404:
            made = Missing(text, object_only=status.details.name != "")
        case 409 | 422 if code == 409 or status.is_about("metadata.uid"):
            made = Conflict(text)
        case 410:
            made = Expired(text)
        case _ if code == 429 or code >= 500:
            made = ClusterAway(f"{server} cannot answer now ({code}): {text}")
        case _:
            made = ClusterRefused(f"{server} does not do it ({code}): {text}")
    return made
