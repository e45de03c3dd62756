"""``genie-agent convert-multus``: reads a Multus configuration, and prints or writes what takes its place."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cni.files import replace_file
from cni.multus.converting import CONF_DIR, FILE_SUFFIXES, Converted, convert
from cni.multus.reading import MultusRefused, read

NAME = "convert-multus"


def add_command(commands: Any) -> None:
    """Adds it to argparse's subcommands."""
    command = commands.add_parser(
        NAME,
        help="convert a Multus configuration",
        description="Converts the configuration of thin or thick Multus, or of its daemon. Without --out the files are"
        " printed as one JSON object, by their names. What has no counterpart is told on stderr.",
        epilog="example: genie-agent convert-multus /etc/cni/net.d/00-multus.conf --out /etc/cni/net.d",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="Multus' configuration, JSON")
    command.add_argument("--out", type=Path, metavar="DIR", help="write the files there; none is overwritten")
    command.add_argument("--conf-dir", default=CONF_DIR, metavar="DIR", help="the agent's confDir (%(default)s)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit status: 0 converted, 1 a file cannot be written, 2 the input is refused."""
    try:
        converted = convert(read(options.file.read_text()), Node(), options.conf_dir)
    except (OSError, UnicodeDecodeError) as error:
        return _refused([str(error)], options.file)
    except MultusRefused as error:
        return _refused(error.problems, options.file)
    for note in converted.notes:
        print(note, file=sys.stderr)  # noqa: T201 - the report
    if options.out is None:
        print(json.dumps(dict(converted.files), indent=2))  # noqa: T201 - a command's answer
        return 0
    return _written(converted, options.out)


class Node:
    """The directories of this node."""

    def first(self, directory: str) -> str | None:
        """See ``Disk.first``."""
        return next((path.name for path, _ in _configurations(directory)), None)

    def named(self, directory: str, name: str) -> tuple[str, dict[str, Any]] | None:
        """See ``Disk.named``."""
        found = _configurations(directory)
        return next(((path.name, content) for path, content in found if content.get("name") == name), None)


def _configurations(directory: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    try:
        paths = sorted(path for path in Path(directory).iterdir() if path.suffix in FILE_SUFFIXES)
    except OSError:
        return
    for path in paths:
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(content, dict):
            yield path, content


def _written(converted: Converted, directory: Path) -> int:
    wanted = {
        directory / name: json.dumps(content, indent=2).encode() + b"\n" for name, content in converted.files.items()
    }
    other = [str(path) for path, content in wanted.items() if path.exists() and path.read_bytes() != content]
    if other:
        print(f"not overwritten, nothing is written: {', '.join(other)}", file=sys.stderr)  # noqa: T201 - the report
        return 1
    try:
        # Genie's own, which the runtime takes first, is the last to appear.
        for path, content in reversed(wanted.items()):
            replace_file(path, content, 0o644)
    except OSError as error:
        print(f"cannot be written: {error}", file=sys.stderr)  # noqa: T201 - the report
        return 1
    return 0


def _refused(problems: Any, file: Path) -> int:
    for problem in problems:
        print(f"{file}: {problem}", file=sys.stderr)  # noqa: T201 - the report
    return 2
