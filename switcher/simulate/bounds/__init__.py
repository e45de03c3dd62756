"""What nobody can beat, with the whole future known. Each bound says for which worlds it holds."""

from switcher.simulate.bounds.dynamic import dynamic_bound
from switcher.simulate.bounds.exact import exact_optimum
from switcher.simulate.bounds.free_moves import FreeMoves, free_moves_bound
from switcher.simulate.bounds.paid_moves import paid_moves_bound
from switcher.simulate.bounds.percentile import percentile_bound
from switcher.simulate.bounds.totals import Metered, totals_bound

__all__ = [
    "FreeMoves",
    "Metered",
    "dynamic_bound",
    "exact_optimum",
    "free_moves_bound",
    "paid_moves_bound",
    "percentile_bound",
    "totals_bound",
]
