"""The questionnaire on a pod: read whole, or refused with what is wrong and what to write instead."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni.protocol import CniError
from cni.smart import ANYTHING, QUESTIONNAIRE_KEY, Questionnaire, parse_questionnaire

WHOLE = """{
  "networks": ["blue", " cni:red "], "exclude": ["green"], "minCapacity": "1Gbps", "minSla": "95",
  "maxPricePerHour": "0.05", "maxPricePerGB": 0.10, "maxUtilisation": "0.7", "maxLatency": "50ms", "demand": "20Mbps"
}"""


def parsed(text: str) -> Questionnaire:
    return parse_questionnaire({QUESTIONNAIRE_KEY: text})


def test_every_key_is_read() -> None:
    assert parsed(WHOLE) == Questionnaire(
        networks=("blue", "cni:red"),
        exclude=("green",),
        min_capacity_bps=1e9,
        min_sla=Decimal(95),
        max_price_per_hour=Decimal("0.05"),
        max_price_per_gb=Decimal("0.10"),
        max_utilisation=Decimal("0.7"),
        max_latency_ms=50.0,
        demand_bps=20e6,
    )


@pytest.mark.parametrize("annotations", [{}, {QUESTIONNAIRE_KEY: ""}, {QUESTIONNAIRE_KEY: "  "}, {"other": "x"}])
def test_without_it_anything_will_do(annotations: dict[str, str]) -> None:
    assert parse_questionnaire(annotations) is ANYTHING


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"minSLA": "95"}', "minSLA: unknown key; did you mean minSla?", id="nearest key"),
        pytest.param('{"colour": "red"}', "colour: unknown key; known are networks, exclude, ", id="no near key"),
        pytest.param('{"minCapacity": "fast"}', "minCapacity: 'fast' is not a rate such as 100Mbps", id="rate"),
        pytest.param('{"demand": 20}', "demand: 20 is not a rate", id="a rate without unit"),
        pytest.param('{"maxLatency": "50"}', "maxLatency: '50' is not a duration such as 500ms", id="duration"),
        pytest.param('{"minSla": "95%"}', "minSla: '95%' is no number such as \"95\" for 95 %", id="percent sign"),
        pytest.param('{"minSla": 120}', "minSla: 120 is no percentage above 0 and up to 100", id="percentage"),
        pytest.param('{"maxUtilisation": "70"}', "maxUtilisation: '70' is no share", id="share"),
        pytest.param('{"maxPricePerHour": "-1"}', "maxPricePerHour: '-1' is below zero", id="money below zero"),
        pytest.param('{"maxPricePerGB": "NaN"}', "maxPricePerGB: 'NaN' is no number", id="not a number"),
        pytest.param('{"maxPricePerGB": NaN}', "NaN is no number", id="not a JSON number"),
        pytest.param('{"maxPricePerGB": true}', "maxPricePerGB: true is no number", id="true is not 1"),
        pytest.param('{"networks": "blue"}', "networks: 'blue' is no list of networks such as", id="no list"),
        pytest.param('{"networks": ["a", ""]}', "is no list of networks", id="a blank name"),
        pytest.param('{"networks": []}', "networks: the list is empty", id="an empty list"),
        pytest.param('{"exclude": [7]}', "exclude: [7] is no list", id="a number for a name"),
        pytest.param('{"demand": "1bps", "demand": "2bps"}', "a key is there twice", id="twice"),
        pytest.param('["blue"]', "it must be a JSON object such as", id="a list"),
        pytest.param("maxLatency=50ms", "it is not JSON", id="no JSON"),
        pytest.param("[" * 100_000, "it is nested too deeply", id="too deep"),
        pytest.param('{"minSla": ' + "9" * 5000 + "}", "it is not JSON", id="a number too long to read"),
    ],
)
def test_what_is_wrong_is_named_and_the_whole_is_refused(text: str, said: str) -> None:
    with pytest.raises(CniError) as caught:
        parsed(text)
    assert caught.value.code == 4
    assert QUESTIONNAIRE_KEY in caught.value.msg
    assert said in caught.value.details


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(CniError) as caught:
        parsed('{"minSla": "x", "demand": "20Mbps", "maxLatancy": "5ms"}')
    assert "minSla: " in caught.value.details
    assert "did you mean maxLatency?" in caught.value.details
    assert "demand" not in caught.value.details


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([*json.loads(WHOLE)]) | st.text(max_size=8)


@given(st.text() | st.dictionaries(KEYS, JSON, max_size=4).map(json.dumps) | JSON.map(json.dumps))
def test_whatever_is_written_it_is_read_or_refused(text: str) -> None:
    try:
        read: object = parsed(text)
    except CniError as error:
        read = error
    assert isinstance(read, Questionnaire) or (read.code == 4 and read.details)  # type: ignore[attr-defined] # CniError
