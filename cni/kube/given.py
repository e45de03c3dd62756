"""What somebody says about the way to a cluster: a netconf (CNI-Genie's fields), or the agent's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cni.kube.connection import refused
from cni.settings import Kubernetes

NETCONF = "the netconf"
SETTINGS = "the agent's settings"
API_PATH = "/api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Equal ones mean the same cluster and the same rights. Empty: not given."""

    source: str = field(compare=False)
    kubeconfig: Path | None = None
    in_cluster: bool = False
    """The service account of the agent's own pod."""
    server: str = ""
    token: str = field(default="", repr=False)
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None

    @property
    def names_cluster(self) -> bool:
        """Whether it says which cluster, not only by which credentials."""
        return self.kubeconfig is not None or self.in_cluster or bool(self.server)

    @property
    def says_nothing(self) -> bool:
        """Whether nothing at all is given."""
        return not self.names_cluster and not (self.token or self.certificate or self.key or self.authority)

    def beside(self, own: Given | None) -> Given:
        """This, which wins, with the agent's own beside it.

        The agent's own credentials never go to a server that somebody else names. Raises ClusterRefused when no
        cluster is named by either.
        """
        if self.names_cluster:
            return self
        if own is None:
            text = "credentials are given, but no cluster: add kubernetes.kubeconfig or kubernetes.k8s_api_root"
            raise refused(self.source, text)
        return replace(
            own,
            source=self.source,
            token=self.token,
            certificate=self.certificate,
            key=self.key,
            authority=self.authority,
        )


def of_netconf(config: Mapping[str, Any]) -> Given:
    """CNI-Genie's fields of a netconf. Raises ClusterRefused when one has not the right form."""
    kubernetes, policy = _mapping(config, "kubernetes"), _mapping(config, "policy")
    server = _text(kubernetes, "kubernetes.k8s_api_root") or _text(policy, "policy.k8s_api_root")
    return Given(
        source=NETCONF,
        kubeconfig=_file(kubernetes, "kubernetes.kubeconfig"),
        server=_without_api_path(server),
        token=_text(policy, "policy.k8s_auth_token"),
        certificate=_file(policy, "policy.k8s_client_certificate"),
        key=_file(policy, "policy.k8s_client_key"),
        authority=_file(policy, "policy.k8s_certificate_authority"),
    )


def of_settings(settings: Kubernetes, has_account: bool) -> Given | None:
    """The agent's own cluster; None: it has none. ``has_account``: it runs in a pod with a service account."""
    if settings.kubeconfig is not None:
        return Given(source=SETTINGS, kubeconfig=settings.kubeconfig)
    if settings.in_cluster or (settings.in_cluster is None and has_account):
        return Given(source=SETTINGS, in_cluster=True)
    return None


def _mapping(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise refused(NETCONF, f"{key} must be an object, not {value!r}")
    return value


def _text(content: Mapping[str, Any], path: str) -> str:
    value = content.get(path.partition(".")[2])
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refused(NETCONF, f"{path} must be a text")
    return value.strip()


def _file(content: Mapping[str, Any], path: str) -> Path | None:
    value = _text(content, path)
    if value and not value.startswith("/"):
        raise refused(NETCONF, f"{path}: {value!r} is not an absolute path")
    return Path(value) if value else None


def _without_api_path(server: str) -> str:
    """CNI-Genie wants everything from ``/api/`` on cut off: some versions of its file had the whole path."""
    root = server.partition(f"{API_PATH}/")[0].rstrip("/")
    root = root.removesuffix(API_PATH)
    return f"https://{root}" if root and "://" not in root else root
