"""The outer process of a lab: claims the directory, runs the sandbox, hands out what it left, removes the directory.

``python -m switcher.lab.outer DIRECTORY OPTIONS`` does so for a lab in the background.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from switcher.errors import SwitcherError
from switcher.lab import sandbox
from switcher.lab.command import LabError
from switcher.lab.options import Options
from switcher.lab.requirements import check_outside
from switcher.lab.state import StateDirectory, start_ticks
from switcher.lab.watch import wait_until

UP_SECONDS = 120.0
DOWN_SECONDS = 15.0


def run(directory: Path, options: Options, report: Path | None = None, chart: Path | None = None) -> int:
    """Run a lab in the foreground; returns its exit code. Raises LabError when it cannot start."""
    check_outside()
    state = StateDirectory(directory)
    state.claim(sys.argv)
    try:
        process, pipe = sandbox.start(state.path, [options.text()])
        code = sandbox.supervise(process, pipe)
        for wanted, made in ((report, state.report), (chart, state.path / f"chart{options.chart}")):
            if wanted is not None and made.exists():
                shutil.copyfile(made, wanted)
    finally:
        state.remove()
    if code == sandbox.NO_NAMESPACES:
        raise LabError("this machine gives the lab no namespaces of its own; try as root")
    return code


def start_in_background(directory: Path, options: Options) -> StateDirectory:
    """Start a lab that goes on after this process; returns once its site is up. Raises LabError with its last words."""
    check_outside()
    state = StateDirectory(directory)
    state.refuse_if_running()
    log = state.path.with_name(state.path.name + ".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "switcher.lab.outer", str(state.path), options.text()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    up = wait_until(lambda: state.ready.exists() or process.poll() is not None, UP_SECONDS)
    if not up or process.poll() is not None:
        process.terminate()
        process.wait(DOWN_SECONDS)
        raise LabError(f"the lab did not come up; it said:\n{log.read_text(errors='replace').strip()}")
    log.rename(state.log)
    return state


def end(directory: Path) -> bool:
    """End the lab in this directory and remove the directory; returns whether there was anything. Safe to repeat."""
    state = StateDirectory(directory)
    was_there = state.path.exists()
    record = state.running()
    if record is not None:
        os.kill(record.pid, signal.SIGTERM)
        if not wait_until(lambda: start_ticks(record.pid) != record.ticks, DOWN_SECONDS):
            os.kill(record.pid, signal.SIGKILL)
            wait_until(lambda: start_ticks(record.pid) != record.ticks, DOWN_SECONDS)
            time.sleep(0.2)  # the kernel takes the namespaces down after the process
    state.remove()
    return was_there


if __name__ == "__main__":
    try:
        sys.exit(run(Path(sys.argv[1]), Options.parse(sys.argv[2])))
    except SwitcherError as error:
        sys.exit(f"switcher: {error}")
