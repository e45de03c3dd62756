"""What the adapter makes of servers that are slow, silent, overloaded, forgetful, or none."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cni.cluster import ClusterAway, ClusterRefused, ObjectUnknown, Pod
from cni.kube import ApiCluster
from cni.kube.api import Api
from cni.kube.given import Given
from cni.kube.sources import Source
from tests.contract.cluster_api.scripted_server import Exchange, ScriptedServer, scripted_server
from tests.contract.cluster_api.worlds import soon

NODE = "n1"
DEADLINE = 0.5


def pod(name: str, version: str = "5", **metadata: Any) -> dict[str, Any]:
    named = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": version, **metadata}
    return {"kind": "Pod", "metadata": named, "spec": {"nodeName": NODE}}


def event(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": thing}


def bookmark(version: str) -> dict[str, Any]:
    return event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": version}, "spec": {"containers": None}})


@contextlib.contextmanager
def cluster_of(server: ScriptedServer, silence: float = 60.0) -> Iterator[ApiCluster]:
    given = Given(source="a test", server=server.url)
    cluster = ApiCluster(Api(Source(given, account=None, environment={}), DEADLINE, silence), NODE)  # type: ignore[arg-type] # no account here
    try:
        yield cluster
    finally:
        cluster.stop()


def only_pods(about_pods: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """A server that knows no other kinds."""

    def answer(exchange: Exchange) -> None:
        if exchange.path == "/api/v1/pods" or "/pods/" in exchange.path:
            about_pods(exchange)
        else:
            exchange.reply(404, b"404 page not found\n", "text/plain")

    return answer


def test_a_list_comes_in_pages_and_the_watch_begins_where_it_ends() -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.watches:
            exchange.stream(event("ADDED", pod("c", "12")), bookmark("20"), then=0.2)
        elif exchange.query.get("continue") == "more":
            exchange.list(pod("b"), version="11")
        else:
            exchange.list(pod("a"), version="11", rest="more")

    with scripted_server(only_pods(answer)) as server, cluster_of(server) as cluster:
        heard: set[str] = set()
        cluster.on_pod(lambda _, told: heard.add(told.name))
        soon(lambda: heard == {"a", "b", "c"}, "all three are known")
        soon(lambda: len([each for each in server.about("pods") if each.watches]) >= 2, "it watches again")
        first, second = [each.query for each in server.about("pods") if each.watches][:2]
        lists = [each.query for each in server.about("pods") if not each.watches]
    assert all(each["fieldSelector"] == f"spec.nodeName={NODE}" for each in (first, second, *lists))
    assert [each.get("resourceVersion") for each in lists] == ["0", None]
    assert (first["resourceVersion"], second["resourceVersion"]) == ("11", "20")  # from the bookmark on: no new list
    assert first["allowWatchBookmarks"] == "true"
    assert 300 <= int(first["timeoutSeconds"]) <= 600


@pytest.mark.parametrize("how", ["as an answer", "as an event"])
def test_a_server_that_has_forgotten_the_version_is_asked_for_everything(how: str) -> None:
    lists = 0

    def answer(exchange: Exchange) -> None:
        nonlocal lists
        if not exchange.watches:
            lists += 1
            exchange.list(pod("a") if lists == 1 else pod("b"), version=str(lists))
        elif exchange.query["resourceVersion"] != "1":
            exchange.stream(then=5)
        elif how == "as an answer":
            exchange.fail(410, "too old resource version")
        else:
            exchange.stream(event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"}))

    with scripted_server(only_pods(answer)) as server, cluster_of(server) as cluster:
        told: list[tuple[str, str]] = []
        cluster.on_pod(lambda event, pod: told.append((event.value, pod.name)))
        soon(lambda: ("added", "b") in told, "the new list is known")
        assert told[-2:] == [("deleted", "a"), ("added", "b")]
        anew = [each.query for each in server.about("pods") if not each.watches][1]
    assert "resourceVersion" not in anew  # not from a memory that may be behind what was seen


def test_a_watch_that_ends_at_once_is_not_begun_again_at_once() -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.watches:
            exchange.stream()
        else:
            exchange.list()

    with scripted_server(only_pods(answer)) as server, cluster_of(server):
        time.sleep(1.5)
        assert len([each for each in server.about("pods") if each.watches]) <= 4


def test_a_kind_that_is_not_installed_is_asked_for_seldom_and_hurts_nobody() -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.watches:
            exchange.stream(then=5)
        else:
            exchange.list(pod("a"))

    with scripted_server(only_pods(answer)) as server, cluster_of(server) as cluster:
        soon(lambda: cluster.warm, "pods are watched")
        time.sleep(1.5)
        assert len(server.about("logicalnetworks")) == 1
        with pytest.raises(ObjectUnknown, match=r"does not know logicalnetworks\.alpha\.network\.k8s\.io: install"):
            cluster.logical_network("shop", "net1")


def test_a_silent_watch_is_not_warm() -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.watches:
            exchange.stream(bookmark("11"), then=5)
        elif exchange.path.endswith("/pods/a"):
            exchange.reply(200, pod("a", annotations={"cni": "read"}))
        else:
            exchange.list(pod("a", annotations={"cni": "listed"}))

    with scripted_server(only_pods(answer)) as server, cluster_of(server, silence=0.3) as cluster:
        soon(lambda: cluster.warm, "pods are watched")
        assert cluster.pod("shop", "a").annotations == {"cni": "listed"}
        soon(lambda: not cluster.warm, "the silence is noticed")
        assert cluster.pod("shop", "a").annotations == {"cni": "read"}


def test_characters_that_unicode_calls_line_ends_do_not_end_an_event() -> None:
    text = "a\u0085b\u2028c\u2029d\x1ce\x0bf"

    def answer(exchange: Exchange) -> None:
        if exchange.watches:
            exchange.stream(event("ADDED", pod("a", annotations={"text": text})), then=5)
        else:
            exchange.list()

    with scripted_server(only_pods(answer)) as server, cluster_of(server) as cluster:
        heard: list[Pod] = []
        cluster.on_pod(lambda _, pod: heard.append(pod))
        soon(lambda: bool(heard), "the pod is heard of")
        assert heard[0].annotations == {"text": text}


def test_what_is_no_event_makes_it_list_again() -> None:
    lists = 0

    def answer(exchange: Exchange) -> None:
        nonlocal lists
        if exchange.watches:
            exchange.stream(b"<html>gateway</html>" if lists == 1 else bookmark("11"), then=5 if lists > 1 else 0)
        else:
            lists += 1
            exchange.list(pod(f"pod-{lists}"))

    with scripted_server(only_pods(answer)) as server, cluster_of(server) as cluster:
        heard: set[str] = set()
        cluster.on_pod(lambda _, pod: heard.add(pod.name))
        soon(lambda: cluster.warm, "pods are watched")
        assert "pod-1" in heard


def slow(exchange: Exchange) -> None:
    """Whole, but a byte at a time."""
    exchange.handler.send_response(200)
    exchange.handler.send_header("Content-Length", "1000")
    exchange.handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(1000):
            exchange.handler.wfile.write(b" ")
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (lambda exchange: exchange.fail(429, "slow down"), ClusterAway, r"\(429\): slow down"),
        (lambda exchange: exchange.fail(500, "etcd is away"), ClusterAway, r"\(500\): etcd is away"),
        (lambda exchange: exchange.reply(503, b"<b>no  backend</b>", "text/html"), ClusterAway, "<b>no backend</b>"),
        (lambda exchange: exchange.reply(200, b"<html>"), ClusterAway, "not an API server's"),
        (lambda exchange: exchange.reply(200, b"[]"), ClusterAway, "not an API server's"),
        (lambda exchange: exchange.reply(302, b""), ClusterRefused, r"\(302\)"),
        (lambda exchange: exchange.fail(401, "Unauthorized"), ClusterRefused, r"the credentials of a test \(401\)"),
        (lambda exchange: exchange.fail(403, 'pods "a" is forbidden'), ClusterRefused, r"is forbidden.*rbac-agent"),
        (lambda _: time.sleep(2), ClusterAway, "did not answer within 0.5 s"),
        (slow, ClusterAway, "did not answer within 0.5 s"),
        (lambda exchange: exchange.hang_up(), ClusterAway, "cannot be reached"),
    ],
    ids=[
        "too many requests", "its own fault", "a proxy's fault", "no JSON", "no object", "elsewhere", "not let in",
        "not allowed", "never", "too slowly", "nothing",
    ],
)  # fmt: skip
def test_an_answer_that_is_none_has_a_name_and_comes_in_time(
    answer: Callable[[Exchange], None], error: type[Exception], text: str
) -> None:
    with scripted_server(only_pods(answer)) as server, cluster_of(server) as cluster:
        began = time.monotonic()
        with pytest.raises(error, match=text):
            cluster.pod("shop", "a")
        assert time.monotonic() - began < DEADLINE + 0.5


def test_a_connection_that_the_server_has_closed_meanwhile_is_no_failure() -> None:
    closed = 0

    def answer(exchange: Exchange) -> None:
        nonlocal closed
        if closed == 0:
            closed += 1
            exchange.hang_up()
        else:
            exchange.reply(200, pod("a"))

    def reads(exchange: Exchange) -> None:
        answer(exchange) if exchange.path.endswith("/pods/a") else exchange.fail(403)

    with scripted_server(only_pods(reads)) as server, cluster_of(server) as cluster:
        assert cluster.pod("shop", "a").uid == "uid-a"


@pytest.mark.parametrize("name", ["../nodes", "a/b", "a?watch=true", "A", "", "a" * 254, "ä", "..", "-a"])
def test_what_is_no_name_is_never_asked_for(name: str) -> None:
    with scripted_server(only_pods(lambda exchange: exchange.fail(403))) as server, cluster_of(server) as cluster:
        with pytest.raises(ObjectUnknown, match="no object can have such a name"):
            cluster.attachment_definition("shop", name)
        with pytest.raises(ObjectUnknown, match="no object can have such a name"):
            cluster.pod(name, "a", "some-uid")
        with pytest.raises(ObjectUnknown, match="no object can have such a name"):
            cluster.annotate(Pod(namespace="shop", name=name, uid="u"), {"a": "b"})
        assert not [each for each in server.asked if "shop" in each.path]


def test_stopping_ends_every_thread_at_once() -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.watches:
            exchange.stream(then=5)
        else:
            exchange.list()

    with scripted_server(answer) as server, cluster_of(server) as cluster:
        soon(lambda: cluster.warm, "pods are watched")
        began = time.monotonic()
        cluster.stop()
        assert time.monotonic() - began < 1.0
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("watch")]
        with pytest.raises(ClusterAway):
            cluster.pod("shop", "b")
