"""Whether what goes to the runtime's stdout can be read by a runtime: as strictly as Go reads it into its types.

Source: CNI specification 1.1.0, section 5; the fields and types of containernetworking/cni ``pkg/types``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import msgspec

OLDEST = ("0.1.0", "0.2.0")
VERSIONED = ("0.3.0", "0.3.1", "0.4.0")
ERROR_KEYS = {"cniVersion", "code", "msg", "details"}
LONGEST_ERROR = 50_000
"""Bytes that a log and an event take."""

Problems = Iterator[str]


def error_problems(stdout: bytes) -> Problems:
    """What is wrong with an error object."""
    try:
        error = msgspec.json.decode(stdout)
    except (ValueError, RecursionError) as cause:
        yield f"the error is not JSON: {cause}"
        return
    if not isinstance(error, dict) or error.keys() - ERROR_KEYS:
        yield "the error is no object of the specification's keys"
        return
    code, msg, details = error.get("code"), error.get("msg"), error.get("details", "")
    if type(code) is not int or not 0 < code < 2**31:
        yield f"its code is {code!r}"
    if not isinstance(msg, str) or not msg.strip() or not isinstance(details, str):
        yield f"its message is {msg!r}, its details {details!r}"
        return
    if not isinstance(error.get("cniVersion"), str) or len(error["cniVersion"]) > 32:
        yield "its cniVersion is none"
    yield from _text_problems(f"{msg} {details}")
    if len(stdout) > LONGEST_ERROR:
        yield "it is longer than a log takes"


def _text_problems(text: str) -> Problems:
    if any(ord(character) < 0x20 or character in "\x7f\x85\u2028\u2029" for character in text):
        yield "it is more than one line, or has control characters"
    if "internal error" in text:
        yield "it speaks of an internal error"


def result_problems(stdout: bytes, version: str) -> Problems:
    """What is wrong with a result that is to be of ``version``."""
    try:
        result = msgspec.json.decode(stdout)
    except (ValueError, RecursionError) as cause:
        yield f"the result is not JSON: {cause}"
        return
    if not isinstance(result, dict):
        yield "the result is no object"
        return
    if result.get("cniVersion") != version:
        yield f"the result is of version {result.get('cniVersion')!r}, not {version!r}"
    found = list(_misfits("", result, OLD_RESULT if version in OLDEST else RESULT))
    yield from found
    if not found:
        yield from _address_problems(result, version)


def _address_problems(result: dict[str, Any], version: str) -> Problems:
    interfaces = result.get("interfaces") or []
    for ip in result.get("ips") or []:
        index = ip.get("interface")
        if index is not None and not 0 <= index < len(interfaces):
            yield "an address's interface is not in the list"
        if version in VERSIONED and "version" not in ip:
            yield "an address has no version"


def _misfits(path: str, value: Any, shape: Any) -> Problems:
    """A shape is an object's keys, a list of one, or a question. Null stands for empty, as Go writes it."""
    if value is None:
        return
    kind = type(shape) if isinstance(shape, dict | list) else None
    if kind is not None and not isinstance(value, kind):
        yield f"{path or 'it'} is {str(value)[:40]!r}"
    elif kind is dict:
        for key in shape.keys() & value.keys():
            yield from _misfits(f"{path}.{key}", value[key], shape[key])
    elif kind is list:
        for each in value:
            yield from _misfits(f"{path}[]", each, shape[0])
    elif not shape(value):
        yield f"{path} is {str(value)[:40]!r}"


def _whole(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _is_read_by(read: Callable[[str], object], value: Any) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return isinstance(value, str)


def _address_with_length(value: Any) -> bool:
    """Go reads neither a zone nor a mask in place of the length."""
    plain = isinstance(value, str) and "%" not in value and value.rpartition("/")[2].isdigit() and "/" in value
    return plain and _is_read_by(ip_interface, value)


def _network(value: Any) -> bool:
    return _address_with_length(value) and _is_read_by(lambda text: ip_network(text, strict=False), value)


def _address(value: Any) -> bool:
    return value == "" or (isinstance(value, str) and "%" not in value and _is_read_by(ip_address, value))


def _family(value: Any) -> bool:
    return value in ("4", "6")


ROUTE = {"dst": _network, "gw": _address, **dict.fromkeys(("mtu", "advmss", "priority", "table", "scope"), _whole)}
INTERFACE = {"name": _text, "mac": _text, "mtu": _whole, "sandbox": _text, "socketPath": _text, "pciID": _text}
IP = {"address": _address_with_length, "gateway": _address, "interface": _whole, "version": _family}
OLD_IP = {"ip": _address_with_length, "gateway": _address, "routes": [ROUTE]}
DNS = {"nameservers": [_text], "domain": _text, "search": [_text], "options": [_text]}
RESULT = {"interfaces": [INTERFACE], "ips": [IP], "routes": [ROUTE], "dns": DNS}
OLD_RESULT = {"ip4": OLD_IP, "ip6": OLD_IP, "dns": DNS}
