"""Smart selection: a workload with a blank ``cni`` annotation gets the network that is best for it now.

``pick`` is the choice, pure; ``Chooser`` adds what a node remembers between choices (docs/smart-selection.md).
"""

from cni.smart.chooser import Chooser, Knowledge
from cni.smart.model import CHOICE_KEY, Candidate, Choice, LeftOut, NoNetworkError, Objection, Source, Word
from cni.smart.questionnaire import ANYTHING, QUESTIONNAIRE_KEY, Questionnaire, parse_questionnaire
from cni.smart.received import Rankings
from cni.smart.survey import Survey

__all__ = [
    "ANYTHING",
    "CHOICE_KEY",
    "QUESTIONNAIRE_KEY",
    "Candidate",
    "Choice",
    "Chooser",
    "Knowledge",
    "LeftOut",
    "NoNetworkError",
    "Objection",
    "Questionnaire",
    "Rankings",
    "Source",
    "Survey",
    "Word",
    "parse_questionnaire",
]
