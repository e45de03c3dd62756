"""The lab's process within the sandbox: ``python -m switcher.lab.inside PIPE DIRECTORY OPTIONS`` (OPTIONS is JSON).

Exit codes as everywhere: 0 done, 1 the run failed; 130 when interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console

from switcher.bootstrap import open_history
from switcher.errors import SwitcherError
from switcher.lab import sandbox
from switcher.lab.bed import Bed
from switcher.lab.blueprint import draw
from switcher.lab.options import Options
from switcher.lab.plot import draw_chart
from switcher.lab.requirements import check_inside
from switcher.lab.run import Run, begin
from switcher.lab.state import StateDirectory
from switcher.lab.summary import show
from switcher.lab.view import choose

INTERRUPTED = 130


def main(pipe: int, directory: Path, options: Options) -> int:
    """Run the lab and return the exit code."""
    console = Console()
    view = choose(console)
    _interruptible(pipe)
    bed = Bed(draw(options.nodes, options.workloads), StateDirectory(directory), open_history, view.step)
    run: Run | None = None
    try:
        check_inside()
        run = begin(bed, view, options.seconds)
        bed.state.ready.touch()
        return _finish(run, console, options)
    except KeyboardInterrupt:
        view.close()
        _interrupted(console, run)
        return INTERRUPTED
    except SwitcherError as error:
        view.close()
        print(f"switcher: {error}", file=sys.stderr)  # noqa: T201 - the message is for whoever typed the command
        return 1


def _finish(run: Run, console: Console, options: Options) -> int:
    report = run.perform()
    run.bed.state.report.write_text(json.dumps(report.document(), indent=2) + "\n")
    if options.chart:
        run.bed.say("drawing")
        draw_chart(run, report, run.bed.state.path / f"chart{options.chart}")
    show(console, run, report)
    return 1 if report.failures else 0


def _interrupted(console: Console, run: Run | None) -> None:
    """A short summary; the sandbox's end then takes everything with it."""
    if run is None:
        console.print("interrupted before the story began; nothing is left behind")
        return
    watch = run.bed.watch
    ended = [status for status in watch.switches.values() if status.outcome is not None]
    passed = time.time() - run.story.start
    console.print(
        f"interrupted after {passed:.0f} s: {len(watch.moves)} moves decided, {len(ended)} ended,"
        f" {len(watch.in_flight())} under way; nothing is left behind",
        highlight=False,
    )


def _interruptible(pipe: int) -> None:
    """Ctrl-C, SIGTERM and the outer process's end interrupt once; what comes after is ignored.

    The handlers stay: to set them to SIG_IGN while a second signal waits its turn makes Python complain of a race.
    """
    interrupted = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    sandbox.when_closed(pipe, lambda: os.kill(os.getpid(), signal.SIGTERM))


if __name__ == "__main__":
    code = main(int(sys.argv[1]), Path(sys.argv[2]), Options.parse(sys.argv[3]))
    sys.stdout.flush()
    os._exit(code)  # threads may still be waiting for answers; the sandbox ends with this process
