"""The decision: who moves where, and why everyone else stays. Pure: values in, values out (docs/decision.md)."""

from switcher.decide.decision import decide, decide_and_rank, decide_and_tell
from switcher.decide.memory import Before, remember
from switcher.decide.settings import Settings

__all__ = ["Before", "Settings", "decide", "decide_and_rank", "decide_and_tell", "remember"]
