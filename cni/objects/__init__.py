"""The objects that describe networks: how they are read, and a directory of them for nodes without a cluster."""

from cni.objects.directory import DirectoryObjects

__all__ = ["DirectoryObjects"]
