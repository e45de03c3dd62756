"""The real decision in a simulated world: :func:`switcher.decide.decide` on snapshots, with its memory between them."""

from __future__ import annotations

from datetime import datetime

from switcher.decide import Before, Settings, decide, remember
from switcher.decide.board import NOWHERE, Ints
from switcher.model import Decision, Memory, NetworkState, Snapshot, WorkloadState
from switcher.simulate.sight import Sight
from switcher.simulate.world import Facts, Site


class Ours:
    """Nothing of the decision is written again here: a sight becomes a snapshot, and moves are carried out."""

    def __init__(self, site: Site, start: datetime, settings: Settings | None = None, name: str = "ours") -> None:
        self.name = name
        self._start = start
        self._settings = settings or Settings()
        self._memory = Memory()
        self._before: Before | None = None
        self._facts = site.facts or (Facts(),) * len(site.workloads)
        self._row = {workload: number for number, workload in enumerate(site.workloads)}
        self._column = {network: number for number, network in enumerate(site.networks)}
        self._nodes = sorted(set(site.node), key=str)
        self._enter(site)

    def _enter(self, site: Site) -> None:
        """Take the site as it is from now on."""
        self._site = site
        # A workload that may not move has its own network only: a node's are those of any of its workloads.
        self._uplinks = {
            node: site.uplink[[row for row, each in enumerate(site.node) if each == node]].max(axis=0).tolist()
            for node in self._nodes
        }

    def place(self, sight: Sight) -> Ints:
        """Where they are, with the moves of this tick."""
        decision = self.decide(sight)
        place = sight.here.copy()
        for move in decision.moves:
            place[self._row[move.workload]] = self._column[move.target]
        return place

    def decide(self, sight: Sight) -> Decision:
        """The decision of this tick, remembered for the next one."""
        if sight.site is not self._site:
            self._enter(sight.site)
        seen = Snapshot(now=sight.now, networks=self._networks(sight), workloads=self._workloads(sight))
        book = self._site.book
        self._memory = remember(self._memory, self._before, seen, book)
        decision = decide(seen, self._memory, book, self._settings)
        self._before = Before(seen, decision)
        return decision

    def _networks(self, sight: Sight) -> tuple[NetworkState, ...]:
        """Every network of every node, with the sample of its uplink."""
        site, states = self._site, []
        into, out = sight.total_in.tolist(), sight.total_out.tolist()
        for node in self._nodes:
            for column, uplink in enumerate(self._uplinks[node]):
                if uplink == NOWHERE:
                    continue
                states.append(
                    NetworkState(
                        name=site.networks[column],
                        physical_network=site.uplinks[uplink].physical_network,
                        node=site.uplinks[uplink].node,
                        capacity_bps=float(site.capacity[uplink]),
                        used_bps=max(into[uplink], out[uplink]),
                        in_bps=into[uplink],
                        out_bps=out[uplink],
                        latency_ms=None if site.latency_ms is None else float(site.latency_ms[uplink]),
                        sampled_at=sight.sampled_at,
                    )
                )
        return tuple(states)

    def _workloads(self, sight: Sight) -> tuple[WorkloadState, ...]:
        site, costs = self._site, self._site.move_cost
        here, into, out = sight.here.tolist(), sight.into.tolist(), sight.out.tolist()
        rows = range(len(site.workloads)) if sight.present is None else sight.present.nonzero()[0].tolist()
        return tuple(
            WorkloadState(
                id=site.workloads[row],
                node=site.node[row],
                network=site.networks[here[row]],
                demand_bps=max(into[row], out[row]),
                in_bps=into[row],
                out_bps=out[row],
                move_cost=costs[row],
                namespace=self._facts[row].namespace,
                labels=self._facts[row].labels,
                attachment=self._facts[row].attachment,
                primary=self._facts[row].primary,
                do_not_move=self._facts[row].do_not_move,
                destination=self._facts[row].destination,
            )
            for row in rows
        )
