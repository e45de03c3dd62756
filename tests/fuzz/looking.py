"""What there is of a container and its node: in the kernel, in the plugins' files, in the agent's store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cni import kernel
from cni.kernel import interfaces, policy
from cni.kernel.spaces import inside
from tests.support.node import Node, netns

OWN_TABLES = (253, 254, 255)
"""default, main and local, which every namespace has."""


@dataclass(frozen=True)
class Seen:
    """The container's namespace, the node and the agent's store, after a request."""

    links: frozenset[str]
    """Of the namespace, without lo."""
    addresses: Mapping[str, frozenset[str]]
    """By link, with their lengths; IPv6 link-local ones left out."""
    rules: int
    node_links: frozenset[str]
    """Of the node; its own and bridges, which the bridge plugin never deletes, left out."""
    leases: frozenset[str]
    rows: tuple[tuple[str, str, str], ...]
    """Container, interface, state."""

    @property
    def bare(self) -> bool:
        """Nothing of any attachment is there."""
        return not (self.links or self.rules or self.node_links or self.leases or self.rows)


def look(node: Node, workload: str) -> tuple[Seen, dict[str, int]]:
    """What there is now, and beside it the node's bridges with their numbers."""
    links, addresses, rules = inside(netns(workload), _inside)
    on_node = kernel.links(netns(node.name))
    bridges = {name: link.index for name, link in on_node.items() if link.kind == "bridge"}
    rows = node.rows("SELECT container_id, name, state FROM attachments")
    seen = Seen(
        links=links,
        addresses=addresses,
        rules=rules,
        node_links=frozenset(on_node) - bridges.keys() - {"lo", "eth2"},
        leases=frozenset(_leases(node)),
        rows=tuple((container, name, state) for container, name, state in rows),
    )
    return seen, bridges


def _inside() -> tuple[frozenset[str], dict[str, frozenset[str]], int]:
    """Links, addresses and rules of the namespace that this thread is in."""
    links = interfaces.links(None)
    found: dict[str, frozenset[str]] = {}
    for name, link in links.items():
        if name != "lo":
            each = [str(address) for family in (2, 10) for address in interfaces.addresses_of(None, link.index, family)]
            found[name] = frozenset(address for address in each if not address.startswith("fe80"))
    rules = [rule for rule in policy.rules(None) if rule.table not in OWN_TABLES]
    return frozenset(found), found, len(rules)


def _leases(node: Node) -> Iterator[str]:
    for place in (node.path / "ipam", node.var_lib / "cni/networks"):
        for file in place.glob("*/*"):
            if file.name != "lock" and not file.name.startswith("last_"):
                yield file.name
