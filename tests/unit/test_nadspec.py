"""The standard's network selection annotation, in both its forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni.nadspec import NadElement, Options, parse_networks
from cni.protocol import CniError


def parsed(text: str) -> list[NadElement]:
    return parse_networks(text, "shop", "networks")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a", [NadElement(namespace="shop", name="a")], id="N1 a name"),
        pytest.param(
            " a@net1 , other/b@x",
            [
                NadElement(namespace="shop", name="a", ifname="net1"),
                NadElement(namespace="other", name="b", ifname="x"),
            ],
            id="N1 the comma form",
        ),
        pytest.param(
            '[{"name":"a","namespace":"other","interface":"net1"},{"name":"a"}]',
            [NadElement(namespace="other", name="a", ifname="net1"), NadElement(namespace="shop", name="a")],
            id="N1 the JSON form",
        ),
        pytest.param("a,a", [NadElement(namespace="shop", name="a")] * 2, id="N10 one network twice"),
        pytest.param('{"name":"a"}', [NadElement(namespace="shop", name="a")], id="a lone object"),
        pytest.param('[{"name":"a","namespace":null,"ips":null}]', [NadElement(namespace="shop", name="a")], id="null"),
        pytest.param("", [], id="blank"),
        pytest.param("[]", [], id="an empty list"),
        pytest.param(
            '[{"name":"a","example.com/rate":5}]', [NadElement(namespace="shop", name="a")], id="N2 a key of their own"
        ),
    ],
)
def test_elements(text: str, expected: list[NadElement]) -> None:
    assert parsed(text) == expected


def test_every_key_of_the_standard() -> None:
    element = {
        "name": "a",
        "ips": ["10.1.2.3", "fd00::3/64"],
        "mac": "02:00:00:00:00:01",
        "infiniband-guid": "c2:11:22:33:44:55:66:77",
        "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
        "bandwidth": {"ingressRate": 1000, "ingressBurst": 1000},
        "deviceID": "0000:18:0a.0",
        "cni-args": {"key": {"deep": 1}},
        "default-route": ["10.1.0.1", "fd00::1"],
    }
    (found,) = parsed(json.dumps([element]))
    assert found.options == Options(
        ips=("10.1.2.3", "fd00::3/64"),
        mac="02:00:00:00:00:01",
        guid="c2:11:22:33:44:55:66:77",
        port_mappings=({"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},),
        bandwidth={"ingressRate": 1000, "ingressBurst": 1000},
        device_id="0000:18:0a.0",
        cni_args={"key": {"deep": 1}},
        default_route=("10.1.0.1", "fd00::1"),
    )
    (claimed,) = parsed('[{"name":"a","ipam-claim-reference":"vm-1"}]')
    assert claimed.options.ipam_claim == "vm-1", "N17"


@pytest.mark.parametrize(
    ("element", "named"),
    [
        pytest.param({"name": "a", "interfaces": "x"}, "did you mean interface?", id="N2 misspelt"),
        pytest.param({"name": "a", "rate": 1}, "reverse-DNS", id="N2 unknown"),
        pytest.param({"name": "a", "ips": ["10.1.2.300"]}, "ips[0] is not an IP address", id="N5 ips"),
        pytest.param({"name": "a", "ips": "10.1.2.3"}, "ips must be a list", id="N5 ips is text"),
        pytest.param({"name": "a", "mac": "02:00:00"}, "mac is not a MAC address", id="N5 mac"),
        pytest.param({"name": "a", "mac": "02:00:00:00:00:0g"}, "mac is not a MAC address", id="N5 mac digits"),
        pytest.param({"name": "a", "interface": "a/b"}, "interface", id="N5 interface"),
        pytest.param({"name": "a", "interface": "a\x00b"}, "interface", id="N5 interface with NUL"),
        pytest.param({"name": "a", "interface": "sixteen-letters-"}, "longer than 15", id="N5 a long interface"),
        pytest.param({"name": "a", "interface": 5}, "interface must be a string", id="N5 interface is a number"),
        pytest.param({"name": "A_b"}, "name: not a valid name", id="a bad name"),
        pytest.param({}, "name", id="no name"),
        pytest.param({"name": "a", "namespace": "a.b"}, "not a valid name", id="a bad namespace"),
        pytest.param({"name": "a", "infiniband-guid": "c2"}, "GUID", id="guid"),
        pytest.param({"name": "a", "portMappings": [{"hostPort": 0}]}, "portMappings[0].hostPort", id="port"),
        pytest.param({"name": "a", "portMappings": {}}, "must be a list", id="port mappings"),
        pytest.param({"name": "a", "bandwidth": {"ingressRate": "1"}}, "bandwidth.ingressRate", id="bandwidth"),
        pytest.param({"name": "a", "cni-args": []}, "cni-args must be an object", id="cni-args"),
        pytest.param({"name": "a", "default-route": ["x"]}, "default-route[0] is not an IP", id="N8 not an address"),
        pytest.param({"name": "a", "default-route": ["10.0.0.1", "10.0.0.2"]}, "one family", id="N8 two gateways"),
        pytest.param({"name": "a", "ips": ["10.0.0.9"], "ipam-claim-reference": "c"}, "exclude each other", id="N9"),
    ],
)
def test_one_bad_element_makes_the_whole_annotation_invalid(element: dict[str, Any], named: str) -> None:
    with pytest.raises(CniError) as caught:
        parsed(json.dumps([{"name": "good"}, element]))
    assert named in str(caught.value)
    assert "networks[1]" in str(caught.value), "which element it is"
    assert caught.value.code == 4


@pytest.mark.parametrize(
    "text", ["a,,b", "a@", "@x", "a/b/c", "a@x@", "a b", "A", '["a"]', '"a"', "[", "{", "a/", "/a", "[1]", "[[]]"]
)
def test_bad_texts_are_refused(text: str) -> None:
    with pytest.raises(CniError) as caught:
        parsed(text)
    assert "networks" in str(caught.value)
