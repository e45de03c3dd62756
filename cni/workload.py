"""The kernel as attaching uses it: each call enters the workload's namespace once and does all its work there.

Every namespace that is entered costs a thread; a table with its rules takes a dozen conversations with the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cni import kernel
from cni.kernel.spaces import inside


class WorkloadNamespaces:
    """The port ``VerbKernel`` of cni.verbs. Safe for threads."""

    def is_netns(self, path: str) -> bool:
        """See ``WorkloadKernel.is_netns``."""
        return kernel.is_netns(path)

    def links(self, netns: str) -> Mapping[str, object]:
        """See ``VerbKernel.links``."""
        return kernel.links(netns)

    def install_own_table(self, netns: str, ifname: str, table: int, gateways: Sequence[str] = ()) -> None:
        """See ``WorkloadKernel.install_own_table``."""
        # None: the namespace that the thread is in, as everywhere in cni.kernel.
        inside(netns, lambda: kernel.install_own_table(None, ifname, table, gateways))  # type: ignore[arg-type]  # above

    def remove_own_table(self, netns: str, table: int) -> None:
        """See ``WorkloadKernel.remove_own_table``."""
        inside(netns, lambda: kernel.remove_own_table(None, table))  # type: ignore[arg-type]  # above
