"""Rules for all tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose name leaves room for unix sockets below it (their paths end at 108 bytes)."""
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as directory:
        yield Path(directory)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under ``CI=true`` every test runs: one that would skip, because a tool is missing, fails instead."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} must run under CI=true, but: {reason}"
    return report
