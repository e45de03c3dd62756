"""From counters to the controller: batches are whole, numbered, durable, bounded, and taken exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cni.model import AttachmentState
from cni.netconf import ConfDir
from cni.sense.push import Pusher
from cni.sense.sampler import Links, Sampler, Sources
from cni.sense.spool import Spool
from cni.sense.telling import Telling
from cni.settings import Controller, Uplink
from cni.store import Store
from cni.wire import Batch, MoveReason, Phase, SwitchStatus, decode
from tests.support.ingest import Ingest, ingest
from tests.unit.test_store import ONE

READY = replace(ONE, state=AttachmentState.READY, result=b'{"ips": [{"address": "10.1.0.5/24"}]}', created_at=100.0)
MOVING = SwitchStatus(
    id="m1", workload="lab/w01", attachment="net1", source="cni:blue", target="cni:red", reason=MoveReason.SAVINGS,
    phase=Phase.VERIFY,
)  # fmt: skip


@dataclass
class Counted:
    index: int
    rx_bytes: int
    tx_bytes: int


@dataclass
class Site:
    """A node whose links and clock are the test's."""

    path: Path
    now: float = 100.0
    links: dict[str | None, dict[str, Counted]] = field(default_factory=dict)
    switches: list[SwitchStatus] = field(default_factory=list)
    uplinks: tuple[Uplink, ...] = (Uplink(physical_network="phynet0", nic="eth2", capacity_bps=1e8),)

    def __post_init__(self) -> None:
        self.links = {None: {"eth2": Counted(2, 1000, 2000)}, "/run/netns/c1": {"net1": Counted(5, 0, 0)}}
        self.restart()

    def restart(self) -> None:
        """Another agent on the same store."""
        self.store = Store(self.path / "store.db")
        self.spool = Spool(self.store, limit=50)
        self.telling = Telling(ConfDir(self.path / "net.d"), lambda: self.switches)
        sources = Sources(
            node="n1", store=self.store, uplinks=self.uplinks, counters=self.counters, telling=self.telling
        )
        self.sampler = Sampler(sources, self.spool, lambda: self.now)

    def counters(self, netns: str | None) -> Links:
        if netns not in self.links:
            raise OSError("no such namespace")
        return self.links[netns]

    def sample(self, seconds: float = 1.0) -> Batch:
        self.now += seconds
        return self.batch(self.sampler.sample())

    def batch(self, sequence: int) -> Batch:
        with self.store.transaction() as connection:
            (body,) = connection.execute("SELECT body FROM batches WHERE sequence = ?", (sequence,)).fetchone()
        found: Batch = decode(body, Batch)
        return found

    def pusher(self, url: str) -> Pusher:
        token = self.path / "token"
        token.write_text("secret\n")
        return Pusher(Controller(url=url, token_file=token), self.spool, self.telling.tell_all)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(params=["unix", "loopback"])
def controller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ingest]:
    with ingest(tmp_path / "c.sock" if request.param == "unix" else None) as made:
        yield made


def test_uplinks_and_attachments_are_counted_towards_node_and_workload(site: Site) -> None:
    site.store.put(READY)
    site.sample()
    site.links[None]["eth2"] = Counted(2, 1500, 2100)
    site.links["/run/netns/c1"]["net1"] = Counted(5, 70, 30)
    batch = site.sample(2.0)
    (uplink,), (traffic,) = batch.uplinks, batch.traffic
    assert (uplink.start, uplink.seconds, uplink.in_bytes, uplink.out_bytes) == (101.0, 2.0, 500, 100)
    assert (uplink.physical_network, uplink.capacity_bps) == ("phynet0", 1e8)
    assert (traffic.start, traffic.seconds, traffic.in_bytes, traffic.out_bytes) == (101.0, 2.0, 70, 30)
    assert (traffic.workload, traffic.attachment, traffic.network) == ("lab/w01", "net1", "cni:blue")


def test_a_peer_on_the_node_is_read_the_other_way_round(site: Site) -> None:
    site.store.put(replace(READY, host_ifname="veth1", created_at=100.5))
    site.links[None]["veth1"] = Counted(9, 30, 70)
    (traffic,) = site.sample().traffic
    assert (traffic.start, traffic.in_bytes, traffic.out_bytes) == (100.5, 70, 30)


def test_both_generations_of_a_move_count_for_their_own_network(site: Site) -> None:
    inside = site.links["/run/netns/c1"]
    site.store.put(READY)
    site.sample()
    inside["net1"] = Counted(5, 100, 0)
    site.sample()
    # The switch renames the old link aside and makes a new one of the true name; the store is a moment behind.
    new = replace(READY, generation=1, network="cni:red", created_at=102.0, table=1001)
    site.links["/run/netns/c1"] = inside = {"aside": Counted(5, 150, 0), "net1": Counted(6, 1000, 0)}
    site.store.put(new)
    assert {(t.network, t.in_bytes) for t in site.sample().traffic} == {("cni:blue", 50), ("cni:red", 1000)}
    site.store.put(replace(READY, ifname="aside"))
    inside["net1"] = Counted(6, 1300, 0)
    assert {(t.network, t.in_bytes) for t in site.sample().traffic} == {("cni:blue", 0), ("cni:red", 300)}


def test_a_generation_whose_link_is_not_there_yet_is_not_given_anothers(site: Site) -> None:
    site.store.put(READY)
    site.sample()
    site.store.put(replace(READY, generation=1, network="cni:red", created_at=101.0))
    assert [t.network for t in site.sample().traffic] == ["cni:blue"]


def test_a_namespace_that_is_gone_stops_nothing(site: Site) -> None:
    site.store.put(READY)
    del site.links["/run/netns/c1"]
    site.sample()
    batch = site.sample()
    assert batch.traffic == ()
    assert len(batch.uplinks) == 1


def test_state_is_told_at_first_then_when_it_changed_then_when_asked(site: Site) -> None:
    first = site.sample()
    assert (first.attachments, first.networks, first.switches) == ((), (), ())
    site.store.put(READY)
    (report,) = site.sample().attachments or ()
    assert (report.workload, report.network, report.addresses) == ("lab/w01", "cni:blue", ("10.1.0.5/24",))
    silent = site.sample()
    assert (silent.attachments, silent.networks, silent.switches) == (None, None, ())
    site.switches = [MOVING]
    assert site.sample().switches == (MOVING,)
    assert site.sample().switches == ()
    site.telling.tell_all()
    whole = site.sample()
    assert (whole.attachments, whole.switches) == ((report,), (MOVING,))
    assert site.sample(61.0).attachments == (report,), "now and then unasked"


def test_a_moving_attachment_is_reported_where_its_traffic_is(site: Site) -> None:
    site.store.put(READY)
    site.store.put(replace(READY, generation=1, network="cni:red"))
    site.switches = [MOVING]
    assert [r.network for r in site.sample().attachments or ()] == ["cni:blue"]
    site.switches = [
        SwitchStatus(**{name: getattr(MOVING, name) for name in MOVING.__struct_fields__} | {"shifted_at": 1.0})
    ]
    assert [r.network for r in site.sample().attachments or ()] == ["cni:red"]


def test_intervals_and_numbers_go_on_after_a_restart(site: Site) -> None:
    before = site.sample()
    site.links[None]["eth2"].rx_bytes += 300
    site.restart()
    after = site.sample(10.0)
    assert (after.agent, after.sequence) == (before.agent, before.sequence + 1)
    assert (after.uplinks[0].start, after.uplinks[0].seconds, after.uplinks[0].in_bytes) == (101.0, 10.0, 300)
    assert after.attachments is not None, "all is told after a start"


def test_the_spool_is_bounded_and_the_oldest_goes(site: Site) -> None:
    for _ in range(60):
        site.sample()
    assert site.spool.depth() == 50
    assert site.spool.oldest()[0] == 11  # type: ignore[index]  # there are fifty
    assert site.spool.dropped == 10


def test_batches_arrive_in_order_and_leave_the_spool(site: Site, controller: Ingest) -> None:
    pusher = site.pusher(controller.url)
    for _ in range(3):
        site.sample()
    assert pusher.push_all() == 0
    site.sample()
    assert pusher.push_all() == 0
    pusher.close()
    assert list(controller.batches) == [1, 2, 3, 4]
    assert site.spool.depth() == 0


@pytest.mark.parametrize("failure", [0, 500, 503, 401], ids=["no reply", "error", "busy", "wrong token"])
def test_a_batch_that_was_not_taken_is_sent_again_and_stored_once(site: Site, controller: Ingest, failure: int) -> None:
    pusher = site.pusher(controller.url)
    site.sample()
    controller.failures = [failure, failure]
    pauses = [pusher.push_all(), pusher.push_all()]
    assert pauses[0] > 0
    pusher.push_all()
    pusher.close()
    assert list(controller.batches) == [1]
    assert site.spool.depth() == 0
    assert controller.requests >= 2


def test_pauses_grow_and_end(site: Site) -> None:
    pusher = site.pusher(f"unix:{site.path}/nobody")
    site.sample()
    pauses = [pusher.push_all() for _ in range(9)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.5
    assert pauses[-1] == 30.0
    with ingest(site.path / "nobody") as controller:
        assert pusher.push_all() == 0
        assert list(controller.batches) == [1]
        pusher.close()


def test_a_renewed_token_is_read(site: Site, controller: Ingest) -> None:
    pusher = site.pusher(controller.url)
    site.sample()
    controller.token = "new"
    assert pusher.push_all() > 0
    (site.path / "token").write_text("new")
    assert pusher.push_all() == 0
    pusher.close()


def test_a_controller_that_lost_its_history_is_told_everything(site: Site, controller: Ingest) -> None:
    pusher = site.pusher(controller.url)
    site.sample()
    controller.claims = [0]
    assert pusher.push_all() > 0
    assert site.sample().attachments is not None
    assert pusher.push_all() == 0
    pusher.close()
    assert list(controller.batches) == [1, 2]


def test_a_store_that_was_set_back_takes_new_numbers(site: Site, controller: Ingest) -> None:
    pusher = site.pusher(controller.url)
    controller.claims = [500]
    site.sample()
    assert pusher.push_all() == 0
    batch = site.sample()
    assert (batch.sequence, batch.attachments is not None) == (501, True)
    pusher.close()


def test_a_batch_refused_for_ever_does_not_hold_the_others(site: Site, controller: Ingest) -> None:
    pusher = site.pusher(controller.url)
    site.sample()
    site.sample()
    controller.failures = [400]
    assert pusher.push_all() == 0
    pusher.close()
    assert list(controller.batches) == [2]
    assert site.sample().attachments is not None
