"""The users' objects as values. One import for all who use them; each group has its own module."""

from switcher.objects.base import DEFAULT_NAMESPACE, GENIE, NAD, OURS, KubeObject, LabelSelector, Metadata
from switcher.objects.book import DEFAULT_THRESHOLD, Book
from switcher.objects.charges import Charge, Fixed, Volume
from switcher.objects.networks import (
    LogicalNetwork,
    NetworkAttachmentDefinition,
    NetworkSwitch,
    PhysicalNetwork,
)
from switcher.objects.policies import (
    SAFETY_BUDGET,
    SAVINGS_BUDGET,
    Budget,
    CongestionThreshold,
    PolicyMode,
    PolicySpec,
    SwitchPolicy,
    ThresholdSpec,
)
from switcher.objects.tariffs import ExchangeRate, Tariff, TariffSpec

__all__ = [
    "DEFAULT_NAMESPACE",
    "DEFAULT_THRESHOLD",
    "GENIE",
    "NAD",
    "OURS",
    "SAFETY_BUDGET",
    "SAVINGS_BUDGET",
    "Book",
    "Budget",
    "Charge",
    "CongestionThreshold",
    "ExchangeRate",
    "Fixed",
    "KubeObject",
    "LabelSelector",
    "LogicalNetwork",
    "Metadata",
    "NetworkAttachmentDefinition",
    "NetworkSwitch",
    "PhysicalNetwork",
    "PolicyMode",
    "PolicySpec",
    "SwitchPolicy",
    "Tariff",
    "TariffSpec",
    "ThresholdSpec",
    "Volume",
]
