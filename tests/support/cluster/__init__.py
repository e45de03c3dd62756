"""A real Kubernetes for tests: an API server alone (:func:`api_server`), or a node with everything (:func:`cluster`).

``tests.support.cluster.fixtures`` has both as pytest fixtures. docs/test-cluster.md tells how to use them.
"""

from tests.support.cluster.agent import agent
from tests.support.cluster.apiserver import ApiServer, api_server
from tests.support.cluster.boot import cluster
from tests.support.cluster.component import Component, ComponentError
from tests.support.cluster.kubectl import Kubectl, KubectlError
from tests.support.cluster.node import Cluster, pod
from tests.support.cluster.programs import UnavailableError

__all__ = [
    "ApiServer",
    "Cluster",
    "Component",
    "ComponentError",
    "Kubectl",
    "KubectlError",
    "UnavailableError",
    "agent",
    "api_server",
    "cluster",
    "pod",
]
