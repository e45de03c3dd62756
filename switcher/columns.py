"""Many values as columns: in memory (:class:`Column`), and in JSON, where they take a tenth of one object each.

In JSON a column whose values are all alike is written once; one of few distinct values as these and an index each; any
other as it is. The same values give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints, overload

import msgspec
import numpy as np
import numpy.typing as npt

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Codes = npt.NDArray[np.int32]
SORTED = msgspec.json.Encoder(order="sorted")
FEW = 2
"""A column is coded where so many values come to each distinct one."""


@dataclass(frozen=True, eq=False)
class Column(Sequence[T_co]):
    """One value for each of many rows; no two of ``values`` are alike, and some may be of no row."""

    values: Sequence[T_co]
    at: Codes
    """By row: the index of its value."""

    @classmethod
    def of(cls, rows: Iterable[T_co], key: Callable[[T_co], Hashable] | None = None) -> Column[T_co]:
        """The column of these values. ``key``: what tells them apart, where they cannot be hashed."""
        values = rows if isinstance(rows, (list, tuple)) else list(rows)
        keys: Sequence[Any] = values if key is None else list(map(key, values))
        number = {each: index for index, each in enumerate(dict.fromkeys(keys))}
        if len(number) == 1:
            return Column.same(values[0], len(keys))
        at = np.fromiter(map(number.__getitem__, keys), dtype=np.int32, count=len(keys))
        if key is None:
            return cls(list(number), at)
        first = dict(zip(reversed(keys), reversed(values), strict=True))
        return cls(list(map(first.__getitem__, number)), at)

    @staticmethod
    def same(value: T, count: int) -> Column[T]:
        """So many times the same value."""
        return Column([value], np.broadcast_to(np.int32(0), (count,)))

    @classmethod
    def chain(cls, parts: Sequence[Column[T_co]]) -> Column[T_co]:
        """All rows of these columns, one after the other. Values must be hashable."""
        number: dict[T_co, int] = {}
        codes = [np.array([number.setdefault(value, len(number)) for value in part.values], np.int32) for part in parts]
        at = [code[part.at] for code, part in zip(codes, parts, strict=True) if len(part.at)]
        return cls(list(number), np.concatenate(at) if at else np.empty(0, dtype=np.int32))

    def __len__(self) -> int:
        return len(self.at)

    @overload
    def __getitem__(self, row: int) -> T_co: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[T_co]: ...

    def __getitem__(self, row: int | slice) -> T_co | Sequence[T_co]:
        if isinstance(row, slice):
            return list(map(self.values.__getitem__, self.at[row].tolist()))
        return self.values[int(self.at[row])]

    def __iter__(self) -> Iterator[T_co]:
        return map(self.values.__getitem__, self.at.tolist())

    def each(self, of: Callable[[T_co], Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """By row: what ``of`` makes of its value. Asked once for each distinct one."""
        if not len(self.at):
            return np.empty(0, dtype=dtype)
        return np.array([of(value) for value in self.values], dtype=dtype)[self.at]

    def take(self, rows: npt.NDArray[Any]) -> Column[T_co]:
        """These rows alone."""
        return Column(self.values, self.at[rows])

    def patched(self, rows: Mapping[int, T_co]) -> Column[T_co]:
        """With other values in these rows. Values must be hashable."""
        if not rows:
            return self
        number = {value: index for index, value in enumerate(self.values)}
        at = self.at.copy()
        at[list(rows)] = [number.setdefault(value, len(number)) for value in rows.values()]
        return Column(list(number), at)

    @property
    def present(self) -> Sequence[T_co]:
        """The distinct values that some row has."""
        return [value for value, count in zip(self.values, self.counts, strict=True) if count]

    @property
    def counts(self) -> Sequence[int]:
        """Of how many rows each value is."""
        return np.bincount(self.at, minlength=len(self.values)).tolist()  # type: ignore[no-any-return] # numpy's stubs

    @cached_property
    def in_order(self) -> Column[T_co]:
        """The same rows, with the values that occur and in the order in which they do: equal rows, equal columns."""
        count = len(self.values)
        first = np.full(count, len(self.at), dtype=np.int64)
        first[self.at[::-1]] = np.arange(len(self.at))[::-1]  # of several the last one stays, which is the first row
        order = [index for index in np.argsort(first, kind="stable").tolist() if first[index] < len(self.at)]
        number = np.zeros(max(count, 1), dtype=np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        return Column([self.values[index] for index in order], number[self.at])


class Same(msgspec.Struct, Generic[T], frozen=True, tag="same", tag_field="column"):
    """Every value is this one."""

    value: T
    count: int


class Coded(msgspec.Struct, Generic[T], frozen=True, tag="coded", tag_field="column"):
    """``at`` are indexes into ``values``."""

    values: list[T]
    at: list[int]


@lru_cache
def columns_type(of: type[Any]) -> type[Any]:
    """What the columns of a dataclass are decoded as."""
    hints = get_type_hints(of)
    return msgspec.defstruct(
        f"{of.__name__}Columns", [(field.name, _any_of(hints[field.name])) for field in fields(of)]
    )


def _any_of(value: Any) -> Any:
    return Same[value] | Coded[value] | list[value]


def columns(of: type[Any], values: Mapping[str, Any]) -> Any:
    """Columns by the names of the fields of the dataclass ``of``; msgspec encodes them. Lists stay as they are."""
    made = {name: each if isinstance(each, list) else coded(each) for name, each in values.items()}
    return columns_type(of)(**made)  # type: ignore[arg-type] # a class can be hashed


def columns_of(of: type[Any], rows: Sequence[Any]) -> Any:
    """The same of values of that dataclass."""
    return columns(of, {field.name: tuple(map(attrgetter(field.name), rows)) for field in fields(of)})


def rows(of: Callable[..., T], table: Any) -> tuple[T, ...]:
    """What :func:`columns` was made of."""
    names = table.__struct_fields__
    every = [values_of(getattr(table, name)) for name in names]
    return tuple(of(**dict(zip(names, row, strict=True))) for row in zip(*every, strict=True))


def coded(values: Sequence[Any] | npt.NDArray[np.float64]) -> Any:
    """One column in its shortest form."""
    if isinstance(values, np.ndarray):
        return _coded_rates(values)
    column = (values if isinstance(values, Column) else Column.of(values, _key_for(values))).in_order
    if len(column.values) == 1:
        return Same(column.values[0], len(column))
    if len(column.values) * FEW > len(column):
        return list(values)
    return Coded(list(column.values), column.at.tolist())


def _coded_rates(rates: npt.NDArray[np.float64]) -> Any:
    """The same of numbers; one that is not a number is written as null."""
    if len(rates) and len(np.unique(rates)) * FEW > len(rates):
        return rates.tolist()
    return coded([None if np.isnan(rate) else rate for rate in rates.tolist()])


def key_of(value: Any) -> Hashable:
    """What tells one value from another, mappings too."""
    return SORTED.encode(value) if isinstance(value, Mapping) else value


def _key_for(values: Iterable[Any]) -> Callable[[Any], Hashable] | None:
    """:func:`key_of` where some of them are mappings; most columns have none, and are told apart as they are."""
    return key_of if any(issubclass(kind, Mapping) for kind in set(map(type, values))) else None


def values_of(column: Any) -> Sequence[Any]:
    """The values of one column."""
    match column:
        case Same():
            return [column.value] * column.count
        case Coded():
            return list(map(column.values.__getitem__, column.at))
        case _:
            return column  # type: ignore[no-any-return] # a list of whatever the field is
