"""What a lab is asked to be, as it travels from the outer process into the sandbox."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a lab is asked to be. ``seconds`` None: kept until told to end. ``chart``: suffix of the file, or empty."""

    seconds: float | None
    nodes: int
    workloads: int
    chart: str = ""

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Options:
        """From the JSON of ``text``."""
        return cls(**json.loads(text))
