"""The objects of a directory of YAML files: for nodes without a cluster.

Files are looked at anew at each question, and read when they have changed. A file that is wrong is refused whole; what
it said before stays in force until it is right again, or gone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cni.cluster import AttachmentDefinition, LogicalNetwork, ObjectUnknown, PhysicalNetwork
from cni.objects.files import FileRefused, Key, read
from cni.objects.parsing import ATTACHMENT_DEFINITION, LOGICAL_NETWORK, PHYSICAL_NETWORK, Kind, Value

SUFFIXES = (".yaml", ".yml", ".json")

T = TypeVar("T", AttachmentDefinition, LogicalNetwork, PhysicalNetwork)
Look = tuple[int, int, int]
"""What changes when a file does: its inode, size and time."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _File:
    look: Look
    objects: dict[Key, Value] = field(default_factory=dict)
    problem: str = ""


class DirectoryObjects:
    """``cni.cluster.Objects`` from the files ``*.yaml``, ``*.yml`` and ``*.json`` of one directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._files: dict[Path, _File] = {}
        self._objects: dict[Key, Value] = {}
        self._problem = ""

    def attachment_definition(self, namespace: str, name: str) -> AttachmentDefinition:
        """See ``cni.cluster.Objects``; only ObjectUnknown is raised, like from the next two."""
        return self._one(ATTACHMENT_DEFINITION, namespace, name)

    def logical_network(self, namespace: str, name: str) -> LogicalNetwork:
        """See ``cni.cluster.Objects``."""
        return self._one(LOGICAL_NETWORK, namespace, name)

    def physical_network(self, namespace: str, name: str) -> PhysicalNetwork:
        """See ``cni.cluster.Objects``."""
        return self._one(PHYSICAL_NETWORK, namespace, name)

    def attachment_definitions(self) -> Sequence[AttachmentDefinition]:
        """See ``cni.cluster.Objects``."""
        return self._all(ATTACHMENT_DEFINITION)

    def logical_networks(self) -> Sequence[LogicalNetwork]:
        """See ``cni.cluster.Objects``."""
        return self._all(LOGICAL_NETWORK)

    def _one(self, kind: Kind[T], namespace: str, name: str) -> T:
        with self._lock:
            self._refresh()
            found = self._objects.get((kind.name, namespace, name))
            if not isinstance(found, kind.value):
                raise ObjectUnknown(kind.name, namespace, name, self._why())
        return found

    def _all(self, kind: Kind[T]) -> list[T]:
        with self._lock:
            self._refresh()
            return [value for _, value in sorted(self._objects.items()) if isinstance(value, kind.value)]

    def _why(self) -> str:
        problems = [f"{path}: {file.problem}" for path, file in sorted(self._files.items()) if file.problem]
        return "; ".join([self._problem or f"no file in {self._path} has it", *problems])

    def _refresh(self) -> None:
        try:
            looks = dict(self._looks())
        except OSError as error:
            # As with a bad file: what was known stays in force.
            if not self._problem:
                log.warning("objects unreadable", extra={"directory": str(self._path), "error": str(error)})
            self._problem = str(error)
            return
        self._problem = ""
        changed = [path for path, look in looks.items() if path not in self._files or self._files[path].look != look]
        gone = self._files.keys() - looks.keys()
        if not changed and not gone:
            return
        for path in gone:
            del self._files[path]
        for path in changed:
            self._read(path, looks[path])
        self._gather()

    def _looks(self) -> Iterator[tuple[Path, Look]]:
        for path in sorted(self._path.iterdir()):
            if path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file():
                seen = path.stat()
                yield path, (seen.st_ino, seen.st_size, seen.st_mtime_ns)

    def _read(self, path: Path, look: Look) -> None:
        file = self._files.setdefault(path, _File(look))
        file.look = look
        try:
            file.objects, file.problem = read(path), ""
        except FileRefused as refused:
            file.problem = str(refused)
            kept = "its former content" if file.objects else "nothing of it"
            log.warning("objects refused", extra={"file": str(path), "problems": refused.problems, "used": kept})

    def _gather(self) -> None:
        """All objects of all files; of two with one name the first file's counts."""
        self._objects = {}
        for path, file in sorted(self._files.items()):
            for key, value in file.objects.items():
                if self._objects.setdefault(key, value) is not value:
                    log.warning("object given twice", extra={"object": "/".join(key), "passed_over": str(path)})
