"""Strategies: right objects and rows, changed here and there as trees and cells, and now and then bytewise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.fuzz.documents import Pairs, Place, Raw, Tree, copied, drop, places, put, standing, write
from tests.fuzz.money import corpus
from tests.fuzz.money.odd import ANYWHERE, CELLS, KEYS, ODD_PERIODS, PERIODS, TAILORED

Draw = Callable[[st.SearchStrategy[Any]], Any]
ENDS = (b"\n", b"\r\n", b"\r", b"\n\n")
DAMAGES = (
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b'"',
    b"'",
    b",",
    b"&a ",
    b"*a",
    b"<<: ",
    b"\t",
    b"- ",
    b"---\n",
    b"\xed\xa0\x80",
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """The inputs of one bill. Objects are plain data, as an API gives them, or text."""

    documents: list[Any] | None = None
    text: bytes | None = None
    samples: bytes
    stays: bytes | None
    rates: bytes | None
    period: str
    known_at: str | None


@st.composite
def cases(draw: Draw) -> Case:
    """One bill, from hardly changed to hardly recognisable: mostly its objects, or its rows, or the text of objects."""
    kind = draw(st.sampled_from(["data"] * 6 + ["rows"] * 3 + ["text"]))
    documents = [
        copied(each) for each in draw(st.lists(st.sampled_from(corpus.DOCUMENTS), min_size=1, max_size=3, unique_by=id))
    ]
    for _ in range(0 if kind == "rows" else draw(st.sampled_from([0, 0, 1, 1, 1, 2, 3]))):
        _change(draw, documents)
    with_stays, with_rates = draw(st.sampled_from([(True, False), (True, True), (False, True)]))
    wild = kind == "rows"
    return Case(
        documents=None if kind == "text" else [_plain(each) for each in documents],
        text=_damaged(draw, _written(draw, documents), 6) if kind == "text" else None,
        samples=_table(draw, corpus.SAMPLES, corpus.ROWS, wild),
        stays=_table(draw, corpus.STAYS, corpus.STAY_ROWS, wild) if with_stays else None,
        rates=_table(draw, corpus.RATES, corpus.RATE_ROWS, wild) if with_rates else None,
        period=draw(st.sampled_from(PERIODS if draw(st.integers(0, 31)) else ODD_PERIODS)),
        known_at=draw(st.sampled_from([None, None, None, "2026-11-01T00:00:00Z", "2026-12-12T00:00:00Z"])),
    )


def _plain(tree: Tree) -> Any:
    """What a reader of JSON makes of it; what is none is a text."""
    if isinstance(tree, Raw):
        return tree.data.decode("utf-8", "surrogateescape")
    if isinstance(tree, Pairs):
        return {key: _plain(value) for key, value in tree.items}
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    return [_plain(each) for each in tree] if isinstance(tree, list) else tree


def _written(draw: Draw, documents: Sequence[Tree]) -> bytes:
    """As JSON, or as YAML where that can say it."""
    if draw(st.booleans()) and not any(_is_raw(each) for each in documents):
        return bytes(yaml.safe_dump_all(documents, encoding="utf-8", allow_unicode=True))
    return b"\n---\n".join(write(each) for each in documents)


def _is_raw(tree: Tree) -> bool:
    if isinstance(tree, Raw | Pairs) or (isinstance(tree, str) and not tree.isprintable()):
        return True
    inner = [*tree, *tree.values()] if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return any(_is_raw(each) for each in inner)


def _damaged(draw: Draw, data: bytes, seldom: int) -> bytes:
    if draw(st.integers(0, seldom)):
        return data
    at = draw(st.integers(0, len(data)))
    until = at + draw(st.sampled_from([0, 0, 1, 2, 20]))
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:until] + data[at:]
    if kind == 2:
        return data.decode("utf-8", "replace").encode(
            draw(st.sampled_from(["utf-16", "latin-1", "utf-8-sig"])), "replace"
        )
    return data[:at] + draw(st.sampled_from(DAMAGES)) + data[until:]


def _table(draw: Draw, header: Sequence[str], right: Sequence[Sequence[str]], wild: bool) -> bytes:
    rows = [list(each) for each in draw(st.lists(st.sampled_from(right), max_size=len(right), unique_by=id))]
    columns = list(header)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2])) if wild else 0):
        if rows and draw(st.integers(0, 5)):
            row, column = draw(st.sampled_from(rows)), draw(st.integers(0, len(header) - 1))
            row[column : column + 1] = [draw(st.sampled_from(CELLS[header[column]]))]
        else:
            line = draw(st.sampled_from([columns, *rows]))
            line[: draw(st.integers(0, 1))] = draw(st.sampled_from([[], ["x"], [""], ['"']]))
    end = draw(st.sampled_from(ENDS))
    text = end.join(",".join(line).encode("utf-8", "surrogatepass") for line in [columns, *rows]) + end
    return _damaged(draw, text, 11) if wild else text


def _change(draw: Draw, documents: list[Tree]) -> None:
    found = [place for _, place in places(documents)]
    if found:
        draw(st.sampled_from(CHANGES))(draw, draw(st.sampled_from(found)))


def _odd(draw: Draw, place: Place) -> None:
    put(place, copied(draw(st.sampled_from(ANYWHERE))))


def _tailored(draw: Draw, place: Place) -> None:
    put(place, copied(draw(st.sampled_from(TAILORED.get(str(place[1]), ANYWHERE)))))


def _drop(_: Draw, place: Place) -> None:
    drop(place)


def _add(draw: Draw, place: Place) -> None:
    holder = standing(place) if isinstance(standing(place), dict) else place[0]
    if isinstance(holder, dict):
        key = draw(st.sampled_from(KEYS))
        holder[key] = copied(draw(st.sampled_from(TAILORED.get(key, ANYWHERE))))
    else:
        _odd(draw, place)


def _double(draw: Draw, place: Place) -> None:
    value = standing(place)
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(map(str, value))))
        put(place, Pairs([*((str(name), each) for name, each in value.items()), (key, value.get(key))]))
    elif isinstance(value, list) and value:
        value.append(copied(draw(st.sampled_from(value))))
    else:
        put(place, [value, value])


def _splice(draw: Draw, place: Place) -> None:
    """What stands in another object, under the same key where there is one."""
    found = [each for _, each in places(copied(draw(st.sampled_from(corpus.DOCUMENTS))))]
    alike = [each for each in found if each[1] == place[1]]
    put(place, standing(draw(st.sampled_from(alike or found))))


CHANGES: tuple[Callable[[Draw, Place], None], ...] = (
    *(_odd, _tailored, _tailored, _tailored, _tailored, _drop, _add, _add, _double, _splice, _splice),
)
