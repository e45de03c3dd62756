"""The machine's own tools (ip, tc, nsenter), run by argument list; what they say on failure reaches the user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from switcher.errors import SwitcherError

NETNS_DIR = Path("/run/netns")
TOOL_SECONDS = 30.0


class LabError(SwitcherError):
    """The lab cannot go on; its text says what failed and, where known, what to do."""


def search_path() -> str:
    """PATH with the directories of system tools, which unprivileged users often lack."""
    return os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


def environment(**extra: str) -> dict[str, str]:
    """The environment of processes that the lab starts."""
    return {**os.environ, "PATH": search_path(), **extra}


def inside(namespace: str, *argv: str) -> list[str]:
    """The command within a network namespace; it stays in the mount namespace, unlike with ``ip netns exec``."""
    return ["nsenter", f"--net={NETNS_DIR / namespace}", *argv]


def run(argv: Sequence[str], text: str | None = None) -> str:
    """Run a tool with ``text`` on its stdin and return its stdout. Raises LabError with its stderr when it fails."""
    try:
        done = subprocess.run(
            list(argv), input=text, capture_output=True, text=True, timeout=TOOL_SECONDS, env=environment(), check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{argv[0]} cannot be run: {error}") from error
    if done.returncode:
        raise LabError(f"`{' '.join(argv)}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def batch(tool: str, namespace: str, lines: Sequence[str]) -> None:
    """Many lines for ``ip`` or ``tc`` in one process. Raises LabError that names the failing line."""
    run([tool, "-n", namespace, "-batch", "-"], "\n".join(lines) + "\n")
