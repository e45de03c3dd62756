"""Hot add and remove: networks of a running workload come and go without touching those that it has."""

from cni.hotplug.edits import Edits
from cni.hotplug.parts import Parts
from cni.hotplug.plugging import HotPlug
from cni.hotplug.targets import Unusable

__all__ = ["Edits", "HotPlug", "Parts", "Unusable"]
