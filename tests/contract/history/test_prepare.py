"""What a controller reads before it is ready, its first tick finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from tests.contract.history.conftest import LEARNED
from tests.support.batches import at, attachment, batch, move

WINDOW = timedelta(seconds=10)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Those that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_a_prepared_history_reads_no_old_move_again_and_answers_the_same(database: Database) -> None:
    prepared, other = (SqlHistory(database, lambda: LEARNED) for _ in range(2))
    prepared.ingest(batch(1, attachments=(attachment("w1"), attachment("w2"))))
    prepared.record_move(move("early", 10))
    prepared.prepare(at(100))
    with statements() as sent:
        found = prepared.lately(at(0))
    assert not any("status_json" in each and "decided_at IN" in each for each in sent)
    with statements() as sent:
        assert other.lately(at(0)) == found
    assert any("status_json" in each and "decided_at IN" in each for each in sent)

    prepared.ingest(batch(2, attachments=(attachment("w2"), attachment("w3"))))
    prepared.record_move(move("late", 20))
    assert [one.id for one in prepared.lately(at(0))] == ["late", "early"]
    assert prepared.attached(at(100), WINDOW).reported.id == other.attached(at(100), WINDOW).reported.id
