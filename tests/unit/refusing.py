"""What is refused, and the smallest inputs to be refused: for tests of bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switcher.errors import BadInputError
from switcher.objects.load import book_from_documents

HEADER = "start,seconds,network,direction,bytes"
GOOD = "2026-12-01T00:00:00Z,60,p,out,1"


def problems(ask: Callable[..., object], *arguments: Any) -> list[str]:
    """The problems for which a call is refused."""
    with pytest.raises(BadInputError) as refusal:
        ask(*arguments)
    return [str(problem) for problem in refusal.value.problems]


def refused(*documents: dict[str, Any]) -> list[str]:
    """The problems for which objects are refused."""
    return problems(book_from_documents, documents, "f.yaml")


def csv(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    """A file of rows."""
    file = tmp_path / "use.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


def threshold(**spec: Any) -> dict[str, Any]:
    """A threshold of all networks."""
    return {"kind": "CongestionThreshold", "metadata": {"name": "x"}, "spec": spec}


def policy(**spec: Any) -> dict[str, Any]:
    """A policy of all workloads."""
    return {"kind": "SwitchPolicy", "metadata": {"name": "x"}, "spec": spec}


def network(**spec: Any) -> dict[str, Any]:
    """A physical network."""
    return {"kind": "PhysicalNetwork", "metadata": {"name": "p"}, "spec": {"refer_nic": "eth1", **spec}}
