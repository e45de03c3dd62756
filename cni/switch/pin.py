"""The pin: a copy of main that rules while main is being changed.

A plugin may put routes into main as it attaches, and so take over traffic before its path is known good. With the pin
in place nothing looks into main, so it may be edited in any order; dropping the pin's rule, one message, puts the new
main in force at one moment for all.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from cni.kernel import policy, routing
from cni.kernel.policy import Rule
from cni.kernel.routing import Route

TABLE = 999
PREFERENCE = 32765
"""After the workload's own rules, before main (32766)."""


def rule(family: int = socket.AF_INET) -> Rule:
    """The pin's rule, of one address family."""
    return Rule(preference=PREFERENCE, table=TABLE, family=family)


def put(netns: str, main: Sequence[Route], family: int = socket.AF_INET) -> None:
    """Pins the workload to these routes; twice is harmless. Raises OSError.

    What they do not reach stays out of reach: the copy ends in an unreachable default, so that no lookup falls
    through to main.
    """
    routing.set_routes(netns, TABLE, [*main, routing.unreachable_default(family)], family)
    policy.add_rule(netns, rule(family))


def drop(netns: str, family: int = socket.AF_INET) -> None:
    """Puts main in force again, then empties the copy. Raises OSError."""
    policy.delete_rule(netns, rule(family))
    routing.set_routes(netns, TABLE, (), family)


def is_put(netns: str, family: int = socket.AF_INET) -> bool:
    """Whether the pin rules now. Raises OSError."""
    return rule(family) in policy.rules(netns, family)
