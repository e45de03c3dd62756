"""genie-agent: the node's agent. Builds everything, starts it, and ends it on SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from cni import kernel, loops, metrics, uninstall
from cni.asks import Asks, SwitchEngine
from cni.attach import Attacher
from cni.choosing import Choosing
from cni.delegate import Delegates
from cni.forgotten import Forgotten
from cni.health import check_default
from cni.hotplug import Edits, HotPlug, Parts
from cni.install import Installer
from cni.kube import Clusters
from cni.locks import ContainerLocks
from cni.logs import log_to_stderr
from cni.means import Means
from cni.multus import command as multus
from cni.netconf import ConfDir
from cni.networks import Networks
from cni.objects import DirectoryObjects
from cni.place import MountNamespace, here
from cni.publish import Publisher
from cni.reconcile import Leftovers, SpooledDels
from cni.sense.push import Pusher
from cni.sense.sampler import Sampler, Sources
from cni.sense.spool import Spool
from cni.sense.telling import Telling
from cni.sense.uplinks import UplinkLoads
from cni.server import AgentServer
from cni.settings import Settings, SettingsError, add_node, load
from cni.shapes import make_ready
from cni.smart import Chooser, Knowledge, Rankings, Survey
from cni.store import Store, StoreError
from cni.switch import Means as SwitchMeans
from cni.switch import Switches
from cni.verbs import Reply, Verbs
from cni.workload import WorkloadNamespaces

STOP_SECONDS = 10.0
TURN_SECONDS = 0.001
"""How long one thread may keep Python to itself while others wait."""

log = logging.getLogger(__name__)


class Agent:
    """All parts of one agent, built from its settings. Raises StoreError and OSError when it cannot be built."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.meters = metrics.Metrics()
        self.store = Store(settings.state / "store.db")
        conf_dir = ConfDir(settings.conf_dir, kernel.default_nic)
        self.clusters = Clusters(settings.kubernetes, settings.node)
        objects = None if settings.objects is None else DirectoryObjects(settings.objects)
        self.networks = Networks(conf_dir, objects).of_cluster(self.clusters.own)
        self.locks = ContainerLocks()
        place = here if settings.host_mount is None else MountNamespace(settings.host_mount)
        delegates = Delegates(settings.bin_dirs, settings.delegate_deadline, self.meters.delegate, place)
        namespaces = WorkloadNamespaces()
        self.attacher = Attacher(self.store, delegates, namespaces)
        self.switches = self._build_switches()
        self.rankings = Rankings(self.store, settings.node, time.time)
        self.uplink_loads = UplinkLoads()
        self.publisher = Publisher(self.store, namespaces, self.switches.statuses, self.clusters.own)
        self.means = Means(
            store=self.store,
            attacher=self.attacher,
            delegates=delegates,
            locks=self.locks,
            networks=self.networks,
            kernel=namespaces,
            switches=self.switches,
            clusters=self.clusters,
            publisher=self.publisher,
            choosing=self._build_choosing(conf_dir),
        )
        self.verbs = Verbs(self.means, self.meters.verb)
        self.dels = SpooledDels(settings.del_spool, self.verbs.perform, self.meters.replayed)
        self.spool = Spool(self.store)
        self.telling = Telling(self.networks, self.switches.statuses)
        plugging = self._plugging_parts()
        self.hotplug = HotPlug(plugging)
        own = self.clusters.own
        self.edits = None if own is None else Edits(plugging, self.hotplug, own)
        self.asks = Asks(settings.node, self.store, self.networks, self.switches, self.hotplug)
        self._watch()

    def _build_choosing(self, conf_dir: ConfDir) -> Choosing:
        settings = self.settings
        knowledge = Knowledge(
            ranking=self.rankings.last,
            loads=self.uplink_loads.loads,
            started=self.store.started_since,
            max_age=settings.smart.max_age,
            demand_bps=settings.smart.demand_bps,
        )
        return Choosing(
            chooser=Chooser(knowledge),
            survey=Survey(
                networks=conf_dir, uplinks=settings.uplinks, bin_dirs=settings.bin_dirs, carriers=kernel.carriers
            ),
        )

    def _build_switches(self) -> SwitchEngine:
        return Switches(
            SwitchMeans(
                store=self.store,
                attacher=self.attacher,
                locks=self.locks,
                networks=self.networks,
                scratch=self.settings.state / "switch",
                observe=lambda phase, seconds: self.meters.phase(phase.value, seconds),
                changed=lambda container: self.publisher.changed(container),  # noqa: PLW0108 - made after the switches
            )
        )

    def _plugging_parts(self) -> Parts:
        return Parts(
            store=self.store,
            attacher=self.attacher,
            locks=self.locks,
            networks=self.networks,
            switches=self.switches,
            observe=self.meters.repaired,
            changed=self.publisher.changed,
        )

    def perform(self, env: dict[str, str], stdin: bytes) -> Reply:
        """One CNI call. A DEL that still waits in the spool comes before an ADD: it may be the same container's."""
        if env.get("CNI_COMMAND") == "ADD" and self.dels.depth():
            self.dels.replay()
        return self.verbs.perform(env, stdin)

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set. Raises OSError when the socket or the metrics' address cannot be had."""
        settings = self.settings
        with ExitStack() as ending:
            ending.callback(self.store.close)
            ending.callback(self.clusters.stop)
            server = AgentServer(settings.socket, self.perform, self.asks.answer)
            ending.callback(server.stop)
            if settings.metrics is not None:
                ending.callback(metrics.serve(self.meters, settings.metrics))
            ending.callback(self.switches.stop)
            self.hotplug.recover()  # first: a switch must not find another's pin
            self.switches.resume()
            self.publisher.resume()
            server.start()
            work = self._start_loops()
            ending.callback(work.stop, STOP_SECONDS)
            ending.callback(self.publisher.stop)
            if self.edits is not None and self.clusters.own is not None:
                ending.callback(self.edits.stop)
                self.clusters.own.on_pod(self.edits.heard)
            log.info("agent ready", extra={"node": settings.node, "socket": str(settings.socket)})
            stop.wait()
            log.info("agent stops", extra={"node": settings.node})

    def _start_loops(self) -> loops.Loops:
        settings = self.settings
        sources = Sources(
            node=settings.node,
            store=self.store,
            uplinks=settings.uplinks,
            counters=kernel.counters,
            telling=self.telling,
            seen=self.uplink_loads.add,
        )
        leftovers = Leftovers(self.store, self.attacher, self.locks, self.switches.statuses)
        work = loops.Loops()
        work.run("leftovers", loops.clearing(leftovers, self.meters.repaired))
        work.run("hot adds", loops.recovering(self.hotplug))
        if self.edits is not None:
            work.run("edits", self.edits.turn)
        if self.clusters.own is not None:
            forgotten = Forgotten(self.store, self.clusters.own, kernel.is_netns, settings.forget_after)
            work.run("forgotten", loops.forgetting(forgotten, self.means, self.meters.repaired))
        work.run("dels", loops.replaying(self.dels))
        work.run("publishing", self.publisher.turn)
        work.run("sampling", loops.sampling(Sampler(sources, self.spool), self.spool, settings.sample_every))
        if settings.install is not None:
            check = partial(check_default, self.means, settings.install.conf or {})
            work.run("install", Installer(settings.install, self.store, check).turn)
        if settings.controller is not None:
            pusher = Pusher(
                settings.controller, self.spool, self.telling.tell_all, self.meters.batch, ranked=self.rankings.take
            )
            work.run("pushing", loops.pushing(pusher, settings.sample_every))
        return work

    def _watch(self) -> None:
        watch = self.meters.watch
        watch("genie_attachments", "Attachments in the store.", lambda: len(self.store.all()))
        watch("genie_batch_spool_depth", "Batches waiting for the controller.", self.spool.depth)
        watch("genie_del_spool_depth", "Spooled DELs waiting.", self.dels.depth)
        watch("genie_annotations_waiting", "Pods whose annotations wait for the API server.", self.publisher.depth)
        watch("genie_cluster_warm", "Whether its pods are known without asking.", lambda: self.clusters.warm)
        watch(
            "genie_cluster_unsafe", "Connections that are not safe, as the log says.", lambda: len(self.clusters.unsafe)
        )
        watch("genie_batches_dropped", "Batches lost as the spool was full, since start.", lambda: self.spool.dropped)


def _settle_down() -> None:
    """Calls are answered in milliseconds: none waits for a search through all that was ever imported, nor for a thread
    that computes, such as the sampler's, for as long as Python would let it."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(TURN_SECONDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit status: 0 done, or stopped by a signal, 1 it failed, 2 bad usage, settings or input."""
    parser = argparse.ArgumentParser(
        prog="genie-agent",
        description="The node's agent: CNI calls, live switches, counters. It serves until SIGTERM.",
        epilog="example: genie-agent --config /etc/genie/agent.yaml",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the agent's settings, YAML")
    add_node(parser)
    parser.add_argument("--check", action="store_true", help="only check the settings")
    commands = parser.add_subparsers(title="instead of serving", metavar="COMMAND")
    multus.add_command(commands)
    uninstall.add_command(commands)
    options = parser.parse_args(arguments)
    if hasattr(options, "run"):
        return int(options.run(options))
    if options.config is None:
        parser.error("--config FILE is required")
    try:
        settings = load(options.config, options.node)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer to its user
        return 2
    if options.check:
        return 0
    log_to_stderr()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        make_ready()
        agent = Agent(settings)
        _settle_down()
        agent.run(stop)
    except (StoreError, OSError) as error:
        log.error("agent failed", extra={"error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
