"""The policies by the names that ``--policy`` takes: those of the configuration, and what others do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches

from switcher.errors import BadInputError, Problem
from switcher.simulate import Policy, World
from switcher.simulate.ours import Ours
from switcher.simulate.peers import BestOfTwo, GenieReadme, LeastUsed, SdWan, ThresholdToLeastBusy
from switcher.simulate.planned import Reoptimise, StaticHindsight
from switcher.simulate.policy import Static

OURS = "ours"
"""All policies of the configuration, as they select workloads."""
HOLD, MARGIN = timedelta(minutes=15), 0.20
SEED = 1
"""Of the one peer that draws lots: the same answer each time."""
PEERS: Mapping[str, Callable[[World], Policy]] = {
    "static": lambda _: Static(),
    "static-hindsight": StaticHindsight,
    "genie-code": lambda _: LeastUsed(),
    "genie-readme": lambda _: GenieReadme(),
    "threshold": lambda world: ThresholdToLeastBusy(world.site),
    "threshold-damped": lambda world: ThresholdToLeastBusy(world.site, HOLD, MARGIN),
    "sd-wan": lambda world: SdWan(world.site),
    "best-of-two": lambda _: BestOfTwo(SEED),
    "reoptimise": lambda _: Reoptimise(),
}
"""What each does: :mod:`switcher.simulate.peers` and :mod:`switcher.simulate.planned`."""


def refuse_unknown(names: Sequence[str], policies: Sequence[str]) -> None:
    """Raises BadInputError with every name that means nothing. ``policies``: the names of the configuration's."""
    known, problems = [OURS, *PEERS, *policies], []
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f", did you mean {near[0]!r}?" if near else f": known are {', '.join(known)}"
            problems.append(Problem("--policy", 0, "", f"no policy {name!r}{hint}"))
    if problems:
        raise BadInputError(problems)


def contender(name: str, world: World) -> Policy:
    """A policy that is ready for one run. A name that is no peer's is one of the world's own policies."""
    if name in PEERS:
        return PEERS[name](world)
    return Ours(world.site, world.start, name=name)
