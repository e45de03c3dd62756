"""Log lines of the controller: one per outcome, constant text, values in fields, to stderr."""

from __future__ import annotations

import logging
import sys
import time

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Fields(logging.Formatter):
    """``time level text key=value ...``; values with spaces are quoted."""

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows when there is one."""
        line = super().format(record)
        extra = {key: value for key, value in vars(record).items() if key not in STANDARD}
        fields = " ".join(f"{key}={_quoted(str(value))}" for key, value in extra.items())
        head, newline, rest = line.partition("\n")
        return f"{head} {fields}".rstrip() + newline + rest


def _quoted(text: str) -> str:
    return repr(text) if not text or any(letter in text for letter in " \t\n\"'=") else text


def log_to_stderr() -> None:
    """Our own lines from INFO on, other libraries' from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Fields("%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("switcher").setLevel(logging.INFO)
