"""Namespaces: doing something inside one while this thread stays where it is.

A disposable thread enters the namespace, does the one thing and ends; processes that it started stay in that namespace.
Opening a socket or a file is all that most visits are for, and a thread costs many times as much: for that one system
call the calling thread goes there itself and comes back, or the whole process ends. What is opened stays there.
(Python 3.11 has no ``os.setns``, hence ctypes.)
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

CLONE_FS = 0x200
CLONE_NEWNS = 0x20000
CLONE_NEWNET = 0x40000000
NS_GET_NSTYPE = 0xB703
MS_BIND = 0x1000
MNT_DETACH = 2
SO_NETNS_COOKIE = 71
BOOT_ID = "/proc/sys/kernel/random/boot_id"

T = TypeVar("T")

log = logging.getLogger(__name__)

_libc = ctypes.CDLL(None, use_errno=True)


def inside(netns: str | None, act: Callable[[], T]) -> T:
    """What ``act`` returns when called inside the namespace at ``netns``; None means here, on this thread.

    Raises what ``act`` raises, and OSError when there is no such namespace.
    """
    if netns is None:
        return act()
    return _on_a_thread(netns, act)


def inside_mounts(path: str, act: Callable[[], T]) -> T:
    """What ``act`` returns when called inside the mount namespace at ``path``, from its root directory.

    Programs that it starts see that namespace's files. Raises what ``act`` raises, and OSError when there is no such
    namespace, or this process may not enter it (CAP_SYS_ADMIN, CAP_SYS_CHROOT).
    """

    def enter_and_act() -> T:
        # A thread that shares its root directory with others may not change it.
        _check(_libc.unshare(CLONE_FS), "unshare")
        _enter(path, CLONE_NEWNS)
        return act()

    return _on_a_thread(None, enter_and_act)


def _on_a_thread(netns: str | None, act: Callable[[], T]) -> T:
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            if netns is not None:
                _enter(netns)
            done.append(act())
        except BaseException as error:  # carried to the caller's thread, whatever it is
            failed.append(error)

    thread = threading.Thread(target=run, name="netns", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def _enter(path: str, kind: int = CLONE_NEWNET) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, kind), path)
    finally:
        os.close(descriptor)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def open_socket(netns: str | None, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A socket that lives in the namespace. Raises OSError."""
    return _opened(netns, lambda: socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol))


def open_proc(netns: str | None, name: str) -> int:
    """A descriptor of ``/proc/net/NAME`` as it is in the namespace, for reading. Raises OSError."""
    return _opened(netns, lambda: os.open(f"/proc/thread-self/net/{name}", os.O_RDONLY | os.O_CLOEXEC))


def _opened(netns: str | None, make: Callable[[], T]) -> T:
    """What ``make``, a single system call, opens in the namespace."""
    if netns is None:
        return make()
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(netns)
        try:
            return make()
        finally:
            _come_home(home)
    finally:
        os.close(home)


def _come_home(home: int) -> None:
    if _libc.setns(home, CLONE_NEWNET) != 0:
        # Nothing that this thread did from now on would be done in the right place. It has never been seen: the
        # right to leave for another namespace is the right to come back.
        log.critical("a thread cannot come back into its network namespace; this process ends")
        os._exit(os.EX_OSERR)


def is_netns(path: str) -> bool:
    """Whether ``path`` is a network namespace that is there now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return fcntl.ioctl(descriptor, NS_GET_NSTYPE) == CLONE_NEWNET
    except OSError:
        return False  # a file of another kind
    finally:
        os.close(descriptor)


def netns_identity(path: str) -> str | None:
    """What tells the namespace from every other that had its path or will have it; None: it cannot be entered now.

    The kernel counts namespaces since the boot (SO_NETNS_COOKIE, Linux 5.14). Before that the inode's number has to do,
    which the kernel gives again some day.
    """
    try:
        with open_socket(path, socket.AF_UNIX, socket.SOCK_DGRAM) as of_it:
            return f"{_boot()}/{_number(of_it, path)}"
    except OSError:
        return None


def _number(of_it: socket.socket, path: str) -> str:
    try:
        cookie = of_it.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8)
    except OSError:
        return f"inode {Path(path).stat().st_ino}"
    return str(int.from_bytes(cookie, sys.byteorder))


@functools.cache
def _boot() -> str:
    return Path(BOOT_ID).read_text().strip()


def same_netns(one: str, other: str) -> bool:
    """Whether both paths lead to one namespace; False when either is gone."""
    try:
        first, second = Path(one).stat(), Path(other).stat()
    except OSError:
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def create_netns(path: str) -> None:
    """A new network namespace, kept at ``path`` by a bind mount; nothing is done when it is there already.

    It outlives this process, so that an interrupted step finds it again. Raises OSError.
    """
    file = Path(path)
    if is_netns(path):
        return
    remove_netns(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()

    def make() -> None:
        _check(_libc.unshare(CLONE_NEWNET), "unshare")
        source = f"/proc/self/task/{threading.get_native_id()}/ns/net"
        _check(_libc.mount(source.encode(), path.encode(), None, MS_BIND, None), path)

    _on_a_thread(None, make)


def remove_netns(path: str) -> None:
    """The bind mount and its file go; the namespace too, when nothing else holds it. Absent: nothing to do."""
    _libc.umount2(path.encode(), MNT_DETACH)
    Path(path).unlink(missing_ok=True)


def read_sysctl(netns: str | None, key: str) -> str | None:
    """The value under ``/proc/sys``, as text; None when there is no such key. ``key`` has slashes."""
    path = Path("/proc/sys") / key

    def read() -> str | None:
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            return None

    return inside(netns, read)


def write_sysctl(netns: str | None, key: str, value: str) -> None:
    """Sets the value. Raises OSError, FileNotFoundError when the key (or its link) is not there."""
    path = Path("/proc/sys") / key

    def write() -> None:
        with path.open("r+") as file:
            file.write(value)

    inside(netns, write)


def run_inside(
    netns: str | None, command: Sequence[str], stdin: str = "", seconds: float = 10.0
) -> subprocess.CompletedProcess[str]:
    """Runs a command in the namespace and returns how it ended. Raises OSError; TimeoutError when it takes longer."""
    arguments: dict[str, Any] = {"input": stdin, "capture_output": True, "text": True, "timeout": seconds}
    try:
        return inside(netns, lambda: subprocess.run(list(command), check=False, **arguments))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{command[0]} did not end within {seconds:g} s") from error
