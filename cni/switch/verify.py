"""Proving a path: carrier, address, gateway, and the targets that the policy names."""

from __future__ import annotations

import ipaddress
import threading
import time

from cni.kernel import interfaces, neighbours, probes
from cni.switch.journal import Side
from cni.switch.means import StepFailedError
from cni.wire import Verify

PROBE_SECONDS = 1.0
PAUSE_SECONDS = 0.05


def target_problem(text: str) -> str | None:
    """What is wrong with a target as written; None when it can be probed."""
    kind, _, rest = text.partition("://")
    host, _, port = rest.partition(":") if kind == "tcp" else (rest, "", "")
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return f"verify target {text}: not an IPv4 address"
    if kind == "tcp" and not (port.isdigit() and 0 < int(port) < 65536):
        return f"verify target {text}: the port is missing"
    return None if kind in ("tcp", "ping") else f"verify target {text}: neither tcp:// nor ping://"


def prove(netns: str, ifname: str, side: Side, asked: Verify, ended: threading.Event) -> None:
    """Returns after ``asked.successes`` good rounds. Raises StepFailedError with what failed last at the deadline."""
    deadline = time.monotonic() + asked.deadline_seconds
    good = 0
    problem: str | None = "no probe was made"
    while good < max(1, asked.successes):
        left = deadline - time.monotonic()
        if left <= 0 or ended.is_set():
            raise StepFailedError(f"verification did not succeed in {asked.deadline_seconds:g} s: {problem}")
        problem = trouble(netns, ifname, side, asked.targets, min(PROBE_SECONDS, left))
        if problem is None:
            good += 1
        ended.wait(PAUSE_SECONDS)


def trouble(netns: str, ifname: str, side: Side, targets: tuple[str, ...], seconds: float) -> str | None:
    """What is wrong with the path now; None when nothing is. Raises OSError when the namespace is gone."""
    link = interfaces.link(netns, ifname)
    if link is None or link.index != side.link:
        return f"link {ifname} is gone"
    if not (link.up and link.carrier):
        return f"link {ifname} has no carrier"
    present = {each.address for each in interfaces.addresses_of(netns, link.index)}
    if side.address not in present:
        return f"link {ifname} has lost its address {side.address}"
    try:
        return _silent(netns, ifname, side, targets, seconds)
    except OSError as error:
        return f"link {ifname} cannot be probed: {error}"


def _silent(netns: str, ifname: str, side: Side, targets: tuple[str, ...], seconds: float) -> str | None:
    if side.gateway and not neighbours.answers(netns, ifname, side.address, side.gateway, seconds):
        return f"gateway {side.gateway} does not answer ARP on {ifname}"
    for target in targets:
        if not _answers(netns, ifname, side.address, target, seconds):
            return f"{target} does not answer over {ifname}"
    return None


def _answers(netns: str, ifname: str, source: str, target: str, seconds: float) -> bool:
    kind, _, rest = target.partition("://")
    if kind == "ping":
        return probes.echoes(netns, ifname, source, rest, seconds)
    host, _, port = rest.partition(":")
    return probes.connects(netns, ifname, source, (host, int(port)), seconds)
