"""Routing policy rules. They are deleted by their full match, never by a part of it."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from dataclasses import dataclass

from pyroute2.netlink.rtnl.fibmsg import FR_ACT_TO_TBL, fibmsg

from cni.kernel.netlink import ABSENT, NLM_F_CREATE, NLM_F_EXCL, Channel, decoded, encoded

RTM_NEWRULE = 32
RTM_DELRULE = 33
RTM_GETRULE = 34


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


def add_rule(netns: str | None, rule: Rule) -> None:
    """Adds the rule; the same one there already is done already. Raises KernelError."""
    with Channel(netns) as channel:
        channel.order(RTM_NEWRULE, _message(rule), NLM_F_CREATE | NLM_F_EXCL, frozenset({errno.EEXIST}))


def delete_rule(netns: str | None, rule: Rule) -> None:
    """Removes the rule, in one message; absent is done already. Raises KernelError."""
    with Channel(netns) as channel:
        channel.order(RTM_DELRULE, _message(rule), tolerate=ABSENT)


def rules(netns: str | None, family: int = socket.AF_INET) -> list[Rule]:
    """The rules that this module can express, in order of preference. Raises OSError when the namespace is gone."""
    request = struct.pack("=BBBBBBBBI", family, 0, 0, 0, 0, 0, 0, 0, 0)
    with Channel(netns) as channel:
        answers = channel.ask(RTM_GETRULE, request)
    found = [_rule(body) for kind, body in answers if kind == RTM_NEWRULE]
    return sorted((rule for rule in found if rule is not None), key=lambda rule: rule.preference)


def _message(rule: Rule) -> bytes:
    message = fibmsg()
    message["family"] = rule.family
    message["action"] = FR_ACT_TO_TBL
    message["table"] = rule.table if rule.table < 256 else 0
    message["attrs"] = [("FRA_PRIORITY", rule.preference), ("FRA_TABLE", rule.table)]
    if rule.source:
        message["src_len"] = ipaddress.ip_address(rule.source).max_prefixlen
        message["attrs"].append(("FRA_SRC", rule.source))
    if rule.out_link:
        message["attrs"].append(("FRA_OIFNAME", rule.out_link))
    return encoded(message)


def _rule(body: bytes) -> Rule | None:
    message = decoded(fibmsg, body)
    if message["action"] != FR_ACT_TO_TBL:
        return None
    whole = ("FRA_DST", "FRA_IIFNAME", "FRA_FWMARK", "FRA_IP_PROTO", "FRA_SPORT_RANGE", "FRA_DPORT_RANGE")
    if any(message.get(name) for name in whole) or message["src_len"] not in (0, 32, 128):
        return None
    return Rule(
        preference=message.get("FRA_PRIORITY") or 0,
        table=message.get("FRA_TABLE") or message["table"],
        source=message.get("FRA_SRC"),
        out_link=message.get("FRA_OIFNAME"),
        family=message["family"],
    )
