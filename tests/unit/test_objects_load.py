"""Every bad input has its message, with the place and the offending value; and all of them come at once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switcher.errors import BadInputError, Problem
from switcher.objects.load import book_from_documents, load, load_documents, load_placed, parse_documents
from tests.unit.pricing import at, fixed, tariff

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
DOCUMENTS = load_documents([EXAMPLES])
TARIFF = """\
kind: Tariff
metadata: {name: t}
spec:
  physicalNetworks: [p]
  currency: USD
  billingPeriod: {unit: month}
  validFrom: 2026-12-01T00:00:00+01:00
  charges:
  - name: port
    fixed: {price: "6.90", per: hour, each: attachment}
"""
VOLUME = """\
  - name: egress
    volume:
      direction: out
      unit: GB
      tiers: [{upTo: "100", price: "0"}, {price: "0.09"}]
"""
POLICY = "kind: SwitchPolicy\nmetadata: {name: x}\nspec:\n"
THRESHOLD = "kind: CongestionThreshold\nmetadata: {name: x}\nspec:\n"


def problems(text: str) -> list[str]:
    with pytest.raises(BadInputError) as refusal:
        parse_documents(text, "f.yaml")
    return [str(problem) for problem in refusal.value.problems]


def changed(old: str, new: str) -> str:
    whole = TARIFF + VOLUME
    assert old in whole
    return whole.replace(old, new)


def test_an_unquoted_yaml_timestamp_is_a_time() -> None:
    book = book_from_documents(parse_documents(TARIFF + VOLUME, "f.yaml"))
    assert book.tariffs[0].spec.valid_from == at("2026-11-30 23:00")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '"6.90"',
            "6.90",
            r'f.yaml:10: spec.charges\[0\].fixed.price: 6.90 is a bare number: .*: write "6.90" in quotes',
        ),
        ('"6.90"', "7", "fixed.price: 7 is a bare number"),
        ('"6.90"', '"-1"', "fixed.price: '-1' must not be negative"),
        ('"6.90"', '".inf"', "fixed.price: '.inf' must be a decimal number"),
        ('"6.90"', ".nan", "fixed.price: .nan is a bare number"),
        ('"6.90"', '"NaN"', "fixed.price: 'NaN' must be a decimal number"),
        ('"6.90"', '"1e3"', "fixed.price: '1e3' must be a decimal number"),
        ('"6.90"', '"6,90"', "fixed.price: '6,90' must be a decimal number"),
        ('"6.90"', '"9999999999999999"', "fixed.price: '9999999999999999' is absurdly large"),
        ('"6.90"', "", "fixed.price: an empty value must be a decimal number"),
        ("per: hour", "per: hours", "fixed.per: 'hours' is not one of hour, day, month, did you mean 'hour'"),
        ("per: hour", "per: hour, nht: []", "fixed.nht: unknown field 'nht', did you mean 'nth'"),
        ("currency: USD", "currency: usd", "f.yaml:5: spec.currency: 'usd' is no currency code"),
        ("currency: USD", "currrency: USD", r"spec.currency: required, but missing \(is 'currrency' meant\?\)"),
        ("currency: USD", "currency: USD\n  timezone: Mars/Base", "spec.timezone: 'Mars/Base' is no known time zone"),
        ("unit: month}", "unit: mont}", "billingPeriod.unit: 'mont' is not one of .*, did you mean 'month'"),
        ("unit: month}", "unit: month, anchor: 32}", "billingPeriod.anchor: 32 must be from 1 to 31"),
        ("unit: month}", 'unit: month, anchor: "3"}', "billingPeriod.anchor: '3' must be a whole number"),
        ("unit: month}", "unit: month, anchor: 010}", "billingPeriod.anchor: YAML reads 010 as the number 8"),
        ("unit: month}", "unit: month, anchor: 1.5}", "billingPeriod.anchor: 1.5 must be a whole number"),
        ("T00:00:00+01:00", "T00:00:00", "f.yaml:7: spec.validFrom: 2026-12-01T00:00:00 must be a time with its zone"),
        ("T00:00:00+01:00", "", "spec.validFrom: 2026-12-01 must be a time with its zone"),
        ("2026-12-01T", '"2026-13-01T', "no valid YAML"),
        ("2026-12-01T", "2026-13-01T", "spec.validFrom: .*2026-13-01T00:00:00.*01:00'? is no such time"),
        (
            "  charges:",
            "  validTo: 2026-11-01T00:00:00Z\n  charges:",
            "spec.validTo: .* must be after validFrom, which",
        ),
        ("[p]", "[]", r"f.yaml:4: spec.physicalNetworks: \[\] must have at least one element"),
        ("[p]", "p", "spec.physicalNetworks: 'p' must be a list"),
        ("[p]", "[p, p]", "spec.physicalNetworks: names p twice"),
        ("[p]", "[3]", 'spec.physicalNetworks\\[0\\]: 3 must be text: write "3" in quotes'),
        ("name: egress", "name: port", "spec.charges: two charges have the same name: port"),
        ("- name: port\n    fixed", "- fixed", r"spec.charges\[0\].name: required, but missing"),
        ('"100"', "100", r"spec.charges\[1\].volume.tiers\[0\].upTo: 100 is a bare number"),
        ('"100"', '"0"', r"spec.charges\[1\].volume.tiers\[0\].upTo: '0' must be above zero"),
        ('{upTo: "100"', '{upTo: "9"}, {upTo: "8"', r"tiers\[1\].upTo: '8' is out of order: it must be above 9"),
        ('{price: "0.09"}', '{upTo: "200", price: "0.09"}', r"tiers\[1\].upTo: '200' on the last tier"),
        ('{upTo: "100", ', "{", r"tiers\[0\].upTo: required, but missing: only the last tier is open"),
        ("tiers: [", "tiers: [3, ", r"tiers\[0\]: 3 must be a mapping"),
        ("direction: out", "direction: maxOfPercentiles", "direction: 'maxOfPercentiles' is for percentile"),
        ("unit: GB", "unit: gb", "volume.unit: 'gb' is not one of MB, GB, .* did you mean 'GB'"),
        ("unit: GB", "unit: GB\n      unit: GiB", "volume.unit: 'unit' is given twice: first on line 14"),
        (
            "unit: GB",
            'unit: GB\n      schedule: [{from: 22:00, to: "06:00", multiply: "1"}]',
            'YAML reads 22:00 as .* "22:00"',
        ),
        (
            "unit: GB",
            'unit: GB\n      schedule: [{from: "22:00", to: "6:00", multiply: "1"}]',
            "to: '6:00' must be a time",
        ),
        (
            "unit: GB",
            'unit: GB\n      schedule: [{from: "22:00", to: "22:00", multiply: "1"}]',
            "from and to are the same",
        ),
        ("unit: GB", 'unit: GB\n      schedule: [{from: "22:00", to: "06:00"}]', "exactly one of multiply and price"),
        (
            "unit: GB",
            'unit: GB\n      schedule: [{days: [sun, hol], from: "1:00", to: "06:00", price: "1"}]',
            "days\\[1\\]: 'hol' is not",
        ),
        (
            "per: hour",
            'per: day, schedule: [{from: "22:00", to: "06:00", price: "1"}]',
            "on fixed prices per hour only",
        ),
        ("per: hour", 'per: hour, nth: [{from: 3, multiply: "1"}, {from: 2, multiply: "1"}]', "nth: out of order"),
        ("kind: Tariff", "kind: Tarif", "f.yaml:1: kind: unknown kind 'Tarif', did you mean 'Tariff'"),
        ("kind: Tariff", "kinds: Tariff", "kind: required, but missing"),
        ("kind: Tariff", "kind: Tariff\napiVersion: v1", "apiVersion: 'v1' must be switcher.genie.io/v1alpha1"),
        ("{name: t}", "{nam: t}", "metadata.nam: unknown field 'nam', did you mean 'name'"),
        ("{name: t}", "{name: [t}", "f.yaml:2: no valid YAML"),
        ("{name: t}", "{name: !!binary aGk=}", "metadata.name: the tag .*binary is not allowed"),
        ("{name: t}", "{name: t, on: 1}", "metadata.on: the key on is read by YAML as bool: quote it"),
    ],
)
def test_a_wrong_tariff_is_refused_with_its_place(old: str, new: str, expected: str) -> None:
    found = problems(changed(old, new))
    assert any(re.search(expected, problem) for problem in found), found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            THRESHOLD + '  {fill: "0.9", shed: "0.8"}',
            "f.yaml:4: spec.shed: '0.8' of shed must be above fill, which is 0.9",
        ),
        (THRESHOLD + '  {fill: "0.9"}', "spec.shed: 0.85 of shed must be above fill, which is 0.9"),
        (THRESHOLD + '  {fill: "70"}', 'spec.fill: \'70\' must be a fraction above "0" and at most "1"'),
        (THRESHOLD + "  {fill: 0.7}", "spec.fill: 0.7 is a bare number"),
        (THRESHOLD + "  {confirm: {atLeast: 3, of: 2}}", "spec.confirm.of: 2 must be at least atLeast, which is 3"),
        (THRESHOLD + "  {latency: 80}", "spec.latency: 80 must be a duration"),
        (THRESHOLD + '  {loss: "1.01"}', "spec.loss: '1.01' must be a fraction"),
        (POLICY + "  {mode: off}", 'spec.mode: off is not one of off, recommend, auto: write "off" in quotes'),
        (POLICY + "  {cooldown: 15}", "spec.cooldown: 15 must be a duration like 90s"),
        (POLICY + "  {cooldown: 15 min}", "spec.cooldown: '15 min' must be a duration"),
        (POLICY + "  {horizon: 0s}", "spec.horizon: '0s' must be longer than zero"),
        (POLICY + "  {cooldown: 99999d}", "spec.cooldown: '99999d' is absurdly long"),
        (POLICY + '  {priority: "1"}', "spec.priority: '1' must be a whole number"),
        (POLICY + "  {priority: yes}", "spec.priority: yes must be a whole number"),
        (POLICY + "  {moveCost: 0.02}", "spec.moveCost: 0.02 is a bare number"),
        (
            POLICY + "  {penalties: {latncy: '1'}}",
            "spec.penalties.latncy: unknown field 'latncy', did you mean 'latency'",
        ),
        (POLICY + "  {candidates: [a, a]}", "spec.candidates: names a twice"),
        (POLICY + "  {candidates: [a, 'b c']}", "spec.candidates[1]: 'b c' must be cni:name"),
        (POLICY + "  {candidates: ['vpn:a']}", "spec.candidates[0]: 'vpn:a' must be cni:name, nad:namespace/name"),
        (POLICY + "  {candidates: ['nad:a']}", "spec.candidates[0]: 'nad:a' must be cni:name, nad:namespace/name"),
        (POLICY + "  {podSelector: {matchLabels: {a: 1}}}", "spec.podSelector.matchLabels.a: 1 must be text"),
        (POLICY + "  {podSelector: {matchExpressions: [{key: a, operator: in}]}}", "is not one of In, NotIn"),
        (POLICY + "  {budgets: [{moves: 110%}]}", "spec.budgets[0].moves: '110%' must be a count"),
        (
            POLICY + "  {budgets: [{moves: '1', reasons: [Best]}]}",
            "spec.budgets[0].reasons[0]: 'Best' is not one of Safety",
        ),
        (POLICY + "  {budgets: [{moves: '0', schedule: '0 8 * *', duration: 1h}]}", "has 4 fields"),
        (POLICY + "  {budgets: [{moves: '0', schedule: '0 25 * * *', duration: 1h}]}", "'25' is not 0 to 23"),
        (POLICY + "  {budgets: [{moves: '0', schedule: '0 8 * * *'}]}", "schedule and duration go together"),
        (POLICY + "  {verify: {targets: ['http://x']}}", "spec.verify.targets[0]: 'http://x' must be tcp://host:port"),
        (POLICY + "  {verify: {successes: 0}}", "spec.verify.successes: 0 must be greater than or equal to 1"),
        (POLICY + "  {drain: {then: cloze}}", "spec.drain.then: 'cloze' is not one of close, wait, return"),
        (POLICY + "  {accept: [DeviceBound]}", "spec.accept[0]: 'DeviceBound' is not one of BoundSocket"),
        (POLICY + "  {disruptionThreshold: 2}", "spec.disruptionThreshold: 2 is a bare number"),
        ("kind: PhysicalNetwork\nmetadata: {name: p}\nspec: {capacity: 1Gbps}", "spec: needs refer_nic"),
        ("kind: PhysicalNetwork\nspec: {refer_nic: e}", "metadata: required, but missing"),
        ("kind: PhysicalNetwork\nmetadata: {name: p}\nspec: {refer_nic: e, capacity: 1G}", "'1G' must be a rate"),
        (
            "kind: PhysicalNetwork\nmetadata: {name: p}\nspec: {referNic: e}",
            "unknown field 'referNic', did you mean 'refer_nic'",
        ),
        (
            "kind: ExchangeRate\nspec: {from: EUR, to: EUR, rate: '1.1', date: 2026-12-01}",
            "from and to are the same currency",
        ),
        ("- a", "an object must be a mapping, but this is a list"),
        ("just text", "an object must be a mapping, but this is 'just text'"),
        ("a: &a [*a]", "no valid YAML"),
        ("a: \t- b", "f.yaml:1: no valid YAML"),
    ],
)
def test_other_wrong_objects_are_refused_with_their_place(text: str, expected: str) -> None:
    found = problems(text)
    assert any(expected in problem for problem in found), found


PERCENTILE = "  - {name: q, percentile: {q: '95', sample: 5m, direction: max, unit: Mbps, price: '1'"
QUOTA = "  - {name: q, quota: {included: '50', unit: GB, direction: sum, price: '65'"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("  minimum: '-1'\n", "spec.minimum: '-1' must not be negative"),
        ("  minimum: '5'\n  maximum: '4'\n", "spec.maximum: '4' is below the minimum 5"),
        ("      minimum: '5'\n      maximum: '4'\n", "spec.charges[1].volume.maximum: '4' is below the minimum 5"),
        ("      mode: allunits\n", "'allunits' is not one of graduated, allUnits, stepFee, did you mean 'allUnits'?"),
        ("      direction: maxOfPercentiles\n", "'direction' is given twice"),
        (PERCENTILE + ", schedule: []}}\n", "spec.charges[2].percentile.schedule: unknown field 'schedule'"),
        (PERCENTILE + ", missing: ignore}}\n", "percentile.missing: 'ignore' is not one of zero, skip"),
        (PERCENTILE + ", tiers: [{price: '1'}]}}\n", "percentile: needs exactly one of price and tiers"),
        (PERCENTILE.replace("95", "101") + "}}\n", "percentile.q: '101' must be a percentage"),
        (PERCENTILE.replace("5m", "1s") + "}}\n", "percentile 'q' has more than 1,000,000 samples in a month"),
        (
            QUOTA + ", beyond: {}}}\n",
            "quota.beyond: {} needs exactly one of block with price, overage, throttle and stop",
        ),
        (QUOTA + ", beyond: {block: '5'}}}\n", "quota.beyond: block and price go together"),
        (QUOTA + ", beyond: {block: '0', price: '1'}}}\n", "quota.beyond.block: '0' must be above zero"),
        (QUOTA.replace("sum", "maxOfPercentiles") + ", beyond: {stop: true}}}\n", "is for percentile charges only"),
        (
            QUOTA + ", beyond: {stop: true}, schedule: [{from: '22:00', to: '06:00', price: '1'}]}}\n",
            "is allowed on a quota's overage only",
        ),
    ],
)
def test_wrong_charges_are_refused_with_their_path(field: str, expected: str) -> None:
    found = problems(TARIFF + VOLUME + field)
    assert any(expected in problem for problem in found), found


def test_every_problem_of_every_input_at_once(tmp_path: Path) -> None:
    one, two = tmp_path / "1.yaml", tmp_path / "2.json"
    one.write_text(f"{THRESHOLD}  {{fill: '2'}}\n---\n{POLICY}  {{mode: x, priority: x}}\n")
    two.write_text(json.dumps({"kind": "Nothing"}, indent="\t"))
    with pytest.raises(BadInputError) as refusal:
        load([tmp_path / "missing.yaml", one, two])
    places = [(Path(p.file).name, p.line, p.path, "(document 2)" in p.text) for p in refusal.value.problems]
    assert places == [
        ("missing.yaml", 0, "", False),
        ("1.yaml", 4, "spec.fill", False),
        ("1.yaml", 9, "spec.priority", True),
        ("1.yaml", 9, "spec.mode", True),
        ("2.json", 2, "kind", False),
    ]


def test_a_list_from_the_cluster_is_read_with_its_items(tmp_path: Path) -> None:
    items = [tariff(fixed("1"), name="a"), tariff(fixed("x"), name="b")]
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}, indent=1))
    with pytest.raises(BadInputError, match=r"list.json:\d+: items\[1\].spec.charges\[0\].fixed.price: 'x' must be"):
        load([file])


def test_what_a_cluster_adds_is_tolerated() -> None:
    document = tariff(fixed("1"))
    document["metadata"] |= {"uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-12-01T00:00:00Z"}
    document["status"] = {"conditions": []}
    assert book_from_documents([document]).tariffs[0].name == "t"


def test_a_directory_is_read_whole_and_an_empty_one_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="the directory holds no"):
        load([tmp_path])
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yml").write_text(TARIFF)
    (tmp_path / ".hidden.yaml").write_text("nonsense")
    (tmp_path / "notes.txt").write_text("nonsense")
    assert [tariff.name for tariff in load([tmp_path]).tariffs] == ["t"]
    assert load_documents([tmp_path])[0]["metadata"] == {"name": "t"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1", "-1", "1e9", "5%"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), value=anything)
def test_whatever_is_written_is_taken_or_refused_with_problems(data: st.DataObject, value: Any) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    place = data.draw(st.sampled_from([path for path in places(document) if path]))
    around = document
    for key in place[:-1]:
        around = around[key]
    around[place[-1]] = value
    found: tuple[Problem, ...] = ()
    try:
        book_from_documents([document])
    except BadInputError as refusal:
        found = refusal.problems
    assert all(problem.text and problem.file == "history" for problem in found)


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "{a: " * 20_000, "\t" + "[" * 20_000], ids=["lists", "mappings", "tabs"]
)
def test_absurd_nesting_is_refused(text: str) -> None:
    assert "no valid YAML" in problems(text)[0]


@pytest.mark.parametrize("file", sorted(EXAMPLES.iterdir()), ids=lambda file: file.name)
def test_each_example_is_valid_alone(file: Path) -> None:
    assert load_placed([file])


def test_the_examples_are_valid_together() -> None:
    book = load([EXAMPLES])
    prices = {each.contract: each.spec.charges[0].fixed for each in reversed(book.tariffs)}
    assert [str(prices[name].price) for name in ("phynet2", "phynet1", "phynet0") if prices[name]] == [
        "11.80",
        "6.90",
        "3.47",
    ]
    assert {each.name: str(each.spec.sla) for each in book.physical_networks if each.spec.sla} == {
        "phynet2": "99.9",
        "phynet1": "95",
        "phynet0": "90",
    }
