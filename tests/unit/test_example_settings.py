"""The settings that we ship as examples are taken as they are."""

from __future__ import annotations

from pathlib import Path

import cni.settings
from switcher.settings import load_settings

SETTINGS = Path(__file__).parents[2] / "config" / "settings"


def test_the_controllers() -> None:
    settings = load_settings(SETTINGS / "controller.yaml")
    assert settings.nodes == {"n1": "unix:/run/genie/agent.sock"}


def test_the_agents_and_both_agree() -> None:
    agent = cni.settings.load(SETTINGS / "agent.yaml")
    controller = load_settings(SETTINGS / "controller.yaml")
    assert agent.controller is not None
    assert (agent.controller.url, agent.controller.token_file) == (controller.listen, controller.token_file)
    assert controller.nodes[agent.node] == f"unix:{agent.socket}"
