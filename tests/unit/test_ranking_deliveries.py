"""When an agent is sent its node's ranking, and what comes of a history that is away."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from cni.wire import Ingested, Ranking, decode
from switcher.errors import TryLaterError
from switcher.meters import Meters
from switcher.web.app import Doors, application
from switcher.web.rankings import Deliveries
from tests.support.memory_history import MemoryHistory
from tests.support.smart import NOW, entry, ranking
from tests.unit.test_web import BATCH, TestClient, encode

RANKING = ranking(entry("blue", 1), age_seconds=0.0)


class Replica:
    """Deliveries on a history and a clock of the test's."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked: Counter[str] = Counter()
        self.held: dict[str, Ranking] = {"n1": RANKING}
        self.away = False
        self.deliveries = Deliveries(self._ranking, lambda: self.now)

    def _ranking(self, node: str) -> Ranking | None:
        self.asked[node] += 1
        if self.away:
            raise TryLaterError("the database is away")
        return self.held.get(node)

    def due(self, agent: str = "n1/a", node: str = "n1", *, after: float = 0.0) -> Ranking | None:
        self.now += after
        return self.deliveries.due(agent, node)


def test_it_is_sent_at_once_and_then_once_a_minute_with_its_age() -> None:
    replica = Replica()
    assert replica.due(after=3) == msgspec.structs.replace(RANKING, age_seconds=3.0)
    sent = {second for second in range(1, 200) if replica.due(after=1) is not None}
    assert sent == {60, 120, 180}
    assert replica.due(after=60) == msgspec.structs.replace(RANKING, age_seconds=262.0)


def test_another_one_is_sent_soon() -> None:
    replica = Replica()
    replica.due()
    replica.held["n1"] = ranking(entry("blue", 2), entry("red", 1), computed_at=NOW + 6)
    assert replica.due(after=7) == msgspec.structs.replace(replica.held["n1"], age_seconds=1.0)


def test_one_that_says_the_same_is_not_another() -> None:
    replica = Replica()
    replica.due()
    replica.held["n1"] = msgspec.structs.replace(RANKING, computed_at=NOW + 6)
    assert replica.due(after=7) is None


def test_each_agent_gets_its_own_nodes() -> None:
    replica = Replica()
    replica.held["n2"] = ranking(entry("red", 1), node="n2")
    found = [replica.due(f"{node}/a", node) for node in ("n1", "n2", "n3")]
    assert [one and one.node for one in found] == ["n1", "n2", None]


def test_a_new_agent_on_a_node_is_sent_it_too() -> None:
    replica = Replica()
    replica.due("n1/old")
    assert replica.due("n1/new") is not None


def test_the_history_is_asked_rarely() -> None:
    replica = Replica()
    for _ in range(100):
        replica.due(after=0.1)
    assert replica.asked == {"n1": 2}


def test_a_clock_behind_the_leaders_makes_no_age_below_zero() -> None:
    replica = Replica()
    found = replica.due(after=-30)
    assert found is not None
    assert found.age_seconds == 0.0


@pytest.mark.parametrize("away", [False, True])
def test_the_reply_to_a_batch_carries_it_and_never_waits_for_it(away: bool) -> None:
    replica = Replica()
    replica.away = away
    doors = Doors(ledger=MemoryHistory(), meters=Meters(), ready=lambda: None, token=None, rankings=replica.deliveries)
    answer = TestClient(application(doors)).post("/v1/ingest", content=encode(BATCH))
    assert answer.status_code == 200
    ingested: Ingested = decode(answer.content, Ingested)
    assert ingested == Ingested(sequence=1, ranking=None if away else RANKING)


def test_a_replys_size_is_small() -> None:
    ten = ranking(*(entry(f"network-{number}", number, sla="99.9", free_addresses=200) for number in range(10)))
    assert len(encode(Ingested(sequence=1, ranking=ten))) < 2500
