"""Rows of samples that are read many at once are what they are one by one, and every problem is still found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from switcher.errors import BadInputError
from switcher.objects.rows import ROWS_AT_ONCE, read_table
from switcher.objects.sample_rows import COLUMNS, OPTIONAL, one_sample, read_samples

HEADER = "start,seconds,network,direction,bytes,node,destination"
GOOD = "2026-12-01T00:00:00Z,60,p,out,1000,n1,internet"
ODD = (
    GOOD,
    " 2026-12-01T00:00:00+01:00 , 0.25 , p , in , 12.5 , n1 ,",
    '2026-12-01T00:00:00Z,60,"a,b",out,1000,"n\n1",',
    "",
    " , ,,,,,",
    "2026-12-01T00:00:00Z,60,p,out,000000000000000000001,n1,",
    "2026-12-01T00:00:00Z,60,p,out,1000000000000000,n1,",
)
BAD = {
    "1969-12-01T00:00:00Z,60,p,out,1,,": "start",
    "2026-12-01,60,p,out,1,,": "start",
    "2026-12-01T00:00:00Z,0,p,out,1,,": "seconds",
    "2026-12-01T00:00:00Z,0.0000001,p,out,1,,": "seconds",
    "2026-12-01T00:00:00Z,60, ,out,1,,": "network",
    "2026-12-01T00:00:00Z,60,p,up,1,,": "direction",
    "2026-12-01T00:00:00Z,60,p,out,-1,,": "bytes",
    "2026-12-01T00:00:00Z,60,p,out,\N{ARABIC-INDIC DIGIT ONE},,": "bytes",
    "2026-12-01T00:00:00Z,60,p,out,1e30,,": "bytes",
    "2026-12-01T00:00:00Z,60,p,out,1000000000000001,,": "bytes",
    "2026-12-01T00:00:00Z,60,p,out,,,": "bytes",
    "2026-12-01T00:00:00Z,60,p,out,NaN,,": "bytes",
    "2026-12-01T00:00:00Z,60,p,out,1": "has 5 columns",
}


def written(path: Path, lines: list[str]) -> Path:
    file = path / "use.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n")
    return file


def outcome(file: Path, *, at_once: bool) -> object:
    """The samples, or the problems."""
    try:
        return read_samples(file) if at_once else read_table(file, COLUMNS, OPTIONAL, one_sample)
    except BadInputError as error:
        return error.problems


@pytest.mark.parametrize("seed", range(8))
def test_many_rows_at_once_are_what_they_are_one_by_one(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [chance.choice(ODD) if chance.random() < 0.002 else GOOD for _ in range(4 * ROWS_AT_ONCE + 7)]
    samples = outcome(written(tmp_path, lines), at_once=True)
    assert samples == outcome(tmp_path / "use.csv", at_once=False)
    assert isinstance(samples, list)
    assert len(samples) > 4 * ROWS_AT_ONCE - 100
    for _ in range(3):
        lines[chance.randrange(len(lines))] = chance.choice(list(BAD))
    problems = outcome(written(tmp_path, lines), at_once=True)
    assert problems == outcome(tmp_path / "use.csv", at_once=False)
    assert 1 <= len(problems) <= 3  # type: ignore[arg-type]


@pytest.mark.parametrize(("bad", "where"), BAD.items())
@pytest.mark.parametrize("line", [2, ROWS_AT_ONCE + 1, ROWS_AT_ONCE + 2])
def test_one_bad_row_among_many_is_named(tmp_path: Path, bad: str, where: str, line: int) -> None:
    lines = [GOOD] * (ROWS_AT_ONCE + 10)
    lines[line - 2] = bad
    with pytest.raises(BadInputError) as refused:
        read_samples(written(tmp_path, lines))
    (problem,) = refused.value.problems
    assert problem.line == line
    assert where == problem.path or where in problem.text


def test_problems_before_a_row_that_is_no_csv_are_reported_with_it(tmp_path: Path) -> None:
    lines = [GOOD, *list(BAD)[:2], '"never closed']
    with pytest.raises(BadInputError) as refused:
        read_samples(written(tmp_path, lines))
    assert [problem.line for problem in refused.value.problems] == [3, 4, 5]


def test_lines_are_counted_through_cells_of_several_lines(tmp_path: Path) -> None:
    rows = read_samples(written(tmp_path, [GOOD, ODD[2], GOOD]))
    assert [(row.line, row.node) for row in rows] == [(2, "n1"), (4, "n\n1"), (5, "n1")]
    assert rows[0].network is rows[2].network
