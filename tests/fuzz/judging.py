"""What must hold after every request, whatever it was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cni.wire import MAX_FRAME
from tests.fuzz.case import Case
from tests.fuzz.expecting import networks_asked
from tests.fuzz.looking import Seen
from tests.fuzz.shapes import error_problems, result_problems
from tests.fuzz.world import Said

TRACES = ("failed unexpectedly", "internal error", "Exception in thread", "Exception ignored")
OWED = ("undoing an attachment failed", "undoing it failed too")
"""The agent's words, in its log or its reply, for a record that stays as DELETING: the delegate's own DEL failed."""

SANITIZERS = ("Sanitizer", "runtime error")
LONGEST_LINE = 100_000
OF_A_PLUGIN = re.compile(r"\bplugin [\w-]+(:| is not| cannot)")

Complaints = Iterator[str]


def reply_complaints(case: Case, said: Said) -> Complaints:
    """Of the reply alone."""
    if said.late:
        yield f"{case.command}: no reply within the bound"
    elif said.closed:
        # A frame that is none, or larger than one may be, gets no reply.
        if case.damage is None and len(case.body()) <= MAX_FRAME:
            yield f"{case.command}: the connection was closed without a reply: {said.stderr}"
    elif any(word in said.stderr for word in SANITIZERS):
        yield f"{case.command}: a sanitizer's finding: {said.stderr[:1000]}"
    elif said.status != 0:
        if said.status != 1:
            yield f"{case.command}: exit status {said.status}"
        yield from (f"{case.command} failed, but {problem}" for problem in error_problems(said.stdout))
    elif case.damage is None:
        yield from _success_complaints(case, said)


def _success_complaints(case: Case, said: Said) -> Complaints:
    match case.command:
        case "ADD":
            version = asked_version(case)
            if version is None:
                yield "ADD succeeded with a configuration that cannot be read"
                return
            yield from (f"ADD succeeded, but {problem}" for problem in result_problems(said.stdout, version))
        case "VERSION":
            if "supportedVersions" not in _object(said.stdout):
                yield "VERSION does not say what is supported"
        case _:
            if said.stdout:
                yield f"{case.command} succeeded with output"


def log_complaints(lines: Sequence[str]) -> Complaints:
    """Of what the agent wrote meanwhile."""
    for line in lines:
        if len(line) > LONGEST_LINE:
            yield f"the agent's log has a line of {len(line)} characters: {line[:200]}"
        entry = _object(line.encode())
        if not entry:
            yield f"the agent's log: {line}"
        elif "exception" in entry or any(word in line for word in TRACES):
            yield f"the agent's log: {' '.join(str(entry.get('exception', line)).split()[-30:])}"


def state_complaints(case: Case, said: Said, seen: Seen, lines: Sequence[str]) -> Complaints:
    """Of the kernel and the store after the request."""
    if case.command == "ADD" and said.status == 0 and not said.closed:
        yield from _attached_complaints(case, said, seen)
        return
    if any(state == "adding" for _, _, state in seen.rows):
        yield f"{case.command}: a record is left as ADDING"
    if any(word in text for word in OWED for text in (*lines, said.stdout.decode("utf-8", "replace"))):
        return  # its DEL is owed, and tried again
    if case.before:
        yield from _before_complaints(case, said, seen)
    elif not seen.bare:
        yield f"{case.command} failed and left {left(seen)}"


def _before_complaints(case: Case, said: Said, seen: Seen) -> Complaints:
    """What was attached before is there whole, or gone whole, or a DEL that failed still owes it."""
    states = {state for _, _, state in seen.rows}
    if seen.bare or (states == {"ready"} and "eth0" in seen.links and seen.leases):
        return
    if states <= {"deleting", "ready"} and said.status != 0 and case.command in ("DEL", "GC"):
        return
    yield f"{case.command}: half of what was attached before is left: {left(seen)}"


def _attached_complaints(case: Case, said: Said, seen: Seen) -> Complaints:
    """A plugin that prints what it was told has made none of that: only the real ones are held to their words."""
    if not seen.rows or any(state != "ready" for _, _, state in seen.rows):
        yield f"ADD succeeded, and the store has {seen.rows}"
    asked = networks_asked(case) if case.damage is None else None  # a damaged frame may ask for others
    if asked is not None and asked != len(seen.rows):
        yield f"ADD succeeded with {len(seen.rows)} networks of {asked} that were asked for"
    if made_up(case):
        return
    unknown = seen.links - {name for _, name, _ in seen.rows}
    if unknown:
        yield f"ADD succeeded, and {sorted(unknown)} are in no record"
    result = _object(said.stdout)
    interfaces = result.get("interfaces") or []
    missing = {each["name"] for each in interfaces if each.get("sandbox")} - seen.links
    if missing:
        yield f"ADD succeeded, and {sorted(missing)} of its result are not there"
    for ip in result.get("ips") or []:
        # Where no interface is named, a plugin may have made none: IPAM alone gives addresses too.
        named = interfaces[ip["interface"]]["name"] if "interface" in ip else None
        if named is not None and ip["address"] not in seen.addresses.get(named, ()):
            yield f"ADD succeeded, and {named} has no address {ip['address']}"


def word_complaints(case: Case, said: Said, pod: str | None) -> Complaints:
    """An ADD's error says whose it is."""
    if case.command != "ADD" or said.status != 1 or pod is None or case.damage is not None:
        return
    error = _object(said.stdout)
    text = f"{error.get('msg', '')} {error.get('details', '')}"
    if pod not in text:
        yield "an ADD's error does not name the pod"
    if OF_A_PLUGIN.search(text) and "network" not in text:
        yield "an ADD's error does not name the network"


def after_complaints(case: Case, deleted: Said, seen: Seen) -> Complaints:
    """Of a success and its DEL."""
    if deleted.status == 0 and not seen.bare:
        yield f"{case.command} and then DEL succeeded and left {left(seen)}"
    elif deleted.status == 0 and deleted.stdout:
        yield "DEL succeeded with output"


def asked_version(case: Case) -> str | None:
    """The version in which the result is to be; None when no configuration can be read."""
    config = _object(case.stdin)
    if not config:
        return None
    version = config.get("cniVersion")
    return version if isinstance(version, str) and version else "0.1.0"


def made_up(case: Case) -> bool:
    """Whether the result may come from a plugin that only prints, or from the runtime itself."""
    texts = [case.stdin, *case.confs.values(), *case.objects.values()]
    return any(b"scripted" in text for text in texts) or b"prevResult" in case.stdin


def left(seen: Seen) -> str:
    """What is not bare, in words."""
    parts: dict[str, list[str]] = {
        "links": sorted(seen.links),
        "rules": [str(seen.rules)] if seen.rules else [],
        "links on the node": sorted(seen.node_links),
        "leases": sorted(seen.leases),
        "records": [f"{name} {state}" for _, name, state in seen.rows],
    }
    return ", ".join(f"{what}: {each}" for what, each in parts.items() if each)


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
