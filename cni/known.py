"""What CNI versions a plugin's program speaks, asked once per program."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

from cni.process import run

ASK_SECONDS = 5.0
OLDEST = frozenset({"0.1.0"})
"""Of a program that does not know VERSION (libcni takes it so)."""


class KnownVersions:
    """Answers of VERSION, kept until the program's file changes: STATUS comes every few seconds. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[tuple[int, int, int], frozenset[str]]] = {}

    def of(self, program: str) -> frozenset[str]:
        """The versions that it says it supports. Raises OSError when it cannot be started."""
        stat = Path(program).stat()
        identity = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        with self._lock:
            kept = self._answers.get(program)
        if kept is not None and kept[0] == identity:
            return kept[1]
        answer = _ask(program)
        with self._lock:
            self._answers[program] = (identity, answer)
        return answer


def _ask(program: str) -> frozenset[str]:
    # Plugins check the whole environment before they look at the command; libcni gives the same.
    names = ("CNI_NETNS", "CNI_IFNAME", "CNI_CONTAINERID", "CNI_PATH")
    env = {**os.environ, **dict.fromkeys(names, "dummy"), "CNI_COMMAND": "VERSION"}
    finished = run(program, b'{"cniVersion":"1.1.0"}', env, ASK_SECONDS)
    try:
        said = msgspec.json.decode(finished.stdout)["supportedVersions"]
        return frozenset(str(version) for version in said)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return OLDEST
