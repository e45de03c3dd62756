"""A CNI plugin that does as it is told, for tests: by keys of its own configuration.

``{"type": "scripted", "add": {...}, "del": {...}}``; each action may have: ``wait`` (seconds), ``print`` (text for
stdout instead of a result), ``repeat`` (how often it is printed), ``stderr``, ``exit``, ``kill`` (the number of the
signal that ends it), ``child`` (start a grandchild that holds the pipes for so many seconds), ``touch`` (a file),
``wait_for`` (a file that must come to be), ``while`` (a file without which all this does not apply). Every call is
appended to ``log`` as JSON, but VERSION, which is answered with the versions that it was installed with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cni.protocol import VERSIONS

SCRIPT = r"""#!{python} -S
import json, os, subprocess, sys, time
config = json.load(sys.stdin)
command = os.environ["CNI_COMMAND"]
if command == "VERSION":
    print(json.dumps({{"cniVersion": config["cniVersion"], "supportedVersions": {versions!r}}}))
    sys.exit(0)
traced = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")
call = {{key: value for key, value in os.environ.items() if key.startswith("CNI_") or key in traced}}
with open(config["log"], "a") as log:
    log.write(json.dumps({{"env": call, "environ": dict(os.environ), "config": config}}) + "\n")
do = config.get(command.lower(), {{}})
if not os.path.exists(do.get("while", "/")):
    do = {{}}
if "touch" in do:
    open(do["touch"], "w").close()
while "wait_for" in do and not os.path.exists(do["wait_for"]):
    time.sleep(0.01)
if "child" in do:
    subprocess.Popen(["sleep", str(do["child"])])
if "stderr" in do:
    sys.stderr.write(do["stderr"])
    sys.stderr.flush()
time.sleep(do.get("wait", 0))
if "print" in do:
    for _ in range(do.get("repeat", 1)):
        sys.stdout.write(do["print"])
elif command == "ADD":
    result = {{"cniVersion": config["cniVersion"], "interfaces": [], "ips": [], "routes": []}}
    if "prevResult" in config:
        result = config["prevResult"]
    result.setdefault("tags", []).append(config.get("tag", config["type"]))
    print(json.dumps(result))
sys.stdout.flush()
if "kill" in do:
    os.kill(os.getpid(), do["kill"])
sys.exit(do.get("exit", 0))
"""


def install_scripted(directory: Path, name: str = "scripted", versions: Sequence[str] = VERSIONS) -> Path:
    """Install it as plugin ``name`` in ``directory``, speaking ``versions``."""
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / name
    program.write_text(SCRIPT.format(python=sys.executable, versions=list(versions)))
    program.chmod(0o755)
    return program


def calls(log: Path) -> list[dict[str, Any]]:
    """Every call so far, oldest first: ``env`` (what is CNI's and tracing's of it), ``environ`` (all), ``config``."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def commands(log: Path) -> list[tuple[str, str]]:
    """Command and tag (or type) of every call."""
    return [(call["env"]["CNI_COMMAND"], call["config"].get("tag", call["config"]["type"])) for call in calls(log)]
