"""A record decides again what it decided: after a restart, on both databases, from the record alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cni.wire import MoveReason
from switcher.decide import Settings, decide, decide_and_tell
from switcher.errors import SwitcherError
from switcher.model import Decision, Move, Stay
from switcher.ports import RecordedDecision
from switcher.replay import opened, replay
from switcher.snapshots import to_json
from switcher.terms import terms
from tests.contract.history.conftest import AnyHistory
from tests.support.random_scenes import scene

SCENES = range(25)
SETTINGS = Settings(switch_seconds=4.25, stale_after=timedelta(minutes=7))


def record(history: AnyHistory, seed: int) -> Decision:
    """Decide on a scene, one second after the scene before, and record it."""
    snapshot, memory, book = scene(seed)
    seen = replace(snapshot, now=snapshot.now + timedelta(seconds=seed))
    decision = decide(seen, memory, book, SETTINGS)
    history.record_decision(decision, to_json(seen, memory), [], terms(SETTINGS, book))
    return decision


def test_replay_agrees_on_any_scene_after_a_restart(reopen: Callable[[], AnyHistory]) -> None:
    before = reopen()
    decided = [record(before, seed) for seed in SCENES]
    assert sum(len(decision.moves) for decision in decided) > 20
    after = reopen()
    for decision in decided:
        recorded = after.decision(decision.now)
        assert recorded is not None
        assert recorded.at == decision.now
        verdict = replay(recorded)
        assert verdict.differences == ()
        assert verdict.other_versions == {}
        assert recorded.decision.moves == decision.moves


def test_every_explanation_can_be_made_again_to_the_letter(reopen: Callable[[], AnyHistory]) -> None:
    decision = record(reopen(), 3)
    recorded = reopen().decision()
    assert recorded is not None
    snapshot, memory, on = opened(recorded)
    again, told = decide_and_tell(snapshot, memory, on.book(), on.settings, lambda _: True)
    assert again == decision
    said = {one.answer.workload: one.answer.explanation for one in told}
    assert said == {one.workload: one.explanation for one in [*decision.moves, *decision.stays]}


def test_an_answer_that_the_record_does_not_lead_to_is_listed(history: AnyHistory) -> None:
    decision = record(history, 3)
    recorded = history.decision()
    assert recorded is not None
    stay = decision.stays[0]
    moved = Move(
        workload=stay.workload,
        source=stay.network,
        target="cni:elsewhere",
        reason=MoveReason.SAVINGS,
        saving_per_hour=Decimal(1),
        explanation="invented",
    )
    other = replace(recorded.decision, moves=(*decision.moves, moved), stays=tuple(decision.stays)[1:])
    (difference,) = replay(replace(recorded, decision=other)).differences
    assert difference.workload == stay.workload
    assert "cni:elsewhere" in str(difference.recorded)
    assert stay.reason.value in str(difference.now)


def test_a_record_by_another_version_says_so(history: AnyHistory) -> None:
    record(history, 5)
    recorded = history.decision()
    assert recorded is not None
    assert recorded.terms is not None
    older = replace(recorded.terms, versions={**recorded.terms.versions, "ortools": "9.9"})
    verdict = replay(replace(recorded, terms=older))
    assert set(verdict.other_versions) == {"ortools"}
    assert verdict.other_versions["ortools"][0] == "9.9"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda recorded: replace(recorded, terms=None), "not decided again", id="before the log"),
        pytest.param(lambda recorded: replace(recorded, inputs=b'{"format":9}'), "format 9", id="a later format"),
        pytest.param(lambda recorded: replace(recorded, inputs=b"{}"), "cannot read the inputs", id="no inputs"),
    ],
)
def test_a_record_that_cannot_be_decided_again_says_why(
    history: AnyHistory, spoil: Callable[[RecordedDecision], RecordedDecision], said: str
) -> None:
    record(history, 5)
    recorded = history.decision()
    assert recorded is not None
    with pytest.raises(SwitcherError, match=said):
        replay(spoil(recorded))


def test_a_stay_with_its_text_is_the_same_answer(history: AnyHistory) -> None:
    """As versions before columns recorded it."""
    record(history, 7)
    recorded = history.decision()
    assert recorded is not None
    texts = [
        Stay(workload=s.workload, network=s.network, reason=s.reason, explanation="!") for s in recorded.decision.stays
    ]
    assert replay(replace(recorded, decision=replace(recorded.decision, stays=tuple(texts)))).agrees
