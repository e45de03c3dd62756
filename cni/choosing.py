"""The choice of a network for a pod that leaves it open (a blank ``cni`` annotation), and what became of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from cni.annotations import CNI_KEY
from cni.smart import Choice, Chooser, Survey, parse_questionnaire


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """What the choice is made by, and among what."""

    chooser: Chooser
    survey: Survey

    def choose(self, annotations: Mapping[str, str], env: Mapping[str, str]) -> Choice:
        """The best network now for what the pod's questionnaire asks. ``env`` is the runtime's.

        Raises CniError: the questionnaire is refused, or no network satisfies it.
        """
        asked = parse_questionnaire(annotations)
        path = [part for part in env.get("CNI_PATH", "").split(os.pathsep) if part]
        container = env.get("CNI_CONTAINERID", "")
        return self.chooser.choose(asked, self.survey.candidates(path), self.survey.default(), container)

    @contextmanager
    def on_its_way(self, choice: Choice | None) -> Iterator[None]:
        """While a chosen network is being attached; what fails before it was even tried gives its room back."""
        try:
            yield
        finally:
            if choice is not None:
                self.chooser.settled(choice)


def written(choice: Choice) -> dict[str, str]:
    """What is written on the pod: the choice where CNI-Genie wrote it, and why."""
    return {CNI_KEY: choice.network.removeprefix("cni:"), **choice.annotation()}
