"""The agent's log."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import msgspec

from cni.logs import JsonLines

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


def test_every_line_is_json_for_every_reader_whatever_its_values() -> None:
    values = {"said": "a\nb \u2028 é \U0001f600", "half": "x\ud800y", "kept": ["\udfff"]}
    record = logging.makeLogRecord({"msg": "refused", "levelname": "WARNING", **values})
    line = JsonLines().format(record)
    told = msgspec.json.decode(line)
    assert (told["said"], told["half"], told["kept"]) == (values["said"], "x?y", ["?"])
    assert line.isascii(), "whatever the terminal's encoding"
    assert "\n" not in line
