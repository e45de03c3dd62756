"""Where the programs are. ``tools/kubernetes`` builds them; tests cannot, for their sandbox has no network."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "genie-switcher"
"""What outlives a checkout; ``tools/kubernetes`` builds there."""

SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Not PATH: users who are not root often lack the ``sbin`` in theirs."""


class UnavailableError(Exception):
    """Why there can be no cluster here; the tests that need one are skipped with it."""


@cache
def kubernetes(*programs: str) -> Path:
    """The directory with these of Kubernetes' programs, and etcd. Raises UnavailableError when they are not built."""
    command = [str(ROOT / "tools/kubernetes"), "--if-built", *programs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnavailableError(done.stderr.strip())
    return Path(done.stdout.strip())


@cache
def installed(program: str) -> str:
    """The path of one of the system's programs. Raises UnavailableError when it is not installed."""
    if (found := shutil.which(program, path=SEARCHED)) is None:
        raise UnavailableError(f"{program} is not installed (tools/system-packages --for-tests installs it)")
    return found


def run(*command: str | Path) -> str:
    """A command that must succeed; what it printed. Raises RuntimeError with what it complained of."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout
