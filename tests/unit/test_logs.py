"""The agent's log."""

from __future__ import annotations

import json
import subprocess
import sys

SPEAKERS = """
import logging
from cni.logs import log_to_stderr
log_to_stderr()
logging.getLogger("cni.adding").info("attached", extra={"container": "c1"})
logging.getLogger("httpx2").info("HTTP Request: GET")
logging.getLogger("httpx2").warning("closed")
"""


def test_an_outcome_is_told_and_each_request_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", SPEAKERS], capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["text"], line.get("container")) for line in told] == [("attached", "c1"), ("closed", None)]
