"""Routing policy rules. They are deleted by their full match, never by a part of it.

Source: ``include/uapi/linux/fib_rules.h``.
"""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass

from cni.kernel.netlink import (
    ABSENT,
    NLM_F_CREATE,
    NLM_F_EXCL,
    Order,
    Where,
    attribute,
    attributes,
    talking,
    text,
    word,
)

RTM_NEWRULE = 32
RTM_DELRULE = 33
RTM_GETRULE = 34
HEADER = struct.Struct("=BBBBBBBBI")  # struct fib_rule_hdr
TO_TABLE = 1
COMPAT = 252
"""Stands for a table whose number does not fit into a byte."""
_DST, _SRC, _IN_LINK, _PRIORITY, _MARK, _TABLE, _OUT_LINK, _PROTOCOL, _SOURCE_PORTS, _PORTS = (
    1, 2, 3, 6, 10, 15, 17, 22, 23, 24,
)  # fmt: skip
_BEYOND_US = (_DST, _IN_LINK, _MARK, _PROTOCOL, _SOURCE_PORTS, _PORTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``preference: [from SOURCE] [oif LINK] lookup TABLE``."""

    preference: int
    table: int
    source: str | None = None
    """An address, without a length."""
    out_link: str | None = None
    family: int = socket.AF_INET
    """AF_INET or AF_INET6."""


def add_rule(where: Where, rule: Rule) -> None:
    """Adds the rule; the same one there already is done already. Raises KernelError."""
    with talking(where) as channel:
        channel.order_all([adding(rule)])


def delete_rule(where: Where, rule: Rule) -> None:
    """Removes the rule, in one message; absent is done already. Raises KernelError."""
    with talking(where) as channel:
        channel.order_all([deleting(rule)])


def adding(rule: Rule) -> Order:
    """The order for it; the same one there already is done already."""
    return Order(RTM_NEWRULE, _message(rule), NLM_F_CREATE | NLM_F_EXCL, frozenset({errno.EEXIST}))


def deleting(rule: Rule) -> Order:
    """The order for it; absent is done already."""
    return Order(RTM_DELRULE, _message(rule), tolerate=ABSENT)


def rules_to(where: Where, table: int, family: int = socket.AF_INET) -> list[Rule]:
    """Those of :func:`rules` that lead to a table, one of 256 and more: the kernel's own are passed over unread."""
    with talking(where) as channel:
        answers = channel.ask(RTM_GETRULE, HEADER.pack(family, *bytes(8)))
    found = [_rule(body) for kind, body in answers if kind == RTM_NEWRULE and body[4] in (0, COMPAT)]
    return [rule for rule in found if rule is not None and rule.table == table]


def rules(where: Where, family: int = socket.AF_INET) -> list[Rule]:
    """The rules that this module can express, in order of preference. Raises OSError when the namespace is gone.

    ``family`` AF_UNSPEC: of IPv4 and IPv6, as far as the kernel has it.
    """
    with talking(where) as channel:
        answers = channel.ask(RTM_GETRULE, HEADER.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
    found = [_rule(body) for kind, body in answers if kind == RTM_NEWRULE]
    return sorted((rule for rule in found if rule is not None), key=lambda rule: rule.preference)


def _message(rule: Rule) -> bytes:
    source = b"" if rule.source is None else socket.inet_pton(rule.family, rule.source)
    small = rule.table if rule.table < 256 else 0
    parts = [HEADER.pack(rule.family, 0, 8 * len(source), 0, small, 0, 0, TO_TABLE, 0)]
    parts += [word(_PRIORITY, rule.preference), word(_TABLE, rule.table)]
    if source:
        parts.append(attribute(_SRC, source))
    if rule.out_link:
        parts.append(text(_OUT_LINK, rule.out_link))
    return b"".join(parts)


def _rule(body: bytes) -> Rule | None:
    family, _, source_length, _, small, _, _, action, _ = HEADER.unpack_from(body)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None  # of multicast routing
    parts = dict(attributes(body[HEADER.size :]))
    if action != TO_TABLE or any(any(parts.get(kind, b"")) for kind in _BEYOND_US):
        return None
    if source_length not in (0, 32, 128):
        return None
    source = parts.get(_SRC)
    return Rule(
        preference=_number(parts.get(_PRIORITY)) or 0,
        table=_number(parts.get(_TABLE)) or small,
        source=socket.inet_ntop(family, source) if source else None,
        out_link=parts[_OUT_LINK].rstrip(b"\0").decode() if _OUT_LINK in parts else None,
        family=family,
    )


def _number(value: bytes | None) -> int | None:
    return None if value is None else int(struct.unpack("=I", value)[0])
