"""HTTP of the controller: agents' batches in, health and metrics out.

``POST /v1/ingest`` takes a :class:`cni.wire.Batch` and answers :class:`cni.wire.Ingested`, now and then with the
ranking of the agent's node; 400 when it is malformed (sending it again cannot help), 401 without the token, 413 when
it is too large, 503 when the database cannot take it now. ``GET /healthz``: the process lives. ``GET /readyz``: the
history answers. ``GET /metrics``: Prometheus' text.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cni.wire import Batch, Ingested, WireError, decode, encode
from switcher.errors import TryLaterError
from switcher.meters import CONTENT_TYPE, Meters
from switcher.ports import Ledger
from switcher.web.rankings import Deliveries

log = logging.getLogger(__name__)
MAX_BATCH = 16 * 1024 * 1024
RETRY_AFTER_SECONDS = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the HTTP side needs. ``token`` None: whoever reaches the socket may send (a unix socket's file mode)."""

    ledger: Ledger
    meters: Meters
    ready: Callable[[], None]
    """Raises TryLaterError when the history does not answer."""
    token: str | None
    rankings: Deliveries | None = None
    """None: no rankings are handed out."""


def application(doors: Doors) -> Starlette:
    """The ASGI application."""
    return Starlette(
        routes=[
            Route("/v1/ingest", _ingest(doors), methods=["POST"]),
            Route("/healthz", _healthy),
            Route("/readyz", _ready(doors)),
            Route("/metrics", _metrics(doors)),
        ]
    )


Handler = Callable[[Request], Awaitable[Response]]


def _ingest(doors: Doors) -> Handler:
    async def ingest(request: Request) -> Response:
        if not _authorised(request, doors.token):
            doors.meters.ingested("refused")
            return PlainTextResponse("the token is missing or wrong\n", 401)
        body = await _body(request)
        if body is None:
            doors.meters.ingested("refused")
            return PlainTextResponse(f"a batch is at most {MAX_BATCH} bytes\n", 413)
        return await run_in_threadpool(_store, doors, body)

    return ingest


async def _body(request: Request) -> bytes | None:
    """The whole body; None when it is larger than a batch may be."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BATCH:
            return None
        parts.append(part)
    return b"".join(parts)


def _store(doors: Doors, body: bytes) -> Response:
    try:
        batch: Batch = decode(body, Batch)
        sequence = doors.ledger.ingest(batch)
    except WireError as error:
        doors.meters.ingested("refused")
        log.warning("batch refused", extra={"cause": str(error)})
        return PlainTextResponse(f"{error}\n", 400)
    except TryLaterError as error:
        doors.meters.ingested("later")
        log.warning("batch not stored; its agent sends it again", extra={"cause": str(error)})
        return PlainTextResponse(f"{error}\n", 503, headers={"Retry-After": RETRY_AFTER_SECONDS})
    doors.meters.ingested("stored")
    ranking = None if doors.rankings is None else doors.rankings.due(batch.agent, batch.node)
    return Response(encode(Ingested(sequence=sequence, ranking=ranking)), media_type="application/json")


def _authorised(request: Request, token: str | None) -> bool:
    if token is None:
        return True
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _ready(doors: Doors) -> Handler:
    async def ready(_request: Request) -> Response:
        try:
            await run_in_threadpool(doors.ready)
        except TryLaterError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse("ok\n")

    return ready


def _metrics(doors: Doors) -> Handler:
    async def metrics(_request: Request) -> Response:
        return Response(doors.meters.exposition(), media_type=CONTENT_TYPE)

    return metrics
