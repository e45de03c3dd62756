"""Two links of one workload, perhaps on one wire: each answers ARP for its own addresses only, until Detach."""

from __future__ import annotations

from cni.kernel.spaces import read_sysctl, write_sysctl

STRICT = {"arp_ignore": "1", "arp_announce": "2"}
"""Answer only for addresses of the link that was asked; ask only with an address of the link that asks."""
LOOSE = {"rp_filter": "2"}
"""With one address on two links a strict filter would drop what comes in by the link that is not sent by."""
BIRTH = "default"
"""A new link takes its settings from here, so that it is strict from its first moment."""


def read(netns: str, link: str) -> dict[str, str]:
    """The link's present settings. Raises OSError."""
    found = {name: read_sysctl(netns, _key(link, name)) for name in (*STRICT, *LOOSE)}
    return {name: value for name, value in found.items() if value is not None}


def make_strict(netns: str, link: str) -> None:
    """Raises OSError when the link is gone."""
    for name, value in STRICT.items():
        write_sysctl(netns, _key(link, name), value)


def make_loose(netns: str, link: str) -> None:
    """A strict reverse-path filter becomes a loose one; none stays none. Raises OSError when the link is gone."""
    for name, value in LOOSE.items():
        # The kernel takes the larger of the two.
        if "1" in (own := read_sysctl(netns, _key(link, name)), read_sysctl(netns, _key("all", name))) and own != value:
            write_sysctl(netns, _key(link, name), value)


def make_filter_strict(netns: str, link: str, former: dict[str, str]) -> None:
    """Takes :func:`make_loose` back. Raises OSError."""
    restore(netns, link, {name: value for name, value in former.items() if name in LOOSE})


def restore(netns: str, link: str, former: dict[str, str]) -> None:
    """Former settings again, where they are still as made here; a link that is gone needs none. Raises OSError."""
    made = {**STRICT, **LOOSE}
    for name, value in former.items():
        if read_sysctl(netns, _key(link, name)) == made[name]:
            try:
                write_sysctl(netns, _key(link, name), value)
            except FileNotFoundError:
                continue  # the link went meanwhile, and its settings with it


def _key(link: str, name: str) -> str:
    return f"net/ipv4/conf/{link}/{name}"
