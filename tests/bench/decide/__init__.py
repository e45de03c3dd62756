"""The benchmark of the decision: every policy in the same worlds, beside what nobody can beat (docs/benchmark.md)."""
