"""Random bills: right objects and rows, changed here and there as trees and cells, and now and then bytewise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml

from tests.fuzz.documents import Pairs, Place, Raw, Tree, copied, drop, places, put, standing, write
from tests.fuzz.money import corpus
from tests.fuzz.money.odd import ANYWHERE, CELLS, KEYS, ODD_PERIODS, PERIODS, TAILORED

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


def made(chance: Random) -> Case:
    """One bill, from hardly changed to hardly recognisable: mostly its objects, or its rows, or the text of objects."""
    kind = chance.choice(["data"] * 6 + ["rows"] * 3 + ["text"])
    chosen = {id(each): each for each in chance.choices(corpus.DOCUMENTS, k=chance.randint(1, 3))}
    documents = [copied(each) for each in chosen.values()]
    for _ in range(0 if kind == "rows" else chance.choice([0, 0, 1, 1, 1, 2, 3])):
        _change(chance, documents)
    with_stays, with_rates = chance.choice([(True, False), (True, True), (False, True)])
    wild = kind == "rows"
    return Case(
        documents=None if kind == "text" else [_plain(each) for each in documents],
        text=_damaged(chance, _written(chance, documents), 6) if kind == "text" else None,
        samples=_table(chance, corpus.SAMPLES, corpus.ROWS, wild),
        stays=_table(chance, corpus.STAYS, corpus.STAY_ROWS, wild) if with_stays else None,
        rates=_table(chance, corpus.RATES, corpus.RATE_ROWS, wild) if with_rates else None,
        period=chance.choice(PERIODS if chance.randint(0, 31) else ODD_PERIODS),
        known_at=chance.choice([None, None, None, "2026-11-01T00:00:00Z", "2026-12-12T00:00:00Z"]),
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


def _written(chance: Random, documents: Sequence[Tree]) -> bytes:
    """As JSON, or as YAML where that can say it."""
    if chance.randint(0, 1) and not any(_is_raw(each) for each in documents):
        return bytes(yaml.safe_dump_all(documents, encoding="utf-8", allow_unicode=True))
    return b"\n---\n".join(write(each) for each in documents)


def _is_raw(tree: Tree) -> bool:
    if isinstance(tree, Raw | Pairs) or (isinstance(tree, str) and not tree.isprintable()):
        return True
    inner = [*tree, *tree.values()] if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return any(_is_raw(each) for each in inner)


def _damaged(chance: Random, data: bytes, seldom: int) -> bytes:
    if chance.randint(0, seldom):
        return data
    at = chance.randint(0, len(data))
    until = at + chance.choice([0, 0, 1, 2, 20])
    kind = chance.randint(0, 4)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:until] + data[at:]
    if kind == 2:
        return data.decode("utf-8", "replace").encode(chance.choice(["utf-16", "latin-1", "utf-8-sig"]), "replace")
    return data[:at] + chance.choice(DAMAGES) + data[until:]


def _table(chance: Random, header: Sequence[str], right: Sequence[Sequence[str]], wild: bool) -> bytes:
    rows = [list(each) for each in chance.sample(right, chance.randint(0, len(right)))]
    columns = list(header)
    for _ in range(chance.choice([0, 0, 1, 1, 2]) if wild else 0):
        if rows and chance.randint(0, 5):
            row, column = chance.choice(rows), chance.randint(0, len(header) - 1)
            row[column : column + 1] = [chance.choice(CELLS[header[column]])]
        else:
            line = chance.choice([columns, *rows])
            line[: chance.randint(0, 1)] = chance.choice([[], ["x"], [""], ['"']])
    end = chance.choice(ENDS)
    text = end.join(",".join(line).encode("utf-8", "surrogatepass") for line in [columns, *rows]) + end
    return _damaged(chance, text, 11) if wild else text


def _change(chance: Random, documents: list[Tree]) -> None:
    found = [place for _, place in places(documents)]
    if found:
        chance.choice(CHANGES)(chance, chance.choice(found))


def _odd(chance: Random, place: Place) -> None:
    put(place, copied(chance.choice(ANYWHERE)))


def _tailored(chance: Random, place: Place) -> None:
    put(place, copied(chance.choice(TAILORED.get(str(place[1]), ANYWHERE))))


def _drop(_: Random, place: Place) -> None:
    drop(place)


def _add(chance: Random, place: Place) -> None:
    holder = standing(place) if isinstance(standing(place), dict) else place[0]
    if isinstance(holder, dict):
        key = chance.choice(KEYS)
        holder[key] = copied(chance.choice(TAILORED.get(key, ANYWHERE)))
    else:
        _odd(chance, place)


def _double(chance: Random, place: Place) -> None:
    value = standing(place)
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(map(str, value)))
        put(place, Pairs([*((str(name), each) for name, each in value.items()), (key, value.get(key))]))
    elif isinstance(value, list) and value:
        value.append(copied(chance.choice(value)))
    else:
        put(place, [value, value])


def _splice(chance: Random, place: Place) -> None:
    """What stands in another object, under the same key where there is one."""
    found = [each for _, each in places(copied(chance.choice(corpus.DOCUMENTS)))]
    alike = [each for each in found if each[1] == place[1]]
    put(place, standing(chance.choice(alike or found)))


CHANGES: tuple[Callable[[Random, Place], None], ...] = (
    *(_odd, _tailored, _tailored, _tailored, _tailored, _drop, _add, _add, _double, _splice, _splice),
)
