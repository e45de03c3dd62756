"""The controller's HTTP."""
