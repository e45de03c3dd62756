"""The kernel's networking, by netlink: the only module of the node's side that imports pyroute2."""
