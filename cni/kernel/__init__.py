"""The kernel's networking, by netlink: the only package of the node's side that speaks to it.

A namespace is given by its path; None means the one that this process is in. After each call the calling thread is
where it was. Removing what is not there succeeds; adding what is there succeeds.
"""

from cni.kernel.carrier import carriers
from cni.kernel.defaults import put_defaults_back, set_defaults_aside, settle_defaults
from cni.kernel.interfaces import Address, Counters, Link, addresses, counters, link, links
from cni.kernel.netlink import KernelError
from cni.kernel.paths import default_nic, install_own_table, remove_own_table
from cni.kernel.policy import Rule
from cni.kernel.routing import Route
from cni.kernel.spaces import is_netns, netns_identity

__all__ = [
    "Address",
    "Counters",
    "KernelError",
    "Link",
    "Route",
    "Rule",
    "addresses",
    "carriers",
    "counters",
    "default_nic",
    "install_own_table",
    "is_netns",
    "link",
    "links",
    "netns_identity",
    "put_defaults_back",
    "remove_own_table",
    "set_defaults_aside",
    "settle_defaults",
]
