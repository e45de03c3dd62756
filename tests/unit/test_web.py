"""The controller's HTTP, through its ASGI application and the in-memory history of the contract suite."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from cni.wire import Batch, encode
from switcher.errors import TryLaterError
from switcher.meters import Meters
from switcher.web.app import MAX_BATCH, Doors, application
from tests.support.memory_history import MemoryHistory

TOKEN = "correct horse"
BATCH = Batch(agent="n1/a", node="n1", sequence=1, sent_at=0.0)


class AwayHistory(MemoryHistory):
    """A history whose database is away."""

    def ingest(self, _batch: Batch) -> int:
        raise TryLaterError("the database is away")


def client(history: MemoryHistory | None = None, token: str | None = None) -> TestClient:
    def ready() -> None:
        if isinstance(history, AwayHistory):
            raise TryLaterError("the database is away")

    return TestClient(application(Doors(ledger=history or MemoryHistory(), meters=Meters(), ready=ready, token=token)))


def test_a_batch_is_stored_and_its_sequence_number_answered() -> None:
    answer = client().post("/v1/ingest", content=encode(BATCH))
    assert (answer.status_code, answer.json()) == (200, {"sequence": 1})


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        pytest.param(b"not json", 400, "not a Batch", id="no JSON"),
        pytest.param(b'{"agent": "a", "node": "n", "sequence": "1", "sentAt": 0}', 400, "$.sequence", id="wrong type"),
        pytest.param(b'{"node": "n", "sequence": 1, "sentAt": 0}', 400, "agent", id="field missing"),
        pytest.param(
            encode(BATCH).replace(b'"sequence":1', b'"sequence":9223372036854775808'), 400, "$.sequence", id="sequence"
        ),
        pytest.param(
            b'{"agent": "a", "node": "n", "sequence": 1, "sentAt": 1e300}', 400, "$.sentAt", id="no time that there is"
        ),
        pytest.param(b" " * (MAX_BATCH + 1), 413, "at most", id="too large"),
    ],
)
def test_what_is_no_batch_is_refused_with_the_field_named(body: bytes, status: int, said: str) -> None:
    answer = client().post("/v1/ingest", content=body)
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize("header", [None, "Bearer wrong", TOKEN, "Bearer "])
def test_without_the_token_nothing_is_stored(header: str | None) -> None:
    history = MemoryHistory()
    headers = {} if header is None else {"Authorization": header}
    answer = client(history, token=TOKEN).post("/v1/ingest", content=encode(BATCH), headers=headers)
    assert answer.status_code == 401
    assert history.ingest(BATCH) == 1  # it was not there before


def test_with_the_token_it_is() -> None:
    answer = client(token=TOKEN).post("/v1/ingest", content=encode(BATCH), headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


def test_a_database_that_is_away_says_try_later_and_turns_readiness_off() -> None:
    away = client(AwayHistory())
    answer = away.post("/v1/ingest", content=encode(BATCH))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert away.get("/readyz").status_code == 503
    assert away.get("/healthz").status_code == 200


def test_metrics_count_batches_by_result() -> None:
    here = client()
    here.post("/v1/ingest", content=encode(BATCH))
    here.post("/v1/ingest", content=b"")
    text = here.get("/metrics").text
    assert 'switcher_ingest_batches_total{result="stored"} 1.0' in text
    assert 'switcher_ingest_batches_total{result="refused"} 1.0' in text
