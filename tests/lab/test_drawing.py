"""The chart is drawn in both formats and names what a reader looks for; bars and lines say what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from switcher.lab.money import Span
from switcher.lab.plot import Drawn, chart
from switcher.lab.report import MoveRow
from switcher.lab.shaper import Counters, UplinkPoint
from switcher.lab.story import Story
from switcher.lab.view import BAR_WIDTH, bar

STORY = Story(start=1000.0, seconds=90.0)


def drawn(*moves: MoveRow) -> Drawn:
    points = [
        UplinkPoint(
            at=1000.0 + second, seconds=1.0, node="n1", physical_network=name,
            out=Counters(ours=9_000_000), into=Counters(),
        )
        for second in range(1, 91)
        for name in ("phynet0", "phynet1", "phynet2")
    ]  # fmt: skip
    spans = [Span(workload="w01", physical_network="phynet0", start=1000.0, end=1090.0)]
    return Drawn(story=STORY, end=90.0, points=points, spans=spans, moves=moves, workloads=["w01"], marked=frozenset())


def move(reason: str, finished_at: float | None) -> MoveRow:
    return MoveRow(
        workload="lab/w01", attachment="net1", source="phynet2", target="phynet0", reason=reason, decided_at=1010.0,
        shifted_at=1011.0, finished_at=finished_at, outcome="Moved", saving_per_hour="8.33", largest_gap=0.004,
    )  # fmt: skip


def test_an_svg_has_the_networks_the_thresholds_the_prices_and_the_reasons(tmp_path: Path) -> None:
    path = tmp_path / "run.svg"
    chart(drawn(move("Savings", 1015.0), move("Safety", None), move("Manual", 1020.0)), "title", path)
    text = path.read_text()
    assert all(
        f"<!-- {word}" in text for word in ("phynet0", "shed 85%", "fill 70%", "14.50", "move: Safety", "seconds")
    )


def test_a_png_is_a_png(tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    chart(drawn(), "a run in which nothing moved", path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("share", "cells", "style"),
    [(0.0, 0, "green"), (0.5, 15, "green"), (0.75, 22, "yellow"), (0.9, 27, "red"), (1.4, BAR_WIDTH, "red")],
)
def test_a_bar_shows_its_share_and_its_colour(share: float, cells: int, style: str) -> None:
    text = bar(share)
    assert text.plain.count("█") == cells
    assert any(span.style == style for span in text.spans)
    assert text.plain.endswith(f"{share:5.1%}")
