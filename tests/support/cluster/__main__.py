"""A cluster to play with, until it is told to end: what ``tools/cluster`` runs."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.cluster.boot import cluster
from tests.support.cluster.place import LOCK
from tests.support.cluster.programs import CACHE, ROOT, UnavailableError

STATE = CACHE / "kept-cluster.json"
LOG = CACHE / "kept-cluster.log"
DOWN_SECONDS = 30.0
USAGE = """\
usage: tools/cluster COMMAND
  up                  starts a cluster that stays
  status              what runs in it; exit 1 when there is none
  down                ends it; nothing of it is left
  PROGRAM [ARG...]    runs a program on its node: tools/cluster kubectl get pods -A, tools/cluster bash"""


@dataclass(frozen=True)
class Kept:
    """The cluster that stays: the process that keeps it (as the machine counts), and where its things are."""

    keeper: int
    directory: str
    kubeconfig: str
    programs: str

    @classmethod
    def find(cls) -> Kept | None:
        """The one that runs now."""
        try:
            found = cls(**json.loads(STATE.read_text()))
            with Path(found.directory, LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return found  # its keeper holds the lock
        except FileNotFoundError:
            return None
        return None

    def command(self, *command: str) -> list[str]:
        """What runs this command on the node."""
        path = f"PATH={self.programs}:{os.environ['PATH']}:/usr/sbin:/sbin"
        entering = ["nsenter", f"--target={self.keeper}", "--net", "--mount", "--pid"]
        return [*entering, "env", f"KUBECONFIG={self.kubeconfig}", path, *command]


def up() -> int:
    """Starts it in namespaces of its own, and leaves it."""
    if Kept.find() is not None:
        return status()
    CACHE.mkdir(parents=True, exist_ok=True)
    print("starting a cluster (10 to 30 s)", file=sys.stderr)
    command = [str(ROOT / "tools/sandbox"), sys.executable, "-m", "tests.support.cluster", "keep"]
    with LOG.open("w") as log:
        sandbox = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    assert sandbox.stdout is not None
    try:
        told = sandbox.stdout.readline()
    except KeyboardInterrupt:
        sandbox.kill()  # and so all that is in it
        raise
    if not told:
        print(f"no cluster:\n{LOG.read_text()[-4000:]}", file=sys.stderr)
        return 1
    (keeper,) = Path(f"/proc/{sandbox.pid}/task/{sandbox.pid}/children").read_text().split()
    STATE.write_text(json.dumps({"keeper": int(keeper), **json.loads(told)}))
    return status()


def status() -> int:
    """Says where it is and what runs there."""
    if (kept := Kept.find()) is None:
        print("no cluster is running (make cluster-up)")
        return 1
    print(f"directory   {kept.directory} (logs, net.d, bin, leases)\nkubeconfig  {kept.kubeconfig}\n", flush=True)
    return subprocess.run(kept.command("kubectl", "get", "nodes,pods", "-A", "-o", "wide"), check=False).returncode


def down() -> int:
    """Ends it. One that does not end by itself is killed; its files go when the next one starts."""
    if (kept := Kept.find()) is None:
        print("no cluster is running")
        return 0
    os.kill(kept.keeper, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while Path(f"/proc/{kept.keeper}").exists():
        if time.monotonic() > deadline:
            os.kill(kept.keeper, signal.SIGKILL)
        time.sleep(0.1)
    STATE.unlink(missing_ok=True)
    print("ended")
    return 0


def keep() -> int:
    """Inside the namespaces: a cluster until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with cluster() as made:
            made.api.install_crds()
            programs = made.kubectl.program.parent
            told = {"directory": str(made.directory), "kubeconfig": str(made.api.kubeconfig), "programs": str(programs)}
            print(json.dumps(told), flush=True)
            while True:
                signal.pause()
    except UnavailableError as error:
        print(error, file=sys.stderr)
        return 1


COMMANDS: dict[str, Callable[[], int]] = {"up": up, "status": status, "down": down, "keep": keep}


def main(arguments: list[str]) -> int:
    """Runs one command; its exit status."""
    match arguments:
        case []:
            print(USAGE, file=sys.stderr)
            return 2
        case [name] if name in COMMANDS:
            return COMMANDS[name]()
        case _:
            if (kept := Kept.find()) is None:
                return status()
            return subprocess.run(kept.command(*arguments), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
