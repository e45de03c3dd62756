"""One case from a bare node to a bare node, and everything that is wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.fuzz.case import Case, rendered
from tests.fuzz.corpus import BEFORE
from tests.fuzz.judging import (
    after_complaints,
    log_complaints,
    reply_complaints,
    state_complaints,
    word_complaints,
)
from tests.fuzz.world import Said, World

POD = re.compile(r"(?:^|;)K8S_POD_NAME=([a-z0-9.-]{1,253})(?=;|$)")
NAMESPACE = re.compile(r"(?:^|;)K8S_POD_NAMESPACE=([a-z0-9.-]{0,63})(?=;|$)")
VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\{[^{}]*\}|\[[^\[\]]*\]|\b[0-9a-f]{6,}\b|\d+")


@dataclass(frozen=True)
class Trial:
    """How a case went."""

    said: Said
    complaints: tuple[str, ...]

    @property
    def signature(self) -> str:
        """The first complaint without what varies: two cases with one signature have one cause, most likely."""
        return shape_of(self.complaints[0]) if self.complaints else ""


def shape_of(text: str) -> str:
    """A text without its names and numbers."""
    return VARYING.sub("_", text)[:160]


def run(world: World, case: Case) -> Trial:
    """Run it. The world is bare again afterwards."""
    case = case.placed(world.words)
    complaints: list[str] = []
    world.new_log()
    if case.before:
        complaints += _attach_before(world)
    world.furnish(case)
    said = world.send(case)
    lines = world.new_log()
    seen = world.look()
    complaints += [
        *reply_complaints(case, said),
        *log_complaints(lines),
        *state_complaints(case, said, seen, lines),
        *word_complaints(case, said, pod_of(case)),
        *_ending(world, case, said),
    ]
    silence = world.silence()
    if silence is not None:
        complaints.append(f"the agent does not answer after {case.command}: {silence}")
    if not world.look().bare:
        world.clean()
    world.sweep()
    return Trial(said, tuple(complaints))


def pod_of(case: Case) -> str | None:
    """``namespace/name``, where CNI_ARGS say it plainly."""
    args = case.env.get("CNI_ARGS", "")
    names, namespaces = POD.findall(args), NAMESPACE.findall(args)
    if not names or (len(namespaces) != args.count("K8S_POD_NAMESPACE=")):
        return None
    return f"{(namespaces[-1] if namespaces else '') or 'default'}/{names[-1]}"


def _attach_before(world: World) -> Sequence[str]:
    before = rendered(BEFORE, binary=False).placed(world.words)
    world.furnish(before)
    said = world.send(before)
    return [] if said.status == 0 else [f"a plain ADD failed: {said.stdout.decode('utf-8', 'replace')}"]


def _ending(world: World, case: Case, said: Said) -> Iterator[str]:
    """A success is checked and deleted; what is owed is deleted by plugins that do nothing.

    A damaged frame may be a good request for another container: what it made is deleted by its record.
    """
    if case.damage is None and case.command == "ADD" and said.status == 0 and not said.closed:
        yield from reply_complaints(asked(case, "CHECK"), world.send(asked(case, "CHECK")))
        delete = asked(case, "DEL")
        deleted = world.send(delete)
        yield from reply_complaints(delete, deleted)
        seen = world.look()
        yield from after_complaints(case, deleted, seen)
    elif case.before:
        plain = rendered({**BEFORE, "env": {**BEFORE["env"], "CNI_COMMAND": "DEL"}}, binary=False).placed(world.words)
        deleted = world.send(plain)
        seen = world.look()
        yield from after_complaints(plain, deleted, seen)
    for container, ifname in world.owed():
        told = world.send(_plain_delete(case, container, ifname, world.calm))
        if told.status != 0:
            yield f"a DEL whose plugins all succeed failed: {told.stdout.decode('utf-8', 'replace')}"
    yield from log_complaints(world.new_log())


def asked(case: Case, command: str) -> Case:
    """The same call for another verb."""
    return replace(case, env={**case.env, "CNI_COMMAND": command}, damage=None)


def _plain_delete(case: Case, container: str, ifname: str, path: str) -> Case:
    own = {"CNI_COMMAND": "DEL", "CNI_CONTAINERID": container, "CNI_IFNAME": ifname, "CNI_PATH": path, "CNI_NETNS": ""}
    netconf = b'{"cniVersion": "1.0.0", "name": "pods", "type": "genie"}'
    return replace(case, env={**own, "PATH": case.env.get("PATH", "")}, stdin=netconf, binary=False, damage=None)
