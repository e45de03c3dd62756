"""What a container runtime does: a namespace for the workload, ``genie`` ADD in it, and DEL at the end."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switcher.lab import site
from switcher.lab.blueprint import NAMESPACE, Workload
from switcher.lab.command import NETNS_DIR, LabError, environment, inside
from switcher.lab.networks import CNI_VERSION
from switcher.lab.requirements import genie
from switcher.lab.story import pod_annotations

CNI_SECONDS = 120.0
PRIMARY = "eth0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A workload as the runtime knows it."""

    workload: Workload
    container_id: str


class Runtime:
    """Starts and stops workloads on one node through the agent at ``socket``; DELs are spooled in ``spool``."""

    def __init__(self, node: str, socket: Path, spool: Path) -> None:
        self._node = node
        self._socket = socket
        self._spool = spool
        self._netconf = json.dumps({"cniVersion": CNI_VERSION, "name": "genie", "type": "genie"})

    def start(self, workload: Workload) -> Sandbox:
        """A namespace with the workload's interfaces. Raises LabError with the CNI error's text."""
        sandbox = Sandbox(workload=workload, container_id=uuid.uuid4().hex)
        site.make_namespace(workload.name)
        self._call("ADD", sandbox)
        return sandbox

    def stop(self, sandbox: Sandbox) -> None:
        """Detach the workload; its namespace stays, so that it can be looked at. Raises LabError."""
        self._call("DEL", sandbox)

    def check(self, sandbox: Sandbox) -> None:
        """CNI CHECK. Raises LabError when something is not as it was made."""
        self._call("CHECK", sandbox)

    def _call(self, verb: str, sandbox: Sandbox) -> dict[str, Any]:
        workload = sandbox.workload
        arguments = {
            "IgnoreUnknown": "true",
            "K8S_POD_NAMESPACE": NAMESPACE,
            "K8S_POD_NAME": workload.name,
            "K8S_POD_INFRA_CONTAINER_ID": sandbox.container_id,
            "K8S_ANNOT": json.dumps(pod_annotations(workload), separators=(",", ":")),
        }
        env = environment(
            CNI_COMMAND=verb,
            CNI_CONTAINERID=sandbox.container_id,
            CNI_NETNS=str(NETNS_DIR / workload.name),
            CNI_IFNAME=PRIMARY,
            CNI_PATH=str(genie().parent),
            CNI_ARGS=";".join(f"{key}={value}" for key, value in arguments.items()),
            GENIE_AGENT_SOCKET=str(self._socket),
            GENIE_SPOOL=str(self._spool),
        )
        argv = inside(self._node, str(genie()))
        try:
            done = subprocess.run(
                argv, input=self._netconf, capture_output=True, text=True, env=env, timeout=CNI_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LabError(f"genie {verb} for {workload.name} cannot be run: {error}") from error
        if done.returncode:
            said = done.stdout.strip() or done.stderr.strip()
            raise LabError(f"genie {verb} for {workload.name} on {self._node} failed: {said}")
        return dict(json.loads(done.stdout)) if done.stdout.strip() else {}
