"""containerd as the test cluster runs it: everything in one directory, images from archives."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socket import AF_UNIX, socket

from tests.support.cluster.component import Component
from tests.support.cluster.images import PAUSE, Image
from tests.support.cluster.programs import installed

CONFIGURATION = """\
version = 2
root = "{home}/root"
state = "{home}/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{home}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true # a sandbox may not be allowed to lower it
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "{conf_dir}"
    bin_dir = "{bin_dir}"
"""
SOCKETS = Path("/run/containerd")
"""Of the shims, and runc's state: containerd has no setting for these. A sandbox's ``/run`` is its own."""


@dataclass
class Containerd:
    """Its things are in ``home``, and it answers at ``socket``: its own API and the kubelet's."""

    home: Path
    socket: Path
    conf_dir: Path
    """The CNI configurations that it sees."""
    bin_dir: Path
    """The CNI plugins that it sees."""
    programs: Path | None = None
    """The directory of ``containerd``, its shim and ``ctr``; None: the system's."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir()
        file = self.home / "config.toml"
        places = {"home": self.home, "socket": self.socket, "conf_dir": self.conf_dir, "bin_dir": self.bin_dir}
        file.write_text(CONFIGURATION.format(**places, pause=PAUSE))
        environment = {**self.environment}
        if self.programs is not None:
            environment["PATH"] = f"{self.programs}:{os.environ['PATH']}"  # where it looks for its shim
        command = [self._program("containerd"), "--config", str(file)]
        log = self.home.with_suffix(".log")
        self.component = Component("containerd", command, log, self._answers, environment=environment)

    @property
    def state(self) -> Path:
        """What a reboot clears."""
        return self.home / "state"

    def ctr(self, *arguments: str, input: bytes | None = None) -> str:
        """Runs ``ctr`` in Kubernetes' namespace of containerd; what it printed."""
        command = [self._program("ctr"), "--address", str(self.socket), "--namespace", "k8s.io", *arguments]
        done = subprocess.run(command, input=input, capture_output=True, check=False)
        assert done.returncode == 0, f"ctr {' '.join(arguments)}: {done.stderr.decode()}"
        return done.stdout.decode()

    def import_image(self, image: Image) -> None:
        """Makes it known under its name; pods use it with ``imagePullPolicy: IfNotPresent``."""
        self.ctr("images", "import", "-", input=image.archive())

    def shims(self) -> set[int]:
        """The processes that hold its containers."""
        needle = b"\0-address\0" + str(self.socket).encode() + b"\0"
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if needle in (process / "cmdline").read_bytes():
                    found.add(int(process.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def _program(self, name: str) -> str:
        return installed(name) if self.programs is None else str(self.programs / name)

    def _answers(self) -> bool:
        with socket(AF_UNIX) as client:
            client.connect(str(self.socket))
        return True
