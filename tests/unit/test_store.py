"""The node's store: what was put is there after any end, newer files are refused, transactions are whole."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from cni.locks import ContainerLocks, LockTimeout
from cni.model import Attachment, AttachmentState
from cni.store import Store, StoreError

ONE = Attachment(
    container_id="c1",
    name="net1",
    generation=0,
    workload="lab/w01",
    netns="/run/netns/c1",
    ifname="net1",
    network="cni:blue",
    physical_network=None,
    delegate_id="c1",
    config=b'{"name": "\xc3\xa9"}',
    cni_args="A=1",
    capabilities=b"{}",
    result=b"",
    state=AttachmentState.ADDING,
    table=1000,
    position=0,
    created_at=1.25,
    started_at=1.0,
    annotations={"switcher.genie.io/do-not-move": "true"},
    labels={"app": "web"},
    runtime_ifname="eth0",
)


def test_an_attachment_comes_back_as_it_was_put(tmp_path: Path) -> None:
    Store(tmp_path / "a/store.db").put(ONE)
    store = Store(tmp_path / "a/store.db")
    assert store.get("c1", "net1", 0) == ONE
    ready = replace(ONE, state=AttachmentState.READY, result=b"{}", physical_network="phynet0", host_ifname="veth1")
    store.put(ready)
    assert store.all() == [ready]
    store.delete("c1", "net1", 0)
    store.delete("c1", "net1", 0)
    assert store.get("c1", "net1", 0) is None


def test_attachments_are_found_by_container_and_by_workload_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    second = replace(ONE, name="eth0", position=1)
    newer = replace(ONE, generation=1, table=1001)
    other = replace(ONE, container_id="c2", workload="lab/w02")
    for attachment in (newer, other, second, ONE):
        store.put(attachment)
    assert store.of_container("c1") == [ONE, newer, second]
    assert store.of_workload("lab/w01", "net1") == [ONE, newer]
    assert store.tables("c1", "/elsewhere") == {1000, 1001}


def test_all_are_read_again_only_after_a_change(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.put(ONE)
    (before,) = store.all()
    assert store.all()[0] is before

    def interrupted() -> None:
        with store.transaction():
            store.put(replace(ONE, generation=1))
            assert len(store.all()) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert store.all() == [before]
    with store.transaction():
        store.delete("c1", "net1", 0)
        assert store.all() == []
    assert store.all() == []


def test_an_identity_is_for_life(tmp_path: Path) -> None:
    first = Store(tmp_path / "store.db").identity("n1")
    assert Store(tmp_path / "store.db").identity("n1") == first
    assert first.startswith("n1/")
    assert Store(tmp_path / "other.db").identity("n1") != first


def test_a_newer_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    Store(tmp_path / "store.db").close()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer agent"):
        Store(tmp_path / "store.db")


def test_T73_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is not a database, it is a sentence" * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "store.db")


def test_a_transaction_is_whole_or_not_at_all_and_inner_ones_join(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")

    def interrupted() -> None:
        with store.transaction():
            store.put(ONE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert store.all() == []
    with store.transaction() as connection:
        connection.execute("CREATE TABLE journal (a)")
        store.put(ONE)
    assert store.all() == [ONE]


def test_threads_share_a_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")

    def work(number: int) -> None:
        for generation in range(10):
            with store.transaction():
                store.put(replace(ONE, container_id=f"c{number}", generation=generation))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.all()) == 60


def test_T111_a_container_is_locked_alone_and_for_a_bounded_time() -> None:
    locks = ContainerLocks(wait_seconds=0.05)
    with locks.hold("c1"):
        with locks.hold("c2"):
            pass
        failed = []

        def second() -> None:
            try:
                with locks.hold("c1"):
                    pass
            except LockTimeout as error:
                failed.append(error)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert "c1 is busy" in str(failed[0])
    with locks.hold("c1"):
        pass


def test_what_started_since_a_moment_and_is_not_on_its_way_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    for number, (name, state, physical) in enumerate(
        [
            ("old", AttachmentState.READY, "phynet0"),
            ("ready", AttachmentState.READY, "phynet0"),
            ("coming", AttachmentState.ADDING, "phynet1"),
            ("going", AttachmentState.DELETING, "phynet0"),
            ("riding on nothing", AttachmentState.READY, None),
        ]
    ):
        created = 100.0 + number
        store.put(replace(ONE, container_id=name, state=state, physical_network=physical, created_at=created))
    assert sorted(store.started_since(100.0)) == [("coming", "phynet1", 102.0), ("ready", "phynet0", 101.0)]
