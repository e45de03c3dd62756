"""Who of a workload's UDP peers uses which of its two addresses, and answers that leave from the right one.

A server on 0.0.0.0 answers from the address that the routes give: after the shift the new one, and a connected peer
drops that. Rules that follow the peers from outside the kernel are always a moment late, in both directions: a peer
that has just come, and a peer that has just learned the new address. So the kernel itself keeps the list, packet by
packet, in nf_tables sets of the workload's namespace, and rewrites the source of an answer where it must; a changed
source makes the packet's route be looked up again, and the ``from ADDRESS`` rule then sends it by the right link.
Chosen in docs/decisions/0002-udp-peers.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from cni.kernel.spaces import read_sysctl, run_inside
from cni.switch.journal import Entry, Side
from cni.switch.means import StepFailedError
from cni.wire import Phase

REMEMBERED_SECONDS = 300
"""How long a peer that went silent is still answered from the address that it used, while the switch lasts."""

_SETS = """
table inet {table} {{
  set servers {{ type inet_service; flags interval; auto-merge; elements = {{ {ports} }}; }}
  set on_old {{ type ipv4_addr . inet_service . inet_service; flags dynamic,timeout; timeout {seconds}s; size 65535; }}
  set on_new {{ type ipv4_addr . inet_service . inet_service; flags dynamic,timeout; timeout {seconds}s; size 65535; }}
  counter heard_old {{ }}
  counter heard_new {{ }}
  chain arriving {{ type filter hook prerouting priority raw; policy accept; }}
  chain leaving {{ type route hook output priority raw; policy accept; }}
}}
flush chain inet {table} arriving
flush chain inet {table} leaving
"""
_LEAVING = """
add rule inet {table} arriving meta iif {link_left} ip daddr {left} counter name heard_{leaving}
add rule inet {table} arriving meta iif {link_left} ip daddr {left} udp dport @servers \
ip saddr . udp sport . udp dport != @on_{staying} update @on_{leaving} {{ ip saddr . udp sport . udp dport }}
"""
_STAYING = """
add rule inet {table} arriving meta iif {link_kept} ip daddr {kept} counter name heard_{staying}
add rule inet {table} arriving meta iif {link_kept} ip daddr {kept} udp dport @servers \
delete @on_{leaving} {{ ip saddr . udp sport . udp dport }} update @on_{staying} {{ ip saddr . udp sport . udp dport }}
"""
_ANSWERS = """
add rule inet {table} leaving ip saddr != {old} ip daddr . udp dport . udp sport @on_old ip saddr set {old}
add rule inet {table} leaving ip saddr {old} ip daddr . udp dport . udp sport @on_new ip saddr set {new}
"""


def install(entry: Entry) -> None:
    """Begins or goes on following the peers; the lists survive a second call. Raises StepFailedError, OSError.

    Who has come to the staying address is taken to have left the other one for good: on the way back, in Returning,
    the old address is the staying one.
    """
    script = _SETS.format(table=table_of(entry), ports=", ".join(server_ports(entry.netns)), seconds=REMEMBERED_SECONDS)
    if not entry.same_address:
        script += _rules(entry)
    _nft(entry.netns, "-f", "-", script=script)


def _rules(entry: Entry) -> str:
    table, old, new = table_of(entry), entry.old, entry.new
    if new is None:
        return _LEAVING.format(table=table, leaving="old", staying="new", link_left=old.link, left=old.address)
    (leaving, left), (staying, kept) = ("old", old), ("new", new)
    if entry.phase is Phase.RETURNING:
        (leaving, left), (staying, kept) = (staying, kept), (leaving, left)
    names = {"leaving": leaving, "link_left": left.link, "left": left.address}
    names |= {"staying": staying, "link_kept": kept.link, "kept": kept.address}
    return (_LEAVING + _STAYING + _ANSWERS).format(table=table, old=old.address, new=new.address, **names)


def remove(entry: Entry) -> None:
    """Ends it: everybody is answered as the routes say. Raises StepFailedError, OSError."""
    table = table_of(entry)
    # Made first where it is not there: deleting then always succeeds.
    _nft(entry.netns, "-f", "-", script=f"add table inet {table}\ndelete table inet {table}\n")


def heard(entry: Entry, side: Side) -> int:
    """Packets that came to that side's address over its link since ``install``. Raises StepFailedError, OSError."""
    name = "heard_old" if side == entry.old else "heard_new"
    answer = json.loads(_nft(entry.netns, "-j", "list", "counter", "inet", table_of(entry), name))
    return sum(int(each["counter"]["packets"]) for each in answer["nftables"] if "counter" in each)


def table_of(entry: Entry) -> str:
    """The name of a switch's own nf_tables table."""
    return f"genie_switch_{entry.old.table}"


def server_ports(netns: str) -> list[str]:
    """The UDP ports that count as a server's, as ranges.

    Those that the kernel never gives to a client by itself: outside ``ip_local_port_range``, or reserved in it. A
    client's own replies must not keep it on the old path, or it would never drain.
    """
    text = read_sysctl(netns, "net/ipv4/ip_local_port_range") or "32768 60999"
    first, last = (int(word) for word in text.split())
    reserved = read_sysctl(netns, "net/ipv4/ip_local_reserved_ports") or ""
    ranges = [(1, first - 1), (last + 1, 65535), *_ranges(reserved.split(","))]
    return [f"{low}-{high}" if low < high else str(low) for low, high in ranges if low <= high]


def _ranges(words: Iterable[str]) -> list[tuple[int, int]]:
    found = []
    for word in words:
        if word.strip():
            low, _, high = word.strip().partition("-")
            found.append((int(low), int(high or low)))
    return found


def _nft(netns: str, *arguments: str, script: str = "") -> str:
    done = run_inside(netns, ["nft", *arguments], script)
    if done.returncode != 0:
        raise StepFailedError(f"nft: {done.stderr.strip().splitlines()[0] if done.stderr.strip() else 'failed'}")
    return done.stdout
