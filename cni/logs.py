"""The agent's log: one JSON object per line on stderr, the text constant, the values in fields of their own."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

CHATTY = ("httpx2", "httpcore2")
"""Libraries that tell of each request; what becomes of one is told by whoever made it."""


class JsonLines(logging.Formatter):
    """Time, level, logger, text and whatever was given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter.format``."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        line.update({key: value for key, value in vars(record).items() if key not in STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        text = json.dumps(line, default=str, ensure_ascii=False)
        if not text.isascii():
            # Values come from anywhere: half a character must not make a line that its reader refuses.
            text = json.dumps(json.loads(text.encode("utf-8", "replace")))
        return text


def log_to_stderr(level: int = logging.INFO) -> None:
    """Set up the whole process' log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
