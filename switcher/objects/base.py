"""What all objects have in common: strict, frozen, camelCase outside and snake_case inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints, field_validator, model_validator
from pydantic.alias_generators import to_camel

from switcher.objects.values import Text, wrong

OURS = "switcher.genie.io/v1alpha1"
GENIE = "alpha.network.k8s.io/v1"
NAD = "k8s.cni.cncf.io/v1"
DEFAULT_NAMESPACE = "genie-system"

Labels = dict[Annotated[str, Strict()], Annotated[str, Strict()]]
ObjectName = Annotated[
    str, Strict(), StringConstraints(max_length=253, pattern=r"^[a-z0-9A-Z]([-a-z0-9A-Z._]*[a-z0-9A-Z])?$")
]


class Strictly(BaseModel):
    """Base of every part of an object: unknown fields are refused, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


CLUSTER_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


class Metadata(Strictly):
    """Kubernetes' metadata as far as it is used; what a cluster adds is dropped."""

    name: ObjectName | None = None
    namespace: ObjectName | None = None
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _without_cluster_fields(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in value.items() if key not in CLUSTER_METADATA}


class KubeObject(Strictly):
    """An object as it stands in a file or in a cluster."""

    api_version: str = OURS
    kind: str
    metadata: Metadata = Metadata()
    status: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The object's name; empty when it has none."""
        return self.metadata.name or ""


class NamedObject(KubeObject):
    """An object that means nothing without a name."""

    metadata: Metadata

    @field_validator("metadata")
    @classmethod
    def _has_name(cls, metadata: Metadata) -> Metadata:
        if metadata.name is None:
            raise wrong("incomplete", "needs a name (metadata.name)")
        return metadata


class Expression(Strictly):
    """One element of ``matchExpressions``."""

    key: Text
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[Annotated[str, Strict()], ...] = Field(default=(), validate_default=True)

    @field_validator("values")
    @classmethod
    def _fits(cls, values: tuple[str, ...], info: Any) -> tuple[str, ...]:
        operator = info.data.get("operator")
        if operator in ("Exists", "DoesNotExist") and values:
            raise wrong("values", "must be absent for Exists and DoesNotExist")
        if operator in ("In", "NotIn") and not values:
            raise wrong("values", "must have at least one element for In and NotIn")
        return values

    def matches(self, labels: Mapping[str, str]) -> bool:
        """As Kubernetes has it: NotIn is also true where the key is absent."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


class LabelSelector(Strictly):
    """Kubernetes' label selector; an empty one selects everything."""

    match_labels: Labels = Field(default_factory=dict)
    match_expressions: tuple[Expression, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether all that it asks for holds."""
        plain = all(labels.get(key) == value for key, value in self.match_labels.items())
        return plain and all(expression.matches(labels) for expression in self.match_expressions)
