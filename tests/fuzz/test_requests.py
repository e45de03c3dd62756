"""The short form of ``make fuzz``: the same requests every time, through a real agent with real plugins."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.case import Case
from tests.fuzz.strategies import cases
from tests.fuzz.trial import run
from tests.fuzz.world import World, world
from tests.support.shim import ROOT

pytestmark = pytest.mark.netns

REQUESTS = 1500
KEPT = ROOT / "build/fuzz-short.json"
"""The last request that went wrong: ``make fuzz REPLAY=build/fuzz-short.json`` tries it again."""


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir="/run", prefix="fuzz-") as directory, world(Path(directory)) as made:
        yield made


@settings(
    max_examples=REQUESTS,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(case=cases())
def test_every_request_ends_in_success_or_in_one_error_and_leaves_nothing(node: World, case: Case) -> None:
    trial = run(node, case)
    if trial.complaints:
        case.save(KEPT, "\n".join(trial.complaints))
    assert not trial.complaints
