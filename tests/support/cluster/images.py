"""Container images made here, for there is no registry: one static program each, as an OCI archive.

The format is that of the OCI image specification v1.0 (image layout, manifest, configuration).
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cluster.programs import UnavailableError, installed

PAUSE = "genie.test/pause:1"
BUSYBOX = "genie.test/busybox:1"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
WAIT = "trap 'exit 0' TERM; sleep 1000000 & wait"
"""A container's first process dies of no signal that it does not handle: a pod would go only after its grace."""

OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Image:
    """Files by their paths, and other names for them; ``command`` is what runs where a pod says nothing."""

    name: str
    files: Mapping[str, bytes]
    command: Sequence[str]
    links: Mapping[str, str] = field(default_factory=dict)
    """What each symbolic link points to."""

    def archive(self) -> bytes:
        """The image as an OCI archive; the same image gives the same bytes."""
        layer = _tar(self.files, self.links)
        configuration = _json(
            {
                "architecture": ARCHITECTURES[platform.machine()],
                "os": "linux",
                "config": {"Env": ["PATH=/bin"], "Cmd": list(self.command), "WorkingDir": "/"},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            }
        )
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": f"{OCI}.manifest.v1+json",
                "config": _described(f"{OCI}.config.v1+json", configuration),
                "layers": [_described(f"{OCI}.layer.v1.tar", layer)],
            }
        )
        named = {"io.containerd.image.name": self.name, "org.opencontainers.image.ref.name": self.name.split(":")[-1]}
        listed = {**_described(f"{OCI}.manifest.v1+json", manifest), "annotations": named}
        blobs = {f"blobs/sha256/{_digest(blob)[7:]}": blob for blob in (layer, configuration, manifest)}
        index = _json({"schemaVersion": 2, "manifests": [listed]})
        return _tar({"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": index, **blobs}, {})


def pause(directory: Path) -> Image:
    """What keeps a pod's namespaces, compiled in this directory."""
    program = directory / "pause"
    source = Path(__file__).with_name("pause.c")
    command = [installed("gcc"), "-static", "-Os", "-s", "-Wall", "-Werror", "-o", str(program), str(source)]
    subprocess.run(command, check=True)
    return Image(PAUSE, {"pause": program.read_bytes()}, ["/pause"])


def busybox() -> Image:
    """Debian's busybox with all its commands (sh, nc, wget, ip, ...); waits for SIGTERM where a pod says nothing."""
    program = Path(installed("busybox"))
    if subprocess.run([installed("ldd"), program], check=False, capture_output=True).returncode == 0:
        raise UnavailableError(f"{program} is not static: Debian's busybox-static is needed")
    applets = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
    files = {
        "bin/busybox": program.read_bytes(),
        "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
        "etc/group": b"root:x:0:\n",
    }
    links = {f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"}
    return Image(BUSYBOX, files, ["/bin/sh", "-c", WAIT], links)


def _tar(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for directory in sorted({str(parent) for path in files for parent in Path(path).parents} - {"."}):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
        for path, target in links.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return packed.getvalue()


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _described(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}
