"""The outside world: each client library is imported in its adapter only."""
