"""From the decision to the agent: a tick ranks, any replica's reply to a batch carries it, the agent chooses by it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cni.netconf import ConfDir
from cni.sense.push import Pusher
from cni.settings import Controller, Settings, Uplink
from cni.smart import Source
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.cycle import Cycle, Parts
from switcher.decide import Settings as Deciding
from switcher.meters import Meters
from switcher.objects.load import book_from_documents
from switcher.observe import Sight
from switcher.ports import History
from tests.contract.test_sensing import Counted, Site
from tests.support.ingest import ingest
from tests.support.memory_history import MemoryHistory
from tests.support.replica import replica
from tests.support.smart import Smart, entry, ranking
from tests.unit.pricing import fixed, tariff
from tests.unit.test_cycle import Node as Hands

TOKEN = "secret"
UPLINKS = (
    Uplink(physical_network="phynet0", nic="eth2", capacity_bps=100e6),
    Uplink(physical_network="phynet1", nic="eth1", capacity_bps=1e9),
)
BOOK = book_from_documents(
    [
        tariff(fixed(price, each="attachment"), name=name, physicalNetworks=[name])
        for name, price in (("phynet0", "3.47"), ("phynet1", "6.90"))
    ],
    "test",
)


class NodeSite(Site):
    """A node with the networks blue (cheap, small) and red (dear, large), and smart selection."""

    def restart(self) -> None:
        (self.path / "net.d").mkdir(exist_ok=True)
        (self.path / "bin").mkdir(exist_ok=True)
        for name, physical in (("blue", "phynet0"), ("red", "phynet1")):
            content = {"cniVersion": "1.0.0", "name": name, "plugins": [{"type": "any"}]}
            (self.path / f"net.d/10-{name}.conflist").write_text(
                json.dumps({**content, "switcher.genie.io/physical-network": physical})
            )
        (self.path / "bin/any").touch(mode=0o755)
        self.links[None].setdefault("eth1", Counted(3, 0, 0))
        self.now = max(self.now, time.time())
        settings = Settings(node="n1", uplinks=UPLINKS, bin_dirs=(str(self.path / "bin"),))
        self.uplinks = UPLINKS
        super().restart()
        self.smart = Smart(
            settings,
            self.store,
            ConfDir(self.path / "net.d"),
            lambda names: dict.fromkeys(names, True),
            lambda: self.now,
        )

    def told(self, url: str, seconds: int = 3) -> None:
        """Samples are taken and pushed for so long."""
        (self.path / "token").write_text(TOKEN)
        pusher = Pusher(
            Controller(url=url, token_file=self.path / "token"),
            self.spool,
            self.telling.tell_all,
            ranked=self.smart.rankings.take,
        )
        for _ in range(seconds):
            self.sample()
            assert pusher.push_all() == 0
        pusher.close()


@pytest.fixture
def site(tmp_path: Path) -> NodeSite:
    return NodeSite(tmp_path)


@pytest.fixture(params=["memory", "sqlite"])
def open_history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], History]]:
    """Opens one and the same history, as each replica does."""
    if request.param == "memory":
        held = MemoryHistory()
        yield lambda: held
        return
    url = f"sqlite:///{tmp_path / 'history.db'}"
    upgrade(url)
    with ExitStack() as closing:

        def opened() -> History:
            history = SqlHistory.open(url)
            closing.callback(history.close)
            return history

        yield opened


def tick(history: History, site: NodeSite) -> None:
    """The leader decides."""
    now = datetime.fromtimestamp(site.now, UTC)
    parts = Parts(
        history=history,
        hands=Hands(),
        book=lambda: BOOK,
        clock=lambda: now,
        stopwatch=lambda: 0.0,
        sight=Sight(window=timedelta(seconds=30)),
        settings=Deciding(),
        meters=Meters(),
    )
    assert Cycle(parts).tick() is not None


def test_the_ranking_of_a_tick_reaches_the_agent_by_any_replica_and_decides(
    site: NodeSite, open_history: Callable[[], History], tmp_path: Path
) -> None:
    with (
        replica(tmp_path / "one.sock", open_history(), TOKEN, lambda: site.now) as one,
        replica(tmp_path / "two.sock", open_history(), TOKEN, lambda: site.now) as two,
    ):
        site.told(one)
        assert site.smart.choose({}).source is not Source.RANKING
        tick(open_history(), site)
        site.now += 7
        site.told(two, seconds=1)
    choice = site.smart.choose({})
    assert (choice.network, choice.source, choice.age_seconds) == ("cni:blue", Source.RANKING, pytest.approx(8.0))
    assert "3.47 USD per hour" in choice.reason
    received = site.smart.rankings.last()
    assert received is not None
    assert [(e.network, e.rank, e.room_bps) for e in received.ranking.networks] == [
        ("cni:blue", 1, 70e6),
        ("cni:red", 2, 700e6),
    ]


def test_a_restarted_agent_chooses_by_the_ranking_of_before(site: NodeSite, tmp_path: Path) -> None:
    history = MemoryHistory()
    with replica(tmp_path / "c.sock", history, TOKEN, lambda: site.now) as url:
        site.told(url)
        tick(history, site)
        site.now += 6
        site.told(url, seconds=1)
    site.restart()
    site.now += 100
    choice = site.smart.choose({})
    assert (choice.source, choice.age_seconds) == (Source.RANKING, pytest.approx(107.0))
    site.now += 500
    assert site.smart.choose({}).source is not Source.RANKING


def test_a_ranking_that_cannot_be_used_holds_no_batch(site: NodeSite, tmp_path: Path) -> None:
    with ingest(tmp_path / "c.sock") as controller:
        controller.token = TOKEN
        controller.ranking = ranking(entry("blue", 1, "dear"))
        site.told(controller.url)
    assert site.spool.depth() == 0
    assert site.smart.rankings.last() is None


def test_a_newer_controllers_reply_is_understood(site: NodeSite, tmp_path: Path) -> None:
    with ingest(tmp_path / "c.sock") as controller:
        controller.token = TOKEN
        controller.ranking = {
            "node": "n1", "computedAt": 1.0, "demandBps": 1e6, "mood": "good",
            "networks": [{"network": "cni:blue", "physicalNetwork": "phynet0", "reason": "NewWord", "colour": 7}],
        }  # fmt: skip
        site.told(controller.url)
    received = site.smart.rankings.last()
    assert received is not None
    assert [(e.network, e.rank, e.reason) for e in received.ranking.networks] == [("cni:blue", None, "NewWord")]
