"""What the machine must have. Everything missing is named at once, with what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import sys
from pathlib import Path

from switcher.lab.command import LabError, run, search_path

LEAST_KERNEL = (6, 2)
PLUGINS = ("bridge", "macvlan", "host-local")
TOOLS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
}
DEFAULT_PLUGINS = "/usr/lib/cni"
IPPROTO_MPTCP = 262
ROOT = Path(__file__).resolve().parents[2]
KERNEL_FEATURES = (
    # what, the command that only works where the kernel has it, the module
    ("veth links", "link add lab-a type veth peer name lab-b", "veth"),
    ("bridges", "link add lab-br type bridge", "bridge"),
    ("macvlan links", "link add link lab-a lab-mv type macvlan mode bridge", "macvlan"),
)
SHAPER = (
    ("the HTB shaper", "qdisc add dev lab-a root handle 1: htb default 10", "sch_htb"),
    ("the u32 filter", "filter add dev lab-a parent 1: protocol ip u32 match ip dport 9 0xffff flowid 1:1", "cls_u32"),
)


def genie() -> Path:
    """The CNI binary: beside the sources, or what GENIE names."""
    return Path(os.environ.get("GENIE", ROOT / "build" / "genie"))


def plugin_directories() -> list[Path]:
    """Where CNI plugins are: CNI_PATH, else Debian's place."""
    return [Path(part) for part in os.environ.get("CNI_PATH", DEFAULT_PLUGINS).split(":") if part]


def script(name: str) -> Path:
    """One of our own commands, installed beside this Python."""
    return Path(sys.executable).parent / name


def check_outside() -> None:
    """Files and rights, before anything is made. Raises LabError that lists all that is missing."""
    problems = [] if platform.system() == "Linux" else ["the lab needs Linux: it is made of network namespaces"]
    path = search_path()
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool, path=path) is None})
    if missing:
        problems.append(f"system tools are missing; on Debian: apt-get install {' '.join(missing)}")
    absent = [name for name in PLUGINS if not any((place / name).is_file() for place in plugin_directories())]
    if absent:
        places = ":".join(map(str, plugin_directories()))
        problems.append(
            f"CNI plugins {', '.join(absent)} are not in {places}; on Debian: apt-get install"
            " containernetworking-plugins, or set CNI_PATH to where they are"
        )
    if not os.access(genie(), os.X_OK):
        problems.append(f"{genie()} is not built: make genie")
    problems += [f"{script(name)} is not installed: make setup" for name in _commands() if not script(name).exists()]
    problems += _rights()
    _raise(problems)


def _commands() -> tuple[str, ...]:
    return ("switcher", "genie-agent")


def _rights() -> list[str]:
    if os.getuid() == 0:
        return []
    refused = {"user/max_user_namespaces": "0", "kernel/unprivileged_userns_clone": "0"}
    for name, value in refused.items():
        setting = Path("/proc/sys", name)
        if setting.exists() and setting.read_text().strip() == value:
            wanted = "1" if name.startswith("kernel") else "15000"
            key = name.replace("/", ".")
            return [f"this kernel gives users no namespaces ({key} = {value}): run as root, or sysctl {key}={wanted}"]
    return []


def check_inside() -> None:
    """The kernel's features, tried out in the sandbox. Raises LabError that lists all that is missing."""
    problems = []
    for tool, features in (("ip", KERNEL_FEATURES), ("tc", SHAPER)):
        for what, line, module in features:
            try:
                run([tool, *line.split()])
            except LabError as error:
                problems.append(f"the kernel has no {what} ({error}); try: modprobe {module}")
    if not _renames_while_up():
        problems.append(
            f"Linux {platform.release()} cannot rename a link that is up: the lab needs Linux"
            f" {LEAST_KERNEL[0]}.{LEAST_KERNEL[1]} or newer, because its workloads keep the names of their links"
        )
    if not _has_mptcp():
        problems.append("the kernel has no MPTCP, or it is off: sysctl net.mptcp.enabled=1 (needs CONFIG_MPTCP)")
    for link in ("lab-a", "lab-z", "lab-br"):
        _quietly(["ip", "link", "del", link])
    _raise(problems)


def _renames_while_up() -> bool:
    """By trying; the version only where there is no link to try it on."""
    if not _quietly(["ip", "link", "set", "lab-a", "up"]):
        return tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2]) >= LEAST_KERNEL
    return _quietly(["ip", "link", "set", "lab-a", "name", "lab-z"])


def _has_mptcp() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP).close()
    except OSError:
        return False
    return True


def _quietly(argv: list[str]) -> bool:
    try:
        run(argv)
    except LabError:
        return False
    return True


def _raise(problems: list[str]) -> None:
    if problems:
        raise LabError("the lab cannot start here:\n" + "\n".join(f"  - {problem}" for problem in problems))
