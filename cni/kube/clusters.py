"""The clusters that an agent talks to: its own, and those that netconfs name."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cni.kube.api import Api
from cni.kube.cluster import ApiCluster
from cni.kube.given import Given, of_netconf, of_settings
from cni.kube.sources import Source, has_account
from cni.settings import Kubernetes

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
MOST = 3
"""Of clusters beside the agent's own. An installer that writes a new token into the netconf makes one each time."""


class Clusters:
    """Finds the cluster that a netconf means. Safe for threads.

    What is equal is shared: its watches and its memory. Nothing is asked, and no file read, before it is needed, so a
    kubeconfig may come later than the agent.
    """

    def __init__(
        self,
        own: Kubernetes | None,
        node: str,
        *,
        account: Path = SERVICE_ACCOUNT,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """``own``: the agent's settings, None: it shall have no cluster of its own."""
        self._node = node
        self._account = account
        self._environment = environment
        self._deadline = (own or Kubernetes()).read_deadline
        self._lock = threading.Lock()
        self._own_given = None if own is None else of_settings(own, has_account(account, environment))
        self.own: ApiCluster | None = None if self._own_given is None else self._make(self._own_given)
        self._others: dict[Given, ApiCluster] = {}

    @property
    def warm(self) -> bool:
        """Whether the agent's own cluster answers for this node's pods without being asked; there may be none."""
        return self.own is not None and self.own.warm

    @property
    def unsafe(self) -> tuple[str, ...]:
        """What is unsafe about the connections in use, each with where it was read."""
        return tuple(cluster.unsafe for cluster in self._all() if cluster.unsafe)

    def of(self, config: Mapping[str, Any]) -> ApiCluster | None:
        """The cluster of a netconf; one that names none has the agent's own. None: there is none.

        Raises ClusterRefused when the netconf's fields have not the right form; what is wrong with the files that they
        name is said by the cluster's methods.
        """
        given = of_netconf(config)
        if given.says_nothing:
            return self.own
        given = given.beside(self._own_given)
        if given == self._own_given:
            return self.own
        with self._lock:
            found = self._others.pop(given, None) or self._make(given)
            self._others[given] = found  # the last is the one asked for last
            dropped = [self._others.pop(next(iter(self._others))) for _ in range(len(self._others) - MOST)]
        for cluster in dropped:
            cluster.stop(0)
        return found

    def stop(self) -> None:
        """End all watches."""
        for cluster in self._all():
            cluster.stop()

    def _make(self, given: Given) -> ApiCluster:
        return ApiCluster(Api(Source(given, self._account, self._environment), self._deadline), self._node)

    def _all(self) -> list[ApiCluster]:
        with self._lock:
            others = list(self._others.values())
        return others if self.own is None else [self.own, *others]
