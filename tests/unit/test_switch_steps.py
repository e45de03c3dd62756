"""The table of a switch's steps: complete, and never into Done with the workload between two networks."""

from __future__ import annotations

import itertools

import pytest

from cni.switch.steps import NEXT, OUTCOME, PINNED, Signal, after, outcome
from cni.wire import Outcome, Phase

LIVE = [phase for phase in Phase if phase is not Phase.DONE]
EVERYWHERE = (Signal.PASSED, Signal.FAILED, Signal.RESTARTED, Signal.ABANDONED)


@pytest.mark.parametrize(("phase", "signal"), list(itertools.product(LIVE, EVERYWHERE)))
def test_every_phase_knows_what_follows(phase: Phase, signal: Signal) -> None:
    assert after(phase, signal) in Phase


def test_only_drain_can_find_the_new_path_worse() -> None:
    assert [phase for phase, signal in NEXT if signal is Signal.WORSE] == [Phase.DRAIN]


@pytest.mark.parametrize("phase", [Phase.ATTACH, Phase.VERIFY])
@pytest.mark.parametrize("signal", [Signal.FAILED, Signal.RESTARTED])
def test_before_the_shift_it_goes_back(phase: Phase, signal: Signal) -> None:
    assert after(phase, signal) is Phase.UNDOING


@pytest.mark.parametrize("phase", [Phase.SHIFT, Phase.DRAIN, Phase.DETACH, Phase.RETURNING])
def test_from_the_shift_on_a_restart_goes_on_where_it_was(phase: Phase) -> None:
    assert after(phase, Signal.RESTARTED) is phase


def test_nothing_but_an_end_of_clean_up_leads_to_done() -> None:
    into = {phase for (phase, _), following in NEXT.items() if following is Phase.DONE}
    assert into == set(OUTCOME)
    assert {phase for phase in into if phase is not Phase.PREFLIGHT} == {
        Phase.DETACH,
        Phase.UNDOING,
        Phase.RETURNING,
    }


def test_a_del_ends_it_anywhere() -> None:
    for phase in LIVE:
        assert after(phase, Signal.ABANDONED) is Phase.DONE
        assert outcome(phase, Signal.ABANDONED) is Outcome.FAILED


def test_a_pair_that_cannot_happen_is_a_bug() -> None:
    with pytest.raises(KeyError):
        after(Phase.DONE, Signal.PASSED)


def test_the_pin_is_free_in_drain() -> None:
    assert Phase.DRAIN not in PINNED
    assert Phase.SHIFT in PINNED
