"""Reading messages of a class for the first time in many threads at once, which kills a process that is not ready."""

from __future__ import annotations

import subprocess
import sys

from tests.support.shim import ROOT

RACE = """
import sys, threading, msgspec
from cni.shapes import make_ready
sys.setswitchinterval(1e-5)
SOURCE = '''
class Inner(msgspec.Struct):
    a: str = ""
    b: "dict[str, list[int]] | None" = None
class Outer(msgspec.Struct):
    many: "list[Inner] | None" = None
    one: "Inner | None" = None
'''
def race():
    exec(SOURCE, globals())
    make_ready()
    start = threading.Barrier(8)
    def read():
        start.wait()
        msgspec.convert({"many": [{"a": "x"}], "one": {}}, Outer)
    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
for _ in range(300):
    race()
"""


def test_a_process_that_is_ready_survives_it() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or f"ended with {done.returncode}"
