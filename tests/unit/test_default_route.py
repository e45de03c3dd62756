"""Who carries the default route, and what an ADD's result says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cni.default_route import KEEP, NONE, DefaultRoute, arbitrated, result_with, via

V4, V6 = "10.2.0.1", "fd00:2::1"
BOTH = [{"dst": "0.0.0.0/0"}, {"dst": "::/0", "gw": V6}]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        pytest.param([None], [KEEP], id="one attachment is left alone"),
        pytest.param([None, None, None], [KEEP, NONE, NONE], id="the first one's stays"),
        pytest.param(
            [None, (V4,)],
            [DefaultRoute(kept=frozenset({6})), via(V4)],
            id="another one's in one family",
        ),
        pytest.param([None, (V4, V6), None], [NONE, via(V4, V6), NONE], id="another one's in both"),
        pytest.param(
            [(V4,), None],
            [DefaultRoute(kept=frozenset({6}), gateways=(V4,)), NONE],
            id="the first one by a gateway of its own",
        ),
        pytest.param([None, ()], [NONE, NONE], id="N8 nobody's"),
    ],
)
def test_who_carries_it(wishes: Sequence[Sequence[str] | None], expected: list[DefaultRoute]) -> None:
    assert arbitrated(wishes) == expected


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        pytest.param([(V4,), (V6,)], "only one", id="N8 two attachments"),
        pytest.param([(V4, "10.2.0.9")], "more than one gateway", id="two gateways of a family"),
        pytest.param([("gateway",)], "gateway", id="not an address"),
    ],
)
def test_what_cannot_be_meant(wishes: Sequence[Sequence[str] | None], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        arbitrated(wishes)


@pytest.mark.parametrize(
    ("wanted", "routes"),
    [
        pytest.param(KEEP, BOTH, id="kept"),
        pytest.param(NONE, [], id="removed"),
        pytest.param(DefaultRoute(kept=frozenset({6})), BOTH[1:], id="one family"),
        pytest.param(via("10.2.0.7"), [{"dst": "0.0.0.0/0", "gw": "10.2.0.7"}], id="by another gateway"),
    ],
)
def test_the_result_says_so(wanted: DefaultRoute, routes: list[dict[str, Any]]) -> None:
    others = [{"dst": "192.0.2.0/24", "gw": V4}, {"dst": "0.0.0.0/0", "table": 7}]
    result = {"cniVersion": "1.1.0", "ips": [{"address": "10.2.0.5/24"}], "routes": [*others, *BOTH], "dns": {}}
    assert result_with(result, wanted) == {**result, "routes": [*others, *routes]}


def test_the_result_of_the_oldest_versions_too() -> None:
    ip4 = {"ip": "10.2.0.5/24", "routes": [BOTH[0]]}
    ip6 = {"ip": "fd00:2::5/64", "routes": [BOTH[1]]}
    old = {"cniVersion": "0.2.0", "ip4": ip4, "ip6": ip6}
    assert result_with(old, via(V4)) == {
        "cniVersion": "0.2.0",
        "ip4": {"ip": "10.2.0.5/24", "routes": [{"dst": "0.0.0.0/0", "gw": V4}]},
        "ip6": {"ip": "fd00:2::5/64"},
    }
