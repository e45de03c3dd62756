"""Reading, listing, watching and annotating objects of one cluster, whatever becomes of its connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from cni.cluster import AttachmentDefinition, ClusterAway, LogicalNetwork, ObjectUnknown, PhysicalNetwork, Pod
from cni.kube.connection import Connection
from cni.kube.failures import Conflict, Expired, Missing, failure, status_of
from cni.kube.kinds import PODS, Resource, Seen, can_exist
from cni.kube.session import CLOSED, Request, Session
from cni.kube.sources import Source

PAGE = "500"
FIELD_MANAGER = "genie-agent"
SILENCE_SECONDS = 150.0
"""A server gives a bookmark about every minute."""
UNREADABLE = (msgspec.DecodeError, RecursionError)
"""No JSON of the right form, or nested without end."""
NODE_PATH = "/api/v1/nodes"

T = TypeVar("T", Pod, AttachmentDefinition, LogicalNetwork, PhysicalNetwork)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Point:
    """A moment in the life of one cluster; versions of another one say nothing about it."""

    server: str
    version: str


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    next_page: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None


class Event(msgspec.Struct):
    """One line of a watch."""

    type: str
    object: msgspec.Raw


class _Node(msgspec.Struct):
    metadata: _Labelled


class _Labelled(msgspec.Struct):
    labels: dict[str, str] | None = None


class Api:
    """The API server behind ``source``. Safe for threads; every method raises ClusterAway and ClusterRefused."""

    def __init__(self, source: Source, deadline: float, silence: float = SILENCE_SECONDS) -> None:
        """``deadline``: seconds that one answer may take; ``silence``: after so many a watch is taken for dead."""
        self._source = source
        self._deadline = deadline
        self._silence = silence
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._closed = False

    @property
    def unsafe(self) -> str:
        """Where the connection in use was read, and what is unsafe about it; empty: nothing."""
        session = self._session
        if session is None or not session.connection.unsafe:
            return ""
        return f"{session.connection.source}: {session.connection.unsafe}"

    def close(self) -> None:
        """Ends all watches; nothing can be asked any more."""
        with self._lock:
            self._closed = True
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def read(self, resource: Resource[T], namespace: str, name: str) -> Seen[T]:
        """One object. Raises ObjectUnknown."""
        if not can_exist(namespace, name):
            raise ObjectUnknown(resource.kind, namespace, name, "no object can have such a name")
        try:
            return resource.read(self._open().ask(Request(resource.path(namespace, name))))
        except Missing as error:
            raise _unknown(resource, namespace, name, error) from error
        except UNREADABLE as error:
            raise _strange(error) from error

    def annotate(self, pod: Pod, annotations: Mapping[str, str | None]) -> None:
        """Sets or removes annotations of that pod through its status, for which there is a right of its own.

        Raises ObjectUnknown when it is gone, or another of its name is there: its uid rides along as a precondition.
        """
        if not can_exist(pod.namespace, pod.name):
            raise ObjectUnknown(PODS.kind, pod.namespace, pod.name, "no object can have such a name")
        patch = msgspec.json.encode({"metadata": {"uid": pod.uid, "annotations": dict(annotations)}})
        path = PODS.path(pod.namespace, pod.name, "status")
        try:
            self._open().ask(Request(path, {"fieldManager": FIELD_MANAGER}, patch))
        except Missing as error:
            raise _unknown(PODS, pod.namespace, pod.name, error) from error
        except Conflict as error:
            raise ObjectUnknown(PODS.kind, pod.namespace, pod.name, f"not of uid {pod.uid}: {error}") from error

    def node_labels(self, node: str) -> Mapping[str, str]:
        """The labels of that node. Raises ObjectUnknown."""
        if not can_exist(node, node):
            raise ObjectUnknown("Node", "", node, "no node can have such a name")
        try:
            found = msgspec.json.decode(self._open().ask(Request(f"{NODE_PATH}/{node}")), type=_Node)
        except Missing as error:
            raise ObjectUnknown("Node", "", node, "the agent's setting node must be the node's name there") from error
        except UNREADABLE as error:
            raise _strange(error) from error
        return found.metadata.labels or {}

    def list(self, resource: Resource[T], selector: str, *, cheap: bool) -> tuple[list[Seen[T]], Point]:
        """All objects that the field selector selects, and the point from which a watch may go on.

        ``cheap``: as the server remembers them, which may be behind what this node has seen already. Raises Missing
        where the cluster does not know the kind, Expired.
        """
        params = {"limit": PAGE, "resourceVersion": "0" if cheap else "", "fieldSelector": selector}
        params = {key: value for key, value in params.items() if value}
        found: list[Seen[T]] = []
        session = self._open()
        while True:
            try:
                page = msgspec.json.decode(session.ask(Request(resource.path(), params)), type=_List)
                found += [resource.read(item) for item in page.items or []]
            except UNREADABLE as error:
                raise _strange(error) from error
            if not page.metadata.next_page:
                return found, Point(session.connection.server, page.metadata.resource_version)
            params = {**params, "continue": page.metadata.next_page}
            params.pop("resourceVersion", None)

    @contextmanager
    def watch(self, resource: Resource[T], selector: str, since: Point, seconds: int) -> Iterator[Iterator[Event]]:
        """What happens after ``since``, for so many seconds. Raises Missing and Expired, at any time."""
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since.version,
            "timeoutSeconds": str(seconds),
            **({"fieldSelector": selector} if selector else {}),
        }
        session = self._open()
        if session.connection.server != since.server:
            raise Expired(f"the cluster is another one now, at {session.connection.server}")
        with session.watch(Request(resource.path(), params)) as lines:
            yield _events(lines, session.connection)

    def _open(self) -> Session:
        """The session with the connection as it is now; one with a former connection is ended."""
        connection = self._source.connection()
        with self._lock:
            if self._closed:
                raise ClusterAway(CLOSED)
            former = self._session
            if former is not None and former.connection == connection:
                return former
            session = self._session = Session(connection, self._deadline, self._silence)
        if connection.unsafe:
            log.warning(
                "cluster connection is unsafe",
                extra={"source": connection.source, "server": connection.server, "why": connection.unsafe},
            )
        if former is not None:
            former.close()
        return session


def _events(lines: Iterator[bytes], connection: Connection) -> Iterator[Event]:
    for line in lines:
        try:
            event = msgspec.json.decode(line, type=Event)
        except UNREADABLE as error:
            raise _strange(error) from error
        if event.type == "ERROR":
            raise failure(connection, status_of(event.object).code, event.object)
        yield event


def _unknown(resource: Resource[T], namespace: str, name: str, error: Missing) -> ObjectUnknown:
    if error.object_only:
        return ObjectUnknown(resource.kind, namespace, name)
    why = f"the cluster does not know {resource.plural}.{resource.group}: install config/crds" if resource.group else ""
    return ObjectUnknown(resource.kind, namespace, name, why or str(error))


def _strange(error: Exception) -> ClusterAway:
    return ClusterAway(f"the answer is not an API server's: {error}")
