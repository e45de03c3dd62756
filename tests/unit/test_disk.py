"""Waiting for the disk together: nobody goes on too early, few syncs serve many, a refusal is for good."""

from __future__ import annotations

import errno
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cni.disk import Disk


class Slow:
    """A sync that takes until it is let go; ``safe`` is what had been written when the last finished one began."""

    def __init__(self) -> None:
        self.written = 0
        self.safe = 0
        self.syncs = 0
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self) -> None:
        covered = self.written
        self.begun.release()
        assert self.go.acquire(timeout=10)
        self.syncs += 1
        self.safe = max(self.safe, covered)


def test_those_who_come_meanwhile_share_the_next_sync() -> None:
    slow = Slow()
    disk = Disk(slow)

    def write() -> bool:
        slow.written += 1
        mine = slow.written
        disk.wait(disk.written())
        return slow.safe >= mine

    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(write)
        assert slow.begun.acquire(timeout=10)
        others = [pool.submit(write) for _ in range(8)]
        while slow.written < 9:
            time.sleep(0.01)
        time.sleep(0.2)  # until all of them wait
        slow.go.release()
        assert first.result(10)
        slow.go.release(9)
        assert all(other.result(10) for other in others)
    assert 2 <= slow.syncs <= 3


def test_a_wait_that_began_early_asks_no_second_time() -> None:
    slow = Slow()
    disk = Disk(slow)
    number = disk.written()
    disk.begin(number)
    assert slow.begun.acquire(timeout=10), "it has begun without anybody waiting"
    slow.go.release()
    disk.wait(number)
    disk.wait(number)
    assert slow.syncs == 1
    disk.close()
    disk.close()


def test_what_the_disk_refused_once_is_never_believed_again() -> None:
    answers = [OSError(errno.EIO, "broken"), None]

    def sync() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    disk = Disk(sync)
    for _ in range(2):
        with pytest.raises(OSError, match="the disk refused"):
            disk.wait(disk.written())
    assert answers == [None]
