"""``switcher run``: the controller."""

from __future__ import annotations

from switcher.commands.options import DEFAULT_CONFIG, ConfigFile
from switcher.controller import run_controller
from switcher.settings import load_settings


def run(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """The controller: takes the agents' samples, decides, gives the orders. Ends at SIGTERM or Ctrl-C.

    Example: switcher run --config /etc/switcher/config.yaml
    """
    run_controller(load_settings(config))
