"""Whatever YAML is given, it is read or refused with words, and quoted at a bearable length."""

from __future__ import annotations

import pytest

from cni.yamltext import load, load_all, quoted

BOMB = "\n".join(
    f"{chr(97 + n)}: &{chr(97 + n)} [{', '.join([f'*{chr(96 + n)}' if n else 'x'] * 9)}]" for n in range(9)
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: b: c", id="no YAML"),
        pytest.param("!!python/object:os.system x", id="a tag that makes objects"),
        pytest.param("!!int x", id="no whole number"),
        pytest.param("!!int ''", id="an empty number"),
        pytest.param("!!bool x", id="neither true nor false"),
        pytest.param("!!timestamp x", id="no moment"),
        pytest.param("2020-13-45", id="a date that is none"),
        pytest.param("? [a]\n: b", id="a list as a key"),
        pytest.param(b"\xff\xfea", id="half of UTF-16"),
        pytest.param('"\\ud800"', id="half a character"),
        pytest.param('- a: [{"\\ud83d": 1}]', id="half a character in a key"),
        pytest.param("[" * 20_000, id="nested deeper than can be followed"),
    ],
)
def test_what_cannot_be_read_is_refused_on_one_line(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        load_all(text)
    assert "\n" not in str(caught.value)


def test_one_document_is_wanted_or_several() -> None:
    assert load("") is None
    assert load("{a: 1}") == {"a": 1}
    assert load_all("1\n---\n2") == [1, 2]
    assert load('"\\U0001F600é"') == "\U0001f600é"
    assert load("&a [*a]")[0][0] is not None, "what contains itself ends"
    with pytest.raises(ValueError, match="2 documents"):
        load("1\n---\n2")


def test_what_is_quoted_is_short_whatever_its_aliases_come_to() -> None:
    assert len(quoted(load(BOMB))) < 100_000
    assert quoted({"app": [1, "x"]}) == "{'app': [1, 'x']}"
    assert len(quoted("x" * 10_000)) < 300
