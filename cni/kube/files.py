"""The files that something was made of, and whether they are still the same."""

from __future__ import annotations

from pathlib import Path

Look = tuple[int, int, int] | None
"""What changes when a file does: inode, size, time; None: it is not there."""


class Files:
    """Reads files and remembers how each looked just before."""

    def __init__(self) -> None:
        self._looks: dict[Path, Look] = {}

    def read(self, path: Path) -> bytes:
        """The content. Raises OSError."""
        self._looks[path] = _look(path)
        try:
            return path.read_bytes()
        except ValueError as error:  # no file can have such a name
            raise OSError(f"{error}: {str(path)!r}") from error

    def changed(self) -> bool:
        """Whether any of them is not what was read."""
        return any(_look(path) != look for path, look in self._looks.items())


def _look(path: Path) -> Look:
    try:
        seen = path.stat()
    except (OSError, ValueError):  # ValueError: no file can have such a name
        return None
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns)
