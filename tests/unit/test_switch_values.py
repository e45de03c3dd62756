"""The pure parts of a switch: main's end state, targets, marks, ports, and the journal."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from cni.kernel.routing import RTPROT_KERNEL, Route, route, unreachable_default
from cni.store import Store
from cni.switch import journal
from cni.switch.durations import seconds_of
from cni.switch.end_state import NoWayError, main_after, routes_by_new
from cni.switch.journal import Entry, Held, Journal, Side
from cni.switch.preflight import forbids_moving
from cni.switch.verify import target_problem
from cni.wire import MoveReason, Outcome, Phase, SwitchOrder

OLD, NEW, OTHER = 2, 7, 3


def _connected(subnet: str, link: int, source: str) -> Route:
    made = route(subnet, link, None, source)
    return Route(made.body[:5] + bytes([RTPROT_KERNEL]) + made.body[6:])


def _side(gateway: str | None = "10.2.0.1", link: int = NEW) -> Side:
    held = Held(address="10.2.0.5", prefix=24, scope=0, broadcast=None)
    return Side(generation=1, link=link, table=1001, addresses=(held,), gateway=gateway)


FORMER = [
    route("0.0.0.0/0", OLD, "10.1.0.1", metric=50),
    _connected("10.1.0.0/24", OLD, "10.1.0.5"),
    route("203.0.113.0/24", OLD, "10.1.0.1", "10.1.0.5"),
    _connected("10.9.0.0/24", OTHER, "10.9.0.5"),
]
BORN = _connected("10.2.0.0/24", NEW, "10.2.0.5")


def test_what_went_by_the_old_link_goes_by_the_new_gateway() -> None:
    unasked = route("198.51.100.0/24", NEW, "10.2.0.1")
    present = [*FORMER, BORN, unasked, route("0.0.0.0/0", NEW, "10.2.0.1")]
    wanted = main_after(FORMER, routes_by_new(FORMER, present, OLD, _side()), OLD)
    seen = {(each.destination, each.gateway, each.link, each.metric, each.source) for each in wanted}
    assert seen == {
        ("10.9.0.0/24", None, OTHER, 0, "10.9.0.5"),
        ("10.2.0.0/24", None, NEW, 0, "10.2.0.5"),
        ("198.51.100.0/24", "10.2.0.1", NEW, 0, None),
        ("0.0.0.0/0", "10.2.0.1", NEW, 50, None),
        ("203.0.113.0/24", "10.2.0.1", NEW, 0, "10.2.0.5"),
    }


def test_a_default_that_nobody_asked_for_is_left_out() -> None:
    former = [_connected("10.1.0.0/24", OLD, "10.1.0.5"), route("0.0.0.0/0", OTHER, "10.9.0.1")]
    present = [*former, BORN, route("0.0.0.0/0", NEW, "10.2.0.1")]
    wanted = main_after(former, routes_by_new(former, present, OLD, _side()), OLD)
    assert [each.link for each in wanted if each.default] == [OTHER]


def test_without_a_gateway_there_is_no_way() -> None:
    with pytest.raises(NoWayError, match="the default route") as none:
        routes_by_new(FORMER, [*FORMER, BORN], OLD, _side(gateway=None))
    assert none.value.default


def test_routes_say_what_they_are() -> None:
    assert unreachable_default().default
    assert unreachable_default().metric == 0xFFFFFFFF
    assert unreachable_default().links == frozenset()
    assert route("10.0.0.0/8", 4, "10.1.0.1").links == {4}


@pytest.mark.parametrize("good", ["tcp://10.0.0.1:443", "ping://10.0.0.1"])
def test_targets_that_can_be_probed(good: str) -> None:
    assert target_problem(good) is None


@pytest.mark.parametrize(
    "bad", ["tcp://10.0.0.1", "tcp://10.0.0.1:0", "tcp://name:80", "http://10.0.0.1", "ping://", "x"]
)
def test_targets_that_cannot_are_named(bad: str) -> None:
    assert bad in (target_problem(bad) or "")


@pytest.mark.parametrize(
    ("wish", "age", "forbidden"),
    [
        ("true", 1e9, True),
        ("false", 0, False),
        ("1h", 3599, True),
        ("1h", 3600, False),
        ("2d", 1e5, True),
        ("soon", 1e9, True),
    ],
)
def test_do_not_move_is_for_good_or_for_a_time(wish: str, age: float, forbidden: bool) -> None:
    assert forbids_moving(wish, age) is forbidden


def test_durations() -> None:
    assert [seconds_of(text) for text in ("90s", "5m", "1h", "2d", "", "5", "-1s", "1w")] == [
        90,
        300,
        3600,
        172800,
        None,
        None,
        None,
        None,
    ]


def _entry(order_id: str, phase: Phase, changed_at: float = 1.0) -> Entry:
    order = SwitchOrder(
        id=order_id, workload="lab/w", attachment="net1", source="cni:a", target="cni:b", reason=MoveReason.SAVINGS
    )
    return Entry(
        order=order,
        container_id="c1",
        netns="/run/netns/w",
        ifname="net1",
        aside="old1000",
        phase=phase,
        started_at=1.0,
        changed_at=changed_at,
        old=_side(),
        new_generation=1,
        former_main=(FORMER[0].body.hex(),),
        sysctls={"arp_ignore": "0"},
        outcome=Outcome.MOVED if phase is Phase.DONE else None,
    )


def test_the_journal_outlives_the_agent(tmp_path: Path) -> None:
    first = Store(tmp_path / "store.db")
    entry = _entry("one", Phase.DRAIN)
    Journal(first).write(entry)
    first.close()
    second = Store(tmp_path / "store.db")
    kept = Journal(second)
    assert kept.open() == [entry]
    assert kept.open_of("c1") == [entry]
    assert kept.open_of("c2") == []
    kept.write(msgspec.structs.replace(entry, phase=Phase.DONE))
    assert kept.open() == []
    assert kept.read("one") is not None
    second.close()


class HeldUp(Store):
    """A store on a disk that answers nothing until ``go``, once ``asleep``."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asleep, self.go = threading.Event(), threading.Event()

    def sync(self) -> None:
        if self.asleep.is_set():
            assert self.go.wait(10)
        super().sync()


def test_a_slow_disk_keeps_nobody_from_hearing_where_a_switch_stands(tmp_path: Path) -> None:
    store = HeldUp(tmp_path / "store.db")
    kept = Journal(store)
    kept.write(_entry("one", Phase.SHIFT))
    store.asleep.set()
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(kept.write, _entry("one", Phase.DRAIN))
        try:
            reading = pool.submit(kept.all)
            assert [entry.order.id for entry in reading.result(5)] == ["one"]
            assert not writing.done()
        finally:
            store.go.set()
        writing.result(10)
    assert [entry.phase for entry in kept.all()] == [Phase.DRAIN]
    store.close()


def test_ended_switches_are_forgotten_oldest_first_and_open_ones_never(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    kept = Journal(store)
    with store.transaction():  # one wait for the disk instead of a thousand
        kept.write(_entry("open", Phase.DRAIN, changed_at=0.0))
        for number in range(journal.KEPT + 5):
            kept.write(_entry(f"done{number}", Phase.DONE, changed_at=float(number)))
    names = [entry.order.id for entry in kept.all()]
    assert "open" in names
    assert "done0" not in names
    assert f"done{journal.KEPT + 4}" in names
    assert len(names) == journal.KEPT
    store.close()
