"""Users' objects: every version stays, with when it was learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import text

from switcher.adapters.store.engine import Database
from switcher.adapters.store.instants import micros
from switcher.adapters.store.objects import store
from switcher.ports import RemovedObject, StoredObject
from switcher.versions import keep_objects
from tests.contract.history.conftest import AnyHistory
from tests.support.batches import at
from tests.unit.pricing import rate


def tariff(name: str, price: str, recorded: float, **spec: Any) -> StoredObject:
    document: Mapping[str, Any] = {
        "kind": "Tariff",
        "metadata": {"name": name},
        "spec": {"charges": [{"name": "port", "fixed": {"price": price, "per": "hour"}}], **spec},
    }
    return StoredObject(kind="Tariff", name=name, document=document, recorded_at=at(recorded))


def prices(history: AnyHistory, known: float | None = None) -> list[str]:
    found = history.objects(None if known is None else at(known))
    return [stored.document["spec"]["charges"][0]["fixed"]["price"] for stored in found]


def test_an_object_comes_back_as_it_was(reopen: Callable[[], AnyHistory]) -> None:
    stored = tariff("t", "0.0850", 1.234567, validFrom="2026-12-01T00:00:00+01:00")
    reopen().store_objects([stored])
    assert reopen().objects() == [stored]


def test_what_was_known_at_a_past_moment_stays_readable(history: AnyHistory) -> None:
    history.store_objects([tariff("t", "1", 10)])
    history.store_objects([tariff("t", "2", 20), tariff("u", "9", 20)])
    assert prices(history) == ["2", "9"]
    assert prices(history, 19.999999) == ["1"]
    assert prices(history, 20) == ["2", "9"]
    assert prices(history, 9) == []


def test_the_same_again_changes_nothing(history: AnyHistory) -> None:
    first = tariff("t", "1", 10)
    history.store_objects([first])
    same = StoredObject(
        kind="Tariff",
        name="t",
        document=dict(reversed(first.document.items())),
        recorded_at=at(20),
    )
    history.store_objects([same])
    assert [stored.recorded_at for stored in history.objects()] == [at(10)]


def test_going_back_to_a_former_document_is_a_new_version(history: AnyHistory) -> None:
    for price, recorded in (("1", 10), ("2", 20), ("1", 30)):
        history.store_objects([tariff("t", price, recorded)])
    assert [prices(history, known) for known in (15, 25, 35)] == [["1"], ["2"], ["1"]]


def test_one_learned_late_takes_its_place_in_time_once(history: AnyHistory) -> None:
    history.store_objects([tariff("t", "1", 10), tariff("t", "3", 30)])
    for _ in range(2):
        history.store_objects([tariff("t", "2", 20)])
    assert [prices(history, known) for known in (15, 25, 35)] == [["1"], ["2"], ["3"]]


def test_of_two_learned_at_once_the_later_stored_counts(history: AnyHistory) -> None:
    history.store_objects([tariff("t", "1", 10), tariff("t", "2", 10)])
    assert prices(history) == ["2"]


def keep(history: AnyHistory, price: str, now: float) -> None:
    """As a controller does whose clock says so."""
    keep_objects(history, [tariff("t", price, 0).document], at(now))


def test_what_is_learned_after_a_clock_was_set_back_is_hidden_by_nothing_that_is_dated_ahead(
    history: AnyHistory,
) -> None:
    for price, now in (("1", 10), ("2", 7200), ("3", 36000), ("4", 20)):
        keep(history, price, now)
    assert [prices(history, known) for known in (15, 25, 7300, 40000, None)] == [["1"], ["4"], ["4"], ["4"], ["4"]]


def test_what_was_kept_by_a_clock_that_was_ahead_is_known_as_soon_as_it_is_right(history: AnyHistory) -> None:
    for now in (36000, 20, 30):
        keep(history, "1", now)
    assert [stored.recorded_at for stored in history.objects(at(40))] == [at(20)]
    assert [stored.recorded_at for stored in history.objects()] == [at(36000)]


def removed(name: str, recorded: float, kind: str = "Tariff") -> RemovedObject:
    return RemovedObject(kind=kind, name=name, recorded_at=at(recorded))


def test_what_is_removed_is_known_until_then(history: AnyHistory) -> None:
    history.store_objects([tariff("t", "1", 10), tariff("u", "9", 10)])
    history.store_objects([removed("t", 20)])
    assert [prices(history, known) for known in (15, 19.999999, 20, None)] == [["1", "9"], ["1", "9"], ["9"], ["9"]]


def test_to_remove_what_is_not_there_changes_nothing(history: AnyHistory) -> None:
    history.store_objects([removed("t", 5), tariff("t", "1", 10), removed("t", 20), removed("t", 30)])
    assert history.object_versions(at(0)) == [tariff("t", "1", 10), removed("t", 20)]


def test_what_comes_back_as_it_was_is_a_version_of_its_own(history: AnyHistory) -> None:
    history.store_objects([tariff("t", "1", 10), removed("t", 20), tariff("t", "1", 30), tariff("t", "1", 40)])
    assert [prices(history, known) for known in (15, 25, 35)] == [["1"], [], ["1"]]
    assert [stored.recorded_at for stored in history.objects()] == [at(30)]


def test_versions_come_in_the_order_in_which_they_became_known(reopen: Callable[[], AnyHistory]) -> None:
    """Of those learned at once in the order in which they were stored; the moment after which is not among them."""
    first, second = tariff("t", "1", 10), tariff("s", "2", 20)
    changed, gone = tariff("t", "3", 20), removed("s", 30)
    reopen().store_objects([gone])  # nothing to remove yet
    reopen().store_objects([changed, second, first])
    reopen().store_objects([gone])
    history = reopen()
    assert history.object_versions(at(0)) == [first, changed, second, gone]
    assert history.object_versions(at(10), at(20)) == [changed, second]
    assert history.object_versions(at(30)) == []


def keep_all(history: AnyHistory, names: str, now: float) -> None:
    """As a controller does whose files have an object for each letter."""
    keep_objects(history, [tariff(name, "1", 0).document for name in names], at(now))


def names(history: AnyHistory, known: float | None = None) -> str:
    return "".join(stored.name for stored in history.objects(None if known is None else at(known)))


def test_what_the_files_have_no_more_is_removed_when_the_controller_reads_them(history: AnyHistory) -> None:
    for now, there in ((10, "tu"), (20, "t"), (30, "t"), (40, "tu")):
        keep_all(history, there, now)
    assert [names(history, known) for known in (15, 25, 35, 45)] == ["tu", "t", "t", "tu"]
    assert history.object_versions(at(10)) == [removed("u", 20), tariff("u", "1", 40)]


def test_files_without_any_object_remove_nothing(history: AnyHistory) -> None:
    keep_all(history, "tu", 10)
    keep_all(history, "", 20)
    assert names(history) == "tu"


def test_of_two_controllers_the_one_that_read_last_counts(reopen: Callable[[], AnyHistory]) -> None:
    """One reads the new files first, the other a moment later: its old ones must not have been stored again."""
    first, second = reopen(), reopen()
    keep_all(first, "tu", 10)
    keep_all(second, "tu", 11)
    keep_all(first, "tv", 20)
    keep_all(second, "tv", 21)
    assert reopen().object_versions(at(10)) == [tariff("v", "1", 20), removed("u", 20)]
    keep_all(second, "tu", 30)  # started again, with old files
    assert [names(reopen(), known) for known in (25, 35)] == ["tv", "tu"]


def test_a_removal_is_hidden_by_nothing_that_is_dated_ahead(history: AnyHistory) -> None:
    keep_all(history, "tu", 10)
    keep_all(history, "tuv", 36000)
    keep_all(history, "t", 20)
    assert [names(history, known) for known in (15, 25, 40000, None)] == ["tu", "t", "t", "t"]


def test_a_removal_that_is_dated_ahead_hides_nothing_that_is_learned_after(history: AnyHistory) -> None:
    keep_all(history, "tu", 10)
    keep_all(history, "t", 36000)
    keep_all(history, "tu", 20)
    assert [names(history, known) for known in (15, 25, 40000, None)] == ["tu", "tu", "tu", "tu"]


def test_exchange_rates_without_a_name_are_kept_apart(history: AnyHistory) -> None:
    rates = [rate("EUR", "USD", "1.10", "2026-11-01"), rate("EUR", "USD", "1.20", "2026-12-01")]
    for now in (10, 20):
        keep_objects(history, rates, at(now))
    assert [stored.document for stored in history.objects()] == rates
    assert {stored.recorded_at for stored in history.objects()} == {at(10)}


def test_price_lists_that_share_a_name_are_kept_apart(history: AnyHistory) -> None:
    """They need none of their own, and some have none."""
    spec = {"contract": "c", "validFrom": "2026-12-01T00:00:00Z"}
    lists = [tariff("t", "1", 0).document, tariff("t", "2", 0, **spec).document]
    unnamed = [{**document, "metadata": {}} for document in lists]
    for now in (10, 20):
        keep_objects(history, [*lists, *unnamed], at(now))
    found = [stored.document for stored in history.objects()]
    assert all(document in found for document in [*lists, *unnamed])
    assert len(found) == 4
    assert {stored.recorded_at for stored in history.objects()} == {at(10)}


def test_a_list_that_comes_to_share_its_name_is_there_once(history: AnyHistory) -> None:
    """It is known by its terms from then on, and by its name alone no more."""
    alone = tariff("t", "1", 0).document
    beside = tariff("t", "2", 0, contract="c", validFrom="2026-12-01T00:00:00Z").document
    for now, documents in ((10, [alone]), (20, [alone, beside]), (30, [alone])):
        keep_objects(history, documents, at(now))
    found = [[stored.document for stored in history.objects(at(known))] for known in (15, 25, 35)]
    assert found == [[alone], [alone, beside], [alone]]


def test_kinds_have_names_of_their_own(history: AnyHistory) -> None:
    policy = StoredObject(kind="SwitchPolicy", name="t", document={"spec": {"mode": "auto"}}, recorded_at=at(1))
    history.store_objects([tariff("t", "1", 1), policy])
    assert [(stored.kind, stored.name) for stored in history.objects()] == [("SwitchPolicy", "t"), ("Tariff", "t")]


def test_tariffs_are_found_by_hand_by_when_they_are_valid(database: Database) -> None:
    """Nothing in the program asks so: bills and backtests read every version of a list."""
    with database.writing() as connection:
        store(
            connection,
            [
                tariff("now", "1", 0, validFrom="2026-11-01T00:00:00Z", validTo="2026-11-20T13:00:00+01:00"),
                tariff("open", "2", 0, validFrom="2026-11-01T00:00:00Z"),
                tariff("announced", "3", 5, validFrom="2026-11-20T12:10:00Z"),
                removed("open", 10),
            ],
        )
    query = (
        "SELECT name FROM objects WHERE kind = 'Tariff' AND valid_from < :end"
        " AND (valid_until IS NULL OR valid_until > :start) AND recorded_at <= :known ORDER BY name"
    )
    found = []
    for start, end, known in ((-60, 0, 9), (0, 3600, 9), (0, 3600, 4)):
        times = {"start": micros(at(start)), "end": micros(at(end)), "known": micros(at(known))}
        with database.reading() as connection:
            found.append(list(connection.execute(text(query), times).scalars()))
    assert found == [["now", "open"], ["announced", "open"], ["open"]]
