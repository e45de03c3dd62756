"""A cluster's own place: a short directory, cgroups of the same name, and what it covers of the machine's file system.

Its owner holds a lock. What an owner left because it was killed is removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.support.cluster.programs import CACHE, run

LOCK = "lock"


@contextmanager
def claimed(prefix: str) -> Iterator[Path]:
    """A directory until the end of the block; ``prefix`` tells its kind."""
    with ExitStack() as undo:
        with _claiming():
            _sweep(prefix)
            # Short, for a socket's path has at most 107 bytes.
            directory = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
            undo.callback(shutil.rmtree, directory)
            held = undo.enter_context((directory / LOCK).open("w"))
            fcntl.flock(held, fcntl.LOCK_EX)
        yield directory


@contextmanager
def cgroups(name: str) -> Iterator[None]:
    """Cgroups of that name, one in each hierarchy, until the end of the block."""
    with ExitStack() as undo:
        undo.callback(_remove_cgroups, name)
        for hierarchy in hierarchies():
            (hierarchy / name).mkdir()
        yield


@contextmanager
def covered(place: Path, by: Path) -> Iterator[None]:
    """``by`` stands where ``place`` is, in our mount namespace; a directory is made where there is none yet."""
    with ExitStack() as undo:
        if not place.exists():
            place.mkdir()
            undo.callback(_remove_if_unused, place, by.parent)
        # Shared, as the kubelet wants it: it would else put a mount of its own above.
        run("mount", "--bind", "--make-shared", by, place)
        undo.callback(run, "umount", "--lazy", place)
        yield


def hierarchies() -> Sequence[Path]:
    """Where cgroups are made: version 2's, and each of version 1 where that is in use."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [Path(mount[1]) for mount in mounts if mount[2] in ("cgroup", "cgroup2")]


def processes(name: str) -> set[int]:
    """The processes in the cgroups of that name, and below."""
    files = (file for hierarchy in hierarchies() for file in (hierarchy / name).rglob("cgroup.procs"))
    return {int(line) for file in files for line in file.read_text().split()}


def empty_cgroups(name: str) -> None:
    """Removes what is below the cgroups of that name. Raises OSError when a process lives there."""
    for hierarchy in hierarchies():
        for path, _, _ in os.walk(hierarchy / name, topdown=False):
            if Path(path) != hierarchy / name:
                Path(path).rmdir()


def mounts_below(*places: Path) -> list[str]:
    """Mount points below these directories, the innermost first; not the directories themselves."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if any(place in Path(point).parents for place in places)), reverse=True)


@contextmanager
def _claiming() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep(prefix: str) -> None:
    for left in Path("/tmp").glob(f"{prefix}*/"):  # noqa: S108 - each directory is its maker's alone
        with suppress(OSError), (left / LOCK).open("a") as lock:  # an owner lives, or it is another user's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove_cgroups(left.name)
            shutil.rmtree(left)


def _remove_cgroups(name: str) -> None:
    empty_cgroups(name)
    for hierarchy in hierarchies():
        with suppress(FileNotFoundError):
            (hierarchy / name).rmdir()


def _remove_if_unused(place: Path, owner: Path) -> None:
    # To remove a directory undoes what is mounted there in other mount namespaces, so another cluster must not live.
    with _claiming(), suppress(OSError):  # somebody else's by now
        prefix = owner.name.rpartition("-")[0]
        if not any(_lives(other) for other in Path("/tmp").glob(f"{prefix}-*/") if other != owner):  # noqa: S108 - as above
            place.rmdir()


def _lives(directory: Path) -> bool:
    with suppress(FileNotFoundError), (directory / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
