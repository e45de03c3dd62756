"""The lab itself: builds the site, starts agents, workloads, traffic and controller, and takes all of it down.

Made for use within a sandbox (see ``switcher.lab.sandbox``), by the command and by tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from switcher.errors import SwitcherError
from switcher.lab import leaks, site
from switcher.lab.blueprint import ATTACHMENT, WORLD, Blueprint, Kind, Node
from switcher.lab.command import LabError, inside, run
from switcher.lab.leaks import Inventory
from switcher.lab.processes import (
    Process,
    make_agent,
    make_controller,
    make_flood,
    make_workload,
    make_world,
    write_token,
)
from switcher.lab.runtime import PRIMARY, Runtime, Sandbox
from switcher.lab.shaper import Sampler, shape_site
from switcher.lab.state import StateDirectory
from switcher.lab.story import Story, foreign_bps, write_objects
from switcher.lab.watch import Watch, agents, wait_until
from switcher.ports import History

ANSWER_SECONDS = 20.0
SETTLE_SECONDS = 40.0
IN_FLIGHT_SECONDS = 1.5
"""Between the end of sending and the end of receiving."""


@dataclass
class Bed:
    """A lab in the present namespaces. ``say`` gets one line a step."""

    blueprint: Blueprint
    state: StateDirectory
    open_history: Callable[[str], History]
    say: Callable[[str], None] = lambda _: None
    agents: dict[str, Process] = field(default_factory=dict)
    controller: Process | None = None
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sampler = Sampler(self.blueprint)
        self.watch = Watch(self.blueprint, self.state, lambda: self.open_history(f"sqlite:///{self.state.database}"))
        self._runtimes = {
            node.name: Runtime(node.name, self.state.socket(node.name), self.state.node(node.name) / "del-spool")
            for node in self.blueprint.nodes
        }
        self._before: dict[str, Inventory] = {}
        self._senders: list[Process] = []
        self._receivers: list[Process] = []
        self._floods: list[Process] = []

    def build(self) -> None:
        """The site with its agents, and what is there before the first workload. Raises LabError."""
        write_token(self.state)
        self.say(f"building {len(self.blueprint.nodes)} nodes on 3 physical networks")
        site.build(self.blueprint)
        shape_site(self.blueprint)
        for node in self.blueprint.nodes:
            agent = self.agents[node.name] = make_agent(node, self.state)
            agent.start()
        for node in self.blueprint.nodes:
            self.agents[node.name].wait_for(self.state.socket(node.name))
            self.await_agent(node.name)
        self._before = {node.name: self._inventory(node) for node in self.blueprint.nodes}
        self.sampler.start()

    def await_agent(self, node: str) -> None:
        """Wait until the node's agent answers. Raises LabError when it does not."""
        asked = agents(self.blueprint, self.state, 1.0)

        def answers() -> bool:
            try:
                asked.attachments(node)
            except SwitcherError:
                return False
            return True

        if not wait_until(answers, ANSWER_SECONDS):
            raise LabError(f"the agent of {node} does not answer; its log ends:\n{self.agents[node].last_words()}")

    def attach(self) -> None:
        """Start every workload, as the nodes' runtimes would: nodes in parallel, a node's workloads one by one."""
        self.say(f"attaching {len(self.blueprint.workloads)} workloads through genie")

        def start_all(node: Node) -> list[Sandbox]:
            return [self._runtimes[node.name].start(workload) for workload in self.blueprint.on(node.name)]

        with ThreadPoolExecutor(len(self.blueprint.nodes)) as pool:
            for started in pool.map(start_all, self.blueprint.nodes):
                self.sandboxes |= {sandbox.workload.name: sandbox for sandbox in started}

    def start_traffic(self) -> None:
        """Receivers first, then everybody who sends."""
        self.say("starting traffic")
        for name in (WORLD, *(w.name for w in self.blueprint.workloads if w.kind is Kind.MPTCP)):
            run(inside(name, "ip", "mptcp", "limits", "set", "subflow", "4", "add_addr_accepted", "4"))
        sinks, clients = (make_world(role, self.blueprint, self.state) for role in ("sinks", "clients"))
        self._receivers = [sinks]
        sinks.start()
        sinks.wait_for(self.state.traffic("sinks"))
        self.watch.poll()
        self.watch.start()
        workloads = {w.name: make_workload(w, self.state) for w in self.blueprint.workloads}
        self._senders = [clients, *workloads.values()]
        for process in workloads.values():
            process.start()
        for name, process in workloads.items():
            process.wait_for(self.state.traffic(name))
        clients.start()  # last: every server that it asks listens

    def start_controller(self, seconds: float | None) -> None:
        """Start the controller on objects without a policy: it takes samples and moves nothing. Raises LabError."""
        self.say("starting the controller")
        story = Story(start=time.time(), seconds=seconds)
        write_objects(Story(start=story.start, seconds=None), self.state.objects, policy=False)
        self.controller = make_controller(self.blueprint, story, self.state)
        self.controller.start()
        self.controller.wait_for(self.state.path / "switcher.sock")

    def begin(self, story: Story) -> None:
        """The users write their policy and announce a price: the story begins."""
        write_objects(story, self.state.objects)

    def load_foreign(self) -> None:
        """Foreign load on the cheapest uplink of every node."""
        for node in self.blueprint.nodes:
            load = foreign_bps(self.blueprint, node.name)
            if load > 0:
                flood = make_flood(node, load, self.state)
                flood.start()
                self._floods.append(flood)

    def dead(self) -> list[Process]:
        """Processes that should run and do not."""
        wanted = [*self.agents.values(), *self._senders, *self._receivers, *self._floods]
        return [process for process in (*wanted, self.controller) if process is not None and not process.alive]

    def settle(self) -> bool:
        """Stop deciding, wait until no switch is in flight. Returns whether all ended."""
        if self.controller is not None:
            self.controller.stop()
        return wait_until(lambda: not self.watch.in_flight(), SETTLE_SECONDS)

    def stop_traffic(self) -> float:
        """Senders first, then who receives. Returns when the sending ended."""
        clients, *workloads = self._senders
        clients.stop()  # before the servers that it asks
        for process in (*workloads, *self._floods):
            process.signal_stop()
        ended = time.time()
        for process in (*workloads, *self._floods):
            process.stop()
        time.sleep(IN_FLIGHT_SECONDS)
        for process in self._receivers:
            process.stop()
        self.sampler.stop()
        self.watch.stop()
        return ended

    def untidy(self) -> Inventory:
        """What workloads at rest have beyond one of everything an interface."""
        left = Inventory()
        for name in self.sandboxes:
            left |= leaks.untidy(name, (PRIMARY, ATTACHMENT))
        return left

    def detach(self) -> Inventory:
        """Delete every workload and return what is left of them anywhere, and what was too much before."""
        before = self.untidy()

        def stop_all(node: Node) -> None:
            for workload in self.blueprint.on(node.name):
                if workload.name in self.sandboxes:
                    self._runtimes[node.name].stop(self.sandboxes[workload.name])

        with ThreadPoolExecutor(len(self.blueprint.nodes)) as pool:
            list(pool.map(stop_all, self.blueprint.nodes))
        return before | self.leaked()

    def leaked(self) -> Inventory:
        """What the nodes and the workloads' namespaces have beyond an untouched one, once all are detached."""
        left = Inventory()
        for node in self.blueprint.nodes:
            left |= self._inventory(node).beyond(self._before[node.name])
        site.make_namespace("untouched")
        untouched = {entry.partition(": ")[2] for entry in leaks.take("untouched").everything()}
        site.remove_namespace("untouched")
        for name in self.sandboxes:
            left |= leaks.take(name).without(untouched)
        return left

    def _inventory(self, node: Node) -> Inventory:
        home = self.state.node(node.name)
        held = [f"lease {lease}" for lease in leaks.leases(home / "ipam")]
        held += [f"spooled {path.name}" for path in (home / "del-spool").iterdir()]
        for report in agents(self.blueprint, self.state).attachments(node.name):
            held.append(f"attachment {report.workload}:{report.attachment} on {report.network}")
        return leaks.take(node.name, held)

    def stop(self) -> None:
        """End every process and remove the namespaces; safe at any moment."""
        processes = [*self._senders, *self._floods, *self._receivers, *self.agents.values()]
        for process in processes if self.controller is None else (self.controller, *processes):
            process.kill()
        site.destroy(self.blueprint)
