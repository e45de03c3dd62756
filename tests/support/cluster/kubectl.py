"""The real ``kubectl``, as one user."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CALL_SECONDS = 120


class KubectlError(Exception):
    """``kubectl`` failed; the text is what it said."""


@dataclass(frozen=True)
class Kubectl:
    """``kubectl("get", "pods")`` is what it printed."""

    program: Path
    kubeconfig: Path

    def __call__(self, *arguments: str, input: str | None = None) -> str:
        """Runs it. Raises KubectlError."""
        cache = self.kubeconfig.parent / "kubectl-cache"  # else it is in the home directory
        done = subprocess.run(
            [str(self.program), *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=CALL_SECONDS,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(cache), "KUBERC": "off"},
        )
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def read(self, *arguments: str) -> Any:
        """``kubectl.read("get", "pod", "web")``: the object or the list as the API has it."""
        return json.loads(self(*arguments, "-o", "json"))

    def apply(self, *objects: Mapping[str, Any] | str | Path) -> None:
        """``kubectl apply``: objects, YAML texts or YAML files, in this order."""
        self("apply", "-f", "-", input="\n---\n".join(map(_text, objects)))


def _text(source: Mapping[str, Any] | str | Path) -> str:
    match source:
        case str():
            return source
        case Path():
            return source.read_text()
        case _:
            return yaml.safe_dump(dict(source))
