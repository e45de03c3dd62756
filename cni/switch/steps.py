"""The life of a switch, as a table. Pure.

Before Shift nothing that the workload uses has changed, so a failure undoes. From Shift on the new path is in use, so
a failure goes forward, or back through Returning, which drains the new path as Drain drains the old one.
"""

from __future__ import annotations

from enum import StrEnum

from cni.wire import Outcome, Phase


class Signal(StrEnum):
    """How a phase ended."""

    PASSED = "passed"
    FAILED = "failed"
    WORSE = "worse"
    """The new path stopped working after the shift, and the old one still works."""
    RESTARTED = "restarted"
    """The agent died in the phase and is back."""
    ABANDONED = "abandoned"
    """The runtime deleted the container."""


_P, _S = Phase, Signal

NEXT: dict[tuple[Phase, Signal], Phase] = {
    (_P.PREFLIGHT, _S.PASSED): _P.ATTACH,
    (_P.PREFLIGHT, _S.FAILED): _P.DONE,
    (_P.PREFLIGHT, _S.RESTARTED): _P.UNDOING,
    (_P.ATTACH, _S.PASSED): _P.VERIFY,
    (_P.ATTACH, _S.FAILED): _P.UNDOING,
    (_P.ATTACH, _S.RESTARTED): _P.UNDOING,
    (_P.VERIFY, _S.PASSED): _P.SHIFT,
    (_P.VERIFY, _S.FAILED): _P.UNDOING,
    (_P.VERIFY, _S.RESTARTED): _P.UNDOING,
    (_P.SHIFT, _S.PASSED): _P.DRAIN,
    # Whether the pin was still there when it failed is not known: Returning is right in both cases.
    (_P.SHIFT, _S.FAILED): _P.RETURNING,
    (_P.SHIFT, _S.RESTARTED): _P.SHIFT,
    (_P.DRAIN, _S.PASSED): _P.DETACH,
    (_P.DRAIN, _S.WORSE): _P.RETURNING,
    (_P.DRAIN, _S.FAILED): _P.DRAIN,
    (_P.DRAIN, _S.RESTARTED): _P.DRAIN,
    (_P.DETACH, _S.PASSED): _P.DONE,
    (_P.DETACH, _S.FAILED): _P.DETACH,
    (_P.DETACH, _S.RESTARTED): _P.DETACH,
    (_P.RETURNING, _S.PASSED): _P.DONE,
    (_P.RETURNING, _S.FAILED): _P.RETURNING,
    (_P.RETURNING, _S.RESTARTED): _P.RETURNING,
    (_P.UNDOING, _S.PASSED): _P.DONE,
    (_P.UNDOING, _S.FAILED): _P.UNDOING,
    (_P.UNDOING, _S.RESTARTED): _P.UNDOING,
}

OUTCOME: dict[Phase, Outcome] = {
    Phase.PREFLIGHT: Outcome.REFUSED,
    Phase.DETACH: Outcome.MOVED,
    Phase.UNDOING: Outcome.UNDONE,
    Phase.RETURNING: Outcome.RETURNED,
}
"""How the switch ended, by the phase that led to Done."""

PINNED = frozenset({Phase.PREFLIGHT, Phase.ATTACH, Phase.VERIFY, Phase.SHIFT, Phase.UNDOING, Phase.RETURNING})
"""Phases that need the pin, of which a workload has one."""


def after(phase: Phase, signal: Signal) -> Phase:
    """The phase that follows. Raises KeyError for a pair that cannot happen: that is a bug."""
    if signal is Signal.ABANDONED and phase is not Phase.DONE:
        return Phase.DONE
    return NEXT[phase, signal]


def outcome(last: Phase, signal: Signal) -> Outcome:
    """How a switch that went from ``last`` to Done ended. Raises KeyError for a pair that cannot happen."""
    return Outcome.FAILED if signal is Signal.ABANDONED else OUTCOME[last]
