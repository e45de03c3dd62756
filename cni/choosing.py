"""The choice of a network for a pod that leaves it open (a blank ``cni`` annotation), and what became of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cni.annotations import CNI_KEY
from cni.smart import Choice, Chooser, Survey, parse_questionnaire


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """What the choice is made by, and among what."""

    chooser: Chooser
    survey: Survey

    def choose(self, annotations: Mapping[str, str], env: Mapping[str, str]) -> Choice:
        """The best network now for what the pod's questionnaire asks. ``env`` is the runtime's: its CNI_PATH counts.

        Raises CniError: the questionnaire is refused, or no network satisfies it.
        """
        asked = parse_questionnaire(annotations)
        path = [part for part in env.get("CNI_PATH", "").split(os.pathsep) if part]
        return self.chooser.choose(asked, self.survey.candidates(path), self.survey.default())


def written(choice: Choice) -> dict[str, str]:
    """What is written on the pod: the choice where CNI-Genie wrote it, and why."""
    return {CNI_KEY: choice.network.removeprefix("cni:"), **choice.annotation()}
