"""All objects that are in force, with the two questions that a decision asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from switcher.errors import Problem
from switcher.objects.base import KubeObject
from switcher.objects.crosscheck import Placed
from switcher.objects.networks import PhysicalNetwork
from switcher.objects.policies import CongestionThreshold, SwitchPolicy, ThresholdSpec
from switcher.objects.tariffs import ExchangeRate, Tariff
from switcher.objects.yamltree import Path, dotted

DEFAULT_THRESHOLD = ThresholdSpec()
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Book:
    """Objects that were checked together. Compared by identity, so that prices computed from it can be kept."""

    tariffs: tuple[Tariff, ...] = ()
    thresholds: tuple[CongestionThreshold, ...] = ()
    policies: tuple[SwitchPolicy, ...] = ()
    physical_networks: tuple[PhysicalNetwork, ...] = ()
    rates: tuple[ExchangeRate, ...] = ()
    documents: tuple[Mapping[str, Any], ...] = ()
    """What each of ``items`` was read from, in their order: the decision log keeps them. Empty: made by hand."""
    sources: Mapping[int, Placed] = field(default_factory=dict)
    """The same with the lines, which messages say, by ``id()`` of an item."""

    @property
    def items(self) -> tuple[KubeObject, ...]:
        """All of them."""
        return (*self.tariffs, *self.rates, *self.thresholds, *self.policies, *self.physical_networks)

    def problem(self, item: KubeObject, path: Path, text: str) -> Problem:
        """A problem with one of them, where it was read."""
        source = self.sources.get(id(item))
        return source.problem(path, text) if source is not None else Problem(item.kind, 0, dotted(path), text)

    def policy_for(
        self,
        namespace: str,
        labels: Mapping[str, str],
        attachment: str | None,
        primary: bool,
        namespace_labels: Mapping[str, str] = {},
    ) -> SwitchPolicy | None:
        """The policy that applies to an attachment: the highest priority that selects it, ties by name.

        Selectors see the pod's labels and the namespace's, to which Kubernetes adds its name. A policy without
        ``attachments`` selects every attachment but the primary one.
        """
        around = {NAMESPACE_LABEL: namespace, **namespace_labels}
        for policy in sorted(self.policies, key=lambda policy: (-policy.spec.priority, policy.name)):
            named = policy.spec.attachments
            wanted = attachment in named if named is not None else not primary
            if wanted and policy.spec.pod_selector.matches(labels) and policy.spec.namespace_selector.matches(around):
                return policy
        return None

    def policy(self, name: str) -> SwitchPolicy | None:
        """The policy of this name."""
        return next((policy for policy in self.policies if policy.name == name), None)

    def threshold_for(self, physical_network: str) -> ThresholdSpec:
        """The threshold that names the network, else the default one, else the documented figures."""
        default = DEFAULT_THRESHOLD
        for threshold in self.thresholds:
            if threshold.spec.physical_networks is None:
                default = threshold.spec
            elif physical_network in threshold.spec.physical_networks:
                return threshold.spec
        return default
