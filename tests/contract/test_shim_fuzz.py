"""Damaged inputs and replies through the sanitizer build: it may refuse them, but never crash, hang or babble."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from tests.support.shim import CONFIGURATION, RESULT, Shim, build_genie, header, raw

RUNS = 300
SECONDS = 10.0
"""Whichever comes first ends the test: every run is a new process."""

INPUTS = (
    CONFIGURATION,
    b'{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"bridge","a":{"b":[1,2,{"c":"\\"}]"}]}}],"x":null}',
    b'{"a":"\\u0000\\\\","cniVersion" : "0.3.1" , "runtimeConfig":{"ips":["10.0.0.1/24"]}}\n',
)
REPLIES = (header(1 + len(RESULT)) + b"\0" + RESULT, header(4) + b"\1{} ", header(1) + b"\0")


def damaged(random_: random.Random, data: bytes) -> bytes:
    """A few bytes of it changed, lost, doubled or cut off."""
    result = bytearray(data)
    for _ in range(random_.randint(0, 4)):
        place = random_.randrange(len(result) + 1)
        match random_.randrange(4):
            case 0:
                result[place : place + 1] = bytes([random_.choice(b'\0"\\{}[],: \xff1e')])
            case 1:
                del result[place : place + random_.randint(1, 5)]
            case 2:
                result[place:place] = result[place : place + random_.randint(1, 9)]
            case _:
                del result[place:]
    return bytes(result)


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(build_genie("genie-sanitized"), tmp_path)


def test_nothing_that_comes_in_breaks_it(shim: Shim) -> None:
    random_ = random.Random(20)
    end = time.monotonic() + SECONDS
    with shim.agent(raw(b"")).serving() as agent:
        for run in range(RUNS):
            if time.monotonic() > end:
                break
            stdin, sent = damaged(random_, random_.choice(INPUTS)), damaged(random_, random_.choice(REPLIES))
            agent.answer = raw(sent)
            command = random_.choice(["ADD", "DEL", "CHECK", "STATUS", "VERSION", "DANCE"])
            done = shim.call(command, stdin, GENIE_DEADLINE_SECONDS="5")  # fails on a sanitizer's finding
            assert done.returncode >= 0, (run, stdin, sent)
            if done.stdout and done.stdout != sent[5 : 5 + len(done.stdout)]:
                assert set(json.loads(done.stdout)) <= {"cniVersion", "code", "msg", "details", "supportedVersions"}
