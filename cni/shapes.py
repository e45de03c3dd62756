"""Messages' shapes, made ready before there are threads.

msgspec works out how to read a class when it is first read, and keeps that on the class before it is complete: a second
thread that reads the same class meanwhile follows a null pointer, and the process dies (seen with 0.22).
"""

from __future__ import annotations

import msgspec


def make_ready() -> None:
    """Works out how to read every message class that there is. To be called once, when all modules are imported."""
    waiting: list[type[msgspec.Struct]] = [msgspec.Struct]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        msgspec.json.Decoder(kind)
