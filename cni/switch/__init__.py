"""The live switch: moves a running workload's attachment to another network without losing a packet."""

from cni.switch.means import Means, Refused
from cni.switch.switches import Switches

__all__ = ["Means", "Refused", "Switches"]
