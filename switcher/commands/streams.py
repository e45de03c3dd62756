"""Standard streams as every command may count on them, whatever the shell has made of them."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress


def prepare_streams() -> None:
    """What the caller has closed is opened, and what an encoding cannot show is escaped.

    Python leaves a closed stream as None, its number to the next file that is opened, and the messages that are
    meant for it to standard output. A closed input is empty here, a closed output fails when it is written to (as
    elsewhere: Bad file descriptor), and a closed error stream swallows.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def tell(*lines: str) -> None:
    """Lines for whoever typed the command; the exit code tells where nobody can be told."""
    with suppress(OSError):
        for line in lines:
            print(line, file=sys.stderr)
    with suppress(OSError):
        sys.stderr.flush()
