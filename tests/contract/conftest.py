"""Fixtures of the contract tests: the real binaries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shim import Shim, build_genie


@pytest.fixture(scope="session", params=["genie", "genie-sanitized"])
def binary(request: pytest.FixtureRequest) -> Path:
    return build_genie(request.param)


@pytest.fixture
def shim(binary: Path, tmp_path: Path) -> Shim:
    return Shim(binary, tmp_path)
