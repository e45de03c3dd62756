"""Multus' configuration as ours, for a cluster that puts genie in Multus' place (docs/from-multus.md)."""

from cni.multus.converting import Converted, convert
from cni.multus.reading import MultusRefused, read

__all__ = ["Converted", "MultusRefused", "convert", "read"]
