"""What is taken for JSON from outside, and what is refused rather than failing later."""

from __future__ import annotations

import json

import msgspec
import pytest

from cni.jsontext import DEEPEST, parse


@pytest.mark.parametrize(
    "text", [b'{"a": [1, 2.5, "\\u00e9", null, true]}', '"\U0001d54f"', b"-0", b"99999999999999999999"]
)
def test_what_is_json_is_read_and_can_be_written_again(text: bytes | str) -> None:
    assert parse(text) == json.loads(text)
    assert parse(msgspec.json.encode(parse(text))) == parse(text)


@pytest.mark.parametrize("levels", [1, DEEPEST])
def test_what_is_nested_is_read(levels: int) -> None:
    assert parse(b"[" * levels + b"]" * levels) == json.loads(b"[" * levels + b"]" * levels)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"NaN", id="no number"),
        pytest.param(b"1e999", id="a number that no double holds"),
        pytest.param(b"9" * 5000, id="a number of thousands of digits"),
        pytest.param(b'"\\ud800"', id="half a character"),
        pytest.param('"\ud800"', id="half a character, as it is"),
        pytest.param(b'"\xff"', id="no UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a": 1} x', id="something behind it"),
        pytest.param(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), id="one level too many"),
        pytest.param(b'{"a":' * 100_000, id="more levels than the interpreter can follow"),
    ],
)
def test_what_is_not_is_refused_with_a_value_error(text: bytes | str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)
