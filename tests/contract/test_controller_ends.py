"""The controller as a process: told to end, it finishes what is under way, says so, and has not failed."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cni.sense.push import UnixConnection
from switcher.lab.requirements import script

STARTS_WITHIN_SECONDS = 30.0


def serves(socket: Path) -> bool:
    with closing(UnixConnection(str(socket), STARTS_WITHIN_SECONDS)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_controller_that_is_told_to_end_ends_well(number: signal.Signals, short_path: Path) -> None:
    objects, log = Path("config/examples").resolve(), short_path / "log"
    settings = short_path / "config.yaml"
    settings.write_text(
        f"database: sqlite:///{short_path}/history.db\nobjects: [{objects}]\nlisten: unix:{short_path}/socket\n"
    )
    command = [script("switcher"), "run", "--config", settings]
    with log.open("w") as written, subprocess.Popen(command, stderr=written) as process, ExitStack() as undo:
        undo.callback(process.kill)
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not serves(short_path / "socket"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(STARTS_WITHIN_SECONDS) == 0
    assert log.read_text().splitlines()[-1].endswith("controller ends")
