"""The CNI protocol as values: what a call must carry, errors and their codes. Pure.

Source: CNI specification 1.1.0 sections 2 and 5; the order of the checks and their codes follow the reference
implementation (containernetworking/cni, pkg/skel).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from cni import jsontext
from cni.wire import WireError

VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")

CONTAINER_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
NETWORK_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
ALLOWED = "letters and digits are allowed, and behind the first also _, . and -"
MAX_IFNAME = 15
REPEATED_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,32}")
"""Versions that an answer repeats, supported or not; the shim has the same rule."""
LONGEST_MESSAGE = 4000
LONGEST_DETAILS = 8000
"""Characters of an error: they end up in logs and events."""

REQUIRED = {
    "CNI_COMMAND": {"ADD", "DEL", "CHECK", "GC", "STATUS"},
    "CNI_CONTAINERID": {"ADD", "DEL", "CHECK"},
    "CNI_NETNS": {"ADD", "CHECK"},
    "CNI_IFNAME": {"ADD", "DEL", "CHECK"},
    "CNI_PATH": {"ADD", "DEL", "CHECK", "GC", "STATUS"},
}
"""Which commands need which variable, in the order in which they are reported."""
COMMANDS = ("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION")

SINCE = {"CHECK": (0, 4, 0), "GC": (1, 1, 0), "STATUS": (1, 1, 0)}
"""The configuration's version from which a command exists."""

OBJECTS = ("runtimeConfig", "prevResult", "kubernetes", "policy")
"""Fields of the configuration that are objects where they are given."""
FLAGS = ("namespaceIsolation", "genieArgs")
"""Those that are true or false: a "true" in quotes would silently mean no isolation."""

Config = dict[str, Any]


class Code(IntEnum):
    """Error codes: up to 99 the specification's, from 100 on ours."""

    INCOMPATIBLE_VERSION = 1
    UNSUPPORTED_FIELD = 2
    UNKNOWN_CONTAINER = 3
    INVALID_ENVIRONMENT = 4
    IO_FAILURE = 5
    UNDECODABLE = 6
    INVALID_CONFIG = 7
    INVALID_NETNS = 8
    TRY_LATER = 11
    NOT_AVAILABLE = 50
    FAILED = 100
    INTERNAL = 999


class CniError(Exception):
    """A call that fails: what goes to the runtime as an error object. Its texts are one line each, and bounded."""

    def __init__(self, code: int, msg: str, details: str = "") -> None:
        self.code = int(code)
        self.msg = one_line(msg, LONGEST_MESSAGE)
        self.details = one_line(details, LONGEST_DETAILS)
        super().__init__(f"{self.msg}; {self.details}" if self.details else self.msg)

    def about(self, kind: str, name: str) -> CniError:
        """The same error, with whom it is about in its details where its texts do not name that yet."""
        if name in f"{self.msg} {self.details}":
            return self
        # In front: what is cut off is the end.
        return CniError(self.code, self.msg, f"{kind} {name}: {self.details}" if self.details else f"{kind} {name}")

    def body(self, version: str) -> bytes:
        """The error object for stdout, in a configuration's version."""
        content = {"cniVersion": version, "code": self.code, "msg": self.msg}
        whole = {**content, "details": self.details} if self.details else content
        return json.dumps(whole, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the runtime, checked."""

    command: str
    container_id: str
    netns: str
    ifname: str
    args: str
    version: str
    config: Config
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The configuration's name."""
        return str(self.config["name"])


def parse_call(env: Mapping[str, str], stdin: bytes) -> Call:
    """The call, checked in the reference implementation's order. Raises CniError (T01-T15)."""
    command = env.get("CNI_COMMAND", "")
    if command not in REQUIRED["CNI_COMMAND"] and command:
        raise CniError(Code.INVALID_ENVIRONMENT, f"unknown CNI_COMMAND: {command}", f"known are {', '.join(COMMANDS)}")
    _check_present(command, env)
    _check_names(command, env)
    config = parse_config(stdin)
    version = config.get("cniVersion") or VERSIONS[0]
    _check_version(command, version)
    if command == "ADD":  # only ADD uses them, and no DEL shall fail for them
        _check_fields(config)
    return Call(
        command=command,
        container_id=env.get("CNI_CONTAINERID", ""),
        netns=env.get("CNI_NETNS", ""),
        ifname=env.get("CNI_IFNAME", ""),
        args=env.get("CNI_ARGS", ""),
        version=version,
        config=config,
        env=env,
    )


def parse_cni(content: bytes) -> tuple[dict[str, str], bytes]:
    """The environment and stdin in a ``CNI1`` body. Raises WireError."""
    env: dict[str, str] = {}
    rest = content
    while True:
        entry, end, rest = rest.partition(b"\0")
        if not end:
            raise WireError("the environment in a CNI1 frame does not end")
        if not entry:
            return env, rest
        key, equals, value = entry.partition(b"=")
        if not equals:
            raise WireError(f"not KEY=VALUE in a CNI1 frame: {entry[:40]!r}")
        env[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")


def parse_config(stdin: bytes) -> Config:
    """The network configuration. Raises CniError: code 6 when it is no JSON object, 7 when its name is bad."""
    try:
        config = jsontext.parse(stdin)
    except ValueError as error:
        raise CniError(Code.UNDECODABLE, "the network configuration on stdin is not JSON", str(error)) from error
    if not isinstance(config, dict):
        raise CniError(Code.UNDECODABLE, "the network configuration on stdin is not a JSON object")
    name = config.get("name")
    if not isinstance(name, str) or not name:
        raise CniError(Code.INVALID_CONFIG, "missing network name", "give the network configuration a name")
    if not NETWORK_NAME.fullmatch(name):
        raise CniError(Code.INVALID_CONFIG, "invalid characters found in network name", f"{name}: {ALLOWED}")
    if not isinstance(config.get("cniVersion", ""), str):
        raise CniError(Code.UNDECODABLE, "cniVersion must be a string", repr(config["cniVersion"]))
    return config


def version_of(stdin: bytes) -> str:
    """The version in which to answer, whatever is wrong with the rest of the input."""
    try:
        version = jsontext.parse(stdin).get("cniVersion")
    except (ValueError, AttributeError):
        return VERSIONS[-1]
    if not isinstance(version, str) or not version:
        return VERSIONS[0]
    return version if REPEATED_VERSION.fullmatch(version) else VERSIONS[-1]


def version_tuple(version: str) -> tuple[int, ...]:
    """``0.4.0`` as numbers, for comparison; only of a version in ``VERSIONS``."""
    return tuple(int(part) for part in version.split("."))


def check_ifname(ifname: str) -> None:
    """Raises CniError when the kernel, or an environment, would not take the name for an interface (T08)."""
    problem = None
    if not _is_text(ifname):
        problem = "interface name is not UTF-8"
    elif not ifname:
        problem = "interface name is empty"
    elif len(ifname.encode()) > MAX_IFNAME:
        problem = f"interface name is longer than {MAX_IFNAME} bytes"
    elif ifname in (".", ".."):
        problem = "interface name is . or .."
    elif any(char in "/:" or char.isspace() or ord(char) < ord(" ") for char in ifname):
        problem = "interface name contains / or : or whitespace or a control character"
    if problem is not None:
        raise CniError(Code.INVALID_ENVIRONMENT, problem, ifname)


def one_line(text: str, limit: int) -> str:
    """The text without line breaks and control characters, and no longer than that many characters."""
    flat = " ".join(text[: 4 * limit].split())[: limit + 1]
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in flat)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}\u2026"


def swallow_proof(text: str) -> str:
    """The text without the words that make containerd take a failed DEL for a done one (T75)."""
    for word, instead in (("not found", "missing"), ("no such file or directory", "missing file")):
        text = re.sub(re.escape(word), instead, text, flags=re.IGNORECASE)
    return text


def _check_present(command: str, env: Mapping[str, str]) -> None:
    missing = [
        name
        for name, commands in REQUIRED.items()
        if not env.get(name) and (command in commands or name == "CNI_COMMAND")
    ]
    if missing:
        raise CniError(Code.INVALID_ENVIRONMENT, f"required env variables [{','.join(missing)}] missing")


def _check_names(command: str, env: Mapping[str, str]) -> None:
    if command not in REQUIRED["CNI_CONTAINERID"]:
        return
    if not CONTAINER_ID.fullmatch(env["CNI_CONTAINERID"]):
        raise CniError(
            Code.INVALID_ENVIRONMENT, "invalid characters in containerID", f"{env['CNI_CONTAINERID']}: {ALLOWED}"
        )
    check_ifname(env["CNI_IFNAME"])
    if command == "ADD":  # what it brings is kept for later; a DEL goes by what is kept
        for name in ("CNI_NETNS", "CNI_ARGS"):
            _check_text(name, env.get(name, ""))


def _check_text(name: str, value: str) -> None:
    if not _is_text(value):
        raise CniError(Code.INVALID_ENVIRONMENT, f"{name} is not UTF-8", value)


def _is_text(value: str) -> bool:
    """Whether it came as UTF-8: other bytes arrive as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_version(command: str, version: str) -> None:
    if version not in VERSIONS:
        details = f'config is "{version}", plugin supports {list(VERSIONS)}'
        raise CniError(Code.INCOMPATIBLE_VERSION, "incompatible CNI versions", details)
    since = SINCE.get(command)
    if since is not None and version_tuple(version) < since:
        wanted = ".".join(str(part) for part in since)
        raise CniError(
            Code.INCOMPATIBLE_VERSION,
            f"config version does not allow {command}",
            f"it is {version}, needed is {wanted}",
        )


def _check_fields(config: Config) -> None:
    for key in OBJECTS:
        if not isinstance(config.get(key) or {}, dict):
            raise CniError(Code.UNSUPPORTED_FIELD, f"{key} must be an object", f"{key}={config[key]!r}")
    for key in FLAGS:
        if not isinstance(config.get(key) or False, bool):
            raise CniError(Code.UNSUPPORTED_FIELD, f"{key} must be true or false", f"{key}={config[key]!r}")
