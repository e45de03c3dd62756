"""How far a network may be filled before the price that its quote promises ends."""

from __future__ import annotations

import numpy as np
import pytest

from switcher.decide.board import lay_out
from switcher.decide.levels import Level, ceiling
from tests.support.scenes import MBPS, network, snapshot, workload

FREE, DEARER = Level(5 * MBPS, -1.0), Level(np.inf, 2.0)


@pytest.mark.parametrize(
    ("arriving", "left"),
    [
        pytest.param(1, 5, id="within the level the rest of it is left"),
        pytest.param(2, 6, id="rounded beyond it into a dearer one than was quoted: just what came"),
    ],
)
def test_nobody_follows_at_the_quote_who_would_pay_more(arriving: int, left: float) -> None:
    """Whole workloads of 3 Mbps overshoot a level of 5; those who fill up what is left must not overshoot it more."""
    names = ("w0", "w1", "w2")
    board = lay_out(snapshot([network("a"), network("b")], [workload(name, "a", 3 * MBPS) for name in names]))
    column = np.array([1 if number < arriving else 0 for number in range(len(names))])

    found = ceiling({"pb": (FREE, DEARER)}, board, np.arange(len(names)), column)

    assert found.left["pb"] == pytest.approx(left * MBPS)
    assert found.beyond["pb"] == 2.0
