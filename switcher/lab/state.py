"""The lab's one directory and the record of the process that runs it.

A process is recorded with its start time, so that a recycled process id is never taken for the lab.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from switcher.lab.command import LabError

LONGEST_PATH = 70
"""Unix socket paths end at 107 bytes; the lab's own parts need the rest."""
MARK = "switcher-lab"
RECORD = "lab.json"


def default_directory() -> Path:
    """Under $XDG_RUNTIME_DIR where the login has one, else a directory of the user's own in /tmp."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir() and os.access(runtime, os.W_OK):
        return Path(runtime) / MARK
    return Path(f"/tmp/{MARK}-{os.getuid()}")  # noqa: S108 - made with mode 0700 and refused when not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The process that the lab hangs on; when it dies all of the lab dies. ``ticks``: its start time."""

    pid: int
    ticks: int
    started_at: float
    command: str


class StateDirectory:
    """Paths in the lab's directory, and the record in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @property
    def objects(self) -> Path:
        """The users' objects: tariffs, thresholds, policy, physical networks."""
        return self.path / "objects"

    @property
    def controller(self) -> Path:
        """The controller's settings."""
        return self.path / "switcher.yaml"

    @property
    def addresses(self) -> Path:
        """Published addresses of workloads, JSON."""
        return self.path / "addresses.json"

    @property
    def blueprint(self) -> Path:
        """Sizes of the lab, JSON."""
        return self.path / "size.json"

    @property
    def log(self) -> Path:
        """What a lab in the background prints."""
        return self.path / "lab.log"

    @property
    def ready(self) -> Path:
        """There once the site is up."""
        return self.path / "ready"

    @property
    def report(self) -> Path:
        """Where the run leaves its report for the outer process."""
        return self.path / "report.json"

    @property
    def database(self) -> Path:
        """The controller's history."""
        return self.path / "history.db"

    def node(self, name: str) -> Path:
        """Everything of one node."""
        return self.path / name

    def socket(self, node: str) -> Path:
        """The agent's socket."""
        return self.node(node) / "agent.sock"

    def traffic(self, process: str) -> Path:
        """The counts of one traffic process."""
        return self.path / "traffic" / f"{process}.json"

    def logs(self, process: str) -> Path:
        """What a process printed."""
        return self.path / "logs" / f"{process}.log"

    def claim(self, argv: Sequence[str]) -> None:
        """Make the directory for this process. Raises LabError when a lab lives there or it is something else."""
        if len(str(self.path)) > LONGEST_PATH:
            raise LabError(
                f"{self.path} is too long for the sockets in it: choose one of at most {LONGEST_PATH} characters"
            )
        self.refuse_if_running()
        self.remove()
        self.path.mkdir(parents=True, mode=0o700)
        for part in ("objects", "traffic", "logs"):
            (self.path / part).mkdir()
        pid = os.getpid()
        record = Record(pid=pid, ticks=start_ticks(pid) or 0, started_at=time.time(), command=" ".join(argv))
        (self.path / RECORD).write_text(json.dumps(asdict(record)))

    def refuse_if_running(self) -> None:
        """Raises LabError when a lab lives here."""
        running = self.running()
        if running is not None:
            raise LabError(
                f"a lab is already running (process {running.pid}, `{running.command}`); end it: switcher lab down"
            )

    def record(self) -> Record | None:
        """Who claimed the directory; None when nobody did."""
        try:
            return Record(**json.loads((self.path / RECORD).read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise LabError(f"{self.path / RECORD} is not a lab's record: {error}") from error

    def running(self) -> Record | None:
        """The record, when its process still lives."""
        record = self.record()
        return record if record is not None and start_ticks(record.pid) == record.ticks else None

    def remove(self) -> None:
        """Remove the directory. Raises LabError when it is not a lab's; one that is not there is a success."""
        if not self.path.exists():
            return
        if self.path.stat().st_uid != os.getuid():
            raise LabError(f"{self.path} belongs to somebody else: choose another directory with --dir")
        if any(self.path.iterdir()) and not (self.path / RECORD).exists():
            raise LabError(f"{self.path} is not a lab's directory and not empty: it stays as it is")
        shutil.rmtree(self.path)


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot (proc(5), stat field 22); None: no such process, or dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
