"""The adapter of ``cni.cluster`` to Kubernetes: a node's view of the API server. Begin with ``clusters.py``."""

from cni.kube.cluster import ApiCluster
from cni.kube.clusters import Clusters

__all__ = ["ApiCluster", "Clusters"]
