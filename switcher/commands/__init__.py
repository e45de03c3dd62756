"""The commands of ``switcher``, one module each."""
