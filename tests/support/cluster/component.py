"""One program of a cluster: started, waited for, stopped, started again."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TOLD_LINES = 25


class ComponentError(Exception):
    """A component ended, or did not get ready in time; the text has the end of its log."""


@dataclass
class Component:
    """Starting one that runs and stopping one that does not are fine."""

    name: str
    command: Sequence[str]
    log: Path
    ready: Callable[[], bool]
    """Whether it does its work; asked often while it starts, so cheap. OSError is "not yet"."""
    ready_seconds: float = 30.0
    stop_seconds: float = 20.0
    """How long it may take to end when it is asked to; then it is killed."""
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Starts it and waits until it is ready. Raises ComponentError."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Starts it; :meth:`wait` must follow. In between others can start."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,  # an interrupt at the terminal is for the test runner, which then stops us
            )

    def wait(self) -> None:
        """Until it is ready. Raises ComponentError when it ends first, or takes longer than ``ready_seconds``."""
        deadline = time.monotonic() + self.ready_seconds
        while not self._is_ready():
            if not self.running:
                raise ComponentError(f"{self.name} ended before it was ready:\n{self._end_of_log()}")
            if time.monotonic() > deadline:
                raise ComponentError(f"{self.name} not ready in {self.ready_seconds:.0f} s:\n{self._end_of_log()}")
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends it by this signal, by SIGKILL where that does not help in time, and waits until it is gone."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """``kill -9``."""
        self.stop(signal.SIGKILL)

    def _is_ready(self) -> bool:
        try:
            return self.running and self.ready()
        except OSError:
            return False

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TOLD_LINES:])


def answers(url: str, authority: Path | None = None) -> Callable[[], bool]:
    """Asks whether ``url`` answers well: 200, over TLS with a certificate of ``authority`` where one is given."""

    def ask() -> bool:
        context = None if authority is None else ssl.create_default_context(cafile=str(authority))
        with urllib.request.urlopen(url, timeout=5, context=context) as reply:  # noqa: S310 - our own URLs
            return bool(reply.status == 200)

    return ask


def until(true: Callable[[], bool], what: str, seconds: float, every: float = 0.1) -> None:
    """Waits until ``true()``, asked again after ``every`` seconds; a ComponentError says ``what`` did not happen."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise ComponentError(f"not in {seconds:.0f} s: {what}")
        time.sleep(every)
