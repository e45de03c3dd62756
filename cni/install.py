"""Puts ``genie`` and its configuration where the container runtime looks for them, and keeps them there.

The binary is replaced by rename: runtimes execute it at any moment, and one that runs cannot be written to. The
configuration appears only when a container without annotations could be attached (NetworkAttachmentDefinition 1.3,
section 6.1: a node must not seem ready before its default network is); from then on it stays, also while the agent is
away, when STATUS tells that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

from cni.files import replace_file
from cni.protocol import CniError
from cni.settings import Install
from cni.store import Store

WAITING_SECONDS = 1.0
SETTLED_SECONDS = 15.0
BINARY = "genie"
UNINSTALLED = "uninstalled"
"""Key of the note in the store by which a running agent installs no more; its next start does."""

log = logging.getLogger(__name__)


class Installer:
    """One turn after the other, by a loop. ``check`` raises CniError while the default network is not ready."""

    def __init__(self, plan: Install, store: Store, check: Callable[[], None]) -> None:
        self._plan = plan
        self._store = store
        self._check = check
        self._said = ""
        store.keep_note(UNINSTALLED, "")

    def turn(self) -> float:
        """Installs what is missing or different; seconds until the next look."""
        try:
            self._put_binary()
            self._put_conf()
        except (OSError, CniError) as error:
            self._say(str(error))
            return WAITING_SECONDS
        self._said = ""
        return SETTLED_SECONDS

    def _put_binary(self) -> None:
        plan = self._plan
        if plan.binary is not None:
            self._put(plan.bin_dir / BINARY, plan.binary.read_bytes(), 0o755)

    def _put_conf(self) -> None:
        plan = self._plan
        if plan.conf is None:
            return
        wanted = conf_text(plan.conf)
        if not _is_there(plan.conf_file, wanted, 0o644):
            self._check()
            self._put(plan.conf_file, wanted, 0o644)

    def _put(self, path: Path, content: bytes, mode: int) -> None:
        if _is_there(path, content, mode):
            return
        # In one transaction with the question, so that nothing comes back behind an uninstall.
        with self._store.transaction():
            if self._store.note(UNINSTALLED):
                return
            replace_file(path, content, mode)
        log.info("installed", extra={"file": str(path)})

    def _say(self, what: str) -> None:
        """Once, not at every turn."""
        if what != self._said:
            self._said = what
            log.warning("not installed yet", extra={"error": what})


def conf_text(conf: dict[str, object]) -> bytes:
    """Genie's configuration as it is written."""
    return json.dumps(conf, indent=2).encode() + b"\n"


def _is_there(path: Path, content: bytes, mode: int) -> bool:
    try:
        stat = path.stat()
        return stat.st_mode & 0o777 == mode and stat.st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False
