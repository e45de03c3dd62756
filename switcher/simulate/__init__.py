"""What policies would cost in a world whose traffic is known: the core of the benchmark and of ``switcher backtest``.

Pure: values in, values out. A :class:`World` is what happened, slot by slot; :func:`run` lets a policy decide on what a
controller would have seen; :func:`account` says what that cost, to the cent; ``bounds`` says what nobody can beat.
"""

from switcher.simulate.account import Account, account
from switcher.simulate.policy import Policy
from switcher.simulate.run import Trail, run
from switcher.simulate.sight import Sight
from switcher.simulate.world import Site, World

__all__ = ["Account", "Policy", "Sight", "Site", "Trail", "World", "account", "run"]
