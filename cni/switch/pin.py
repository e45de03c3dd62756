"""The pin: a copy of main that rules while main is being changed.

A plugin may put routes into main as it attaches, and so take over traffic before its path is known good. With the pin
in place nothing looks into main, so it may be edited in any order; dropping the pin's rule, one message, puts the new
main in force at one moment for all.
"""

from __future__ import annotations

from collections.abc import Sequence

from cni.kernel import policy, routing
from cni.kernel.policy import Rule
from cni.kernel.routing import Route

TABLE = 999
RULE = Rule(preference=32765, table=TABLE)
"""After the workload's own rules, before main (32766)."""


def put(netns: str, main: Sequence[Route]) -> None:
    """Pins the workload to these routes; twice is harmless. Raises OSError.

    What they do not reach stays out of reach: the copy ends in an unreachable default, so that no lookup falls
    through to main.
    """
    routing.set_routes(netns, TABLE, [*main, routing.unreachable_default()])
    policy.add_rule(netns, RULE)


def drop(netns: str) -> None:
    """Puts main in force again, then empties the copy. Raises OSError."""
    policy.delete_rule(netns, RULE)
    routing.set_routes(netns, TABLE, ())
