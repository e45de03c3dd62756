"""The agents of a benchmark's site: they take every order, and report between two ticks as real ones do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import func, select

from cni.wire import AttachmentReport, Batch, Outcome, Phase, SwitchOrder, SwitchStatus, UplinkSample, decode, status_of
from switcher.adapters.store.engine import Database
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.schema import path_samples, paths

FULL = 1 / 5
"""An uplink's capacity, as a part of what its node sends."""
Rates = Mapping[str, float]
"""By workload, bytes per second out."""


class Agents:
    """One on each node. What they hold is not the controller's memory: hence as JSON, and few numbers."""

    def __init__(self, history: SqlHistory, url: str, networks: int) -> None:
        self.orders: dict[str, list[SwitchOrder]] = {}
        self._networks = networks
        self._sequences: Counter[str] = Counter()
        self._found = {
            node: msgspec.json.encode([each.report for each in known])
            for node, known in groupby(history.attachments(), key=lambda known: known.node)
        }
        self._rates = {node: msgspec.json.encode(rates) for node, rates in _rates(url)}
        self._used = {
            node: self._sums(node, decode(found, list[AttachmentReport])) for node, found in self._found.items()
        }

    def order(self, node: str, order: SwitchOrder) -> None:
        """Taken."""
        self.orders.setdefault(node, []).append(order)

    def switches(self, node: str) -> Sequence[SwitchStatus]:  # noqa: ARG002 - the port's signature
        """None is known."""
        return ()

    def report(self, history: SqlHistory, begin: float, end: float) -> None:
        """What became of each order at the beginning, the attachments where any was, and what uplinks carried since."""
        for node in self._found:
            self._sequences[node] += 1
            orders = self.orders.get(node, ())
            found = self._moved(node, orders, begin) if orders else None
            history.ingest(
                Batch(
                    agent=f"{node}/a",
                    node=node,
                    sequence=1 + self._sequences[node],
                    sent_at=end,
                    uplinks=tuple(self._samples(node, begin, end)),
                    switches=tuple(_ended(order, begin) for order in orders),
                    attachments=found,
                )
            )
        self.orders.clear()

    def _moved(self, node: str, orders: Sequence[SwitchOrder], at: float) -> tuple[AttachmentReport, ...]:
        found = {report.workload: report for report in _decoded(self._found[node])}
        for order in orders:
            found[order.workload] = msgspec.structs.replace(
                found[order.workload],
                network=order.target,
                physical_network=f"phynet{_number(order.target)}",
                since=at,
            )
        self._found[node] = msgspec.json.encode(list(found.values()))
        self._used[node] = self._sums(node, list(found.values()))
        return tuple(found.values())

    def _sums(self, node: str, reports: Sequence[AttachmentReport]) -> list[float]:
        """Bytes per second out by network."""
        rates: Rates = msgspec.json.decode(self._rates[node])
        used = [0.0] * self._networks
        for report in reports:
            used[_number(report.network)] += rates[report.workload]
        return used

    def _samples(self, node: str, begin: float, end: float) -> Iterator[UplinkSample]:
        used, seconds = self._used[node], end - begin
        for number, rate in enumerate(used):
            yield UplinkSample(
                physical_network=f"phynet{number}",
                start=begin,
                seconds=seconds,
                in_bytes=int(0.4 * rate * seconds),
                out_bytes=int(rate * seconds),
                capacity_bps=sum(used) * 8 * FULL,
            )


def _rates(url: str) -> Iterator[tuple[str, dict[str, float]]]:
    """By node, of what was sampled at first."""
    database, columns = Database(url), path_samples.c
    seconds = func.sum(columns.until - columns.start) / 1e6
    query = (
        select(paths.c.node, paths.c.workload, func.sum(columns.out_bytes) / seconds)
        .join_from(paths, path_samples, columns.path_id == paths.c.id)
        .group_by(paths.c.node, paths.c.workload)
        .order_by(paths.c.node)
    )
    with database.reading() as connection:
        for node, rows in groupby(connection.execute(query), key=itemgetter(0)):
            yield node, {workload: rate for _, workload, rate in rows}
    database.close()


def _decoded(found: bytes) -> list[AttachmentReport]:
    return list(decode(found, list[AttachmentReport]))


def _number(network: str) -> int:
    return int(network.removeprefix("cni:net"))


def _ended(order: SwitchOrder, at: float) -> Any:
    status = status_of(order, Phase.DONE, at)
    return msgspec.structs.replace(status, outcome=Outcome.MOVED, finished_at=at + 0.05)
