"""Plugins of CNI-Genie's users that cannot run here, as programs that do to the kernel what those do.

usage: stand_in.py NAME LOG   with the environment and the input of a CNI plugin. flannel, weave-net, romana and sriov
are the reference plugins under other names and with other configurations; bridge and macvlan are themselves. Every
call is appended to LOG as JSON, but those of IPAM plugins.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

PLUGINS = "/usr/lib/cni"
FLANNEL, WEAVE, CALICO, ROMANA = "10.244.1.0/24", "10.32.0.0/12", "192.168.0.0/16", "10.112.0.0/24"
"""The addresses that each gives out on this node."""
CALICO_GATEWAY = "169.254.1.1"
"""Every container's gateway, which no machine has: calico's end of the link answers for it."""

Config = dict[str, Any]


def flannel(config: Config) -> tuple[str, Config]:
    """The bridge that flannel delegates to, with the node's subnet."""
    ipam = {"type": "host-local", "ranges": [[{"subnet": FLANNEL}]], "routes": [{"dst": "10.244.0.0/16"}]}
    return "bridge", {
        **_common(config),
        "isGateway": True,
        **config.get("delegate", {}),
        "type": "bridge",
        "ipam": ipam,
    }


def weave(config: Config) -> tuple[str, Config]:
    """A bridge of its own, with a default route by it, and the subnet that its IPAM section asks for."""
    ipam = {"type": "host-local", "ranges": [[{"subnet": config.get("ipam", {}).get("subnet", WEAVE)}]]}
    return "bridge", {**_common(config), "type": "bridge", "bridge": "weave", "isDefaultGateway": True, "ipam": ipam}


def romana(config: Config) -> tuple[str, Config]:
    """A link between container and node, with a default route by it."""
    ipam = {"type": "host-local", "ranges": [[{"subnet": ROMANA}]], "routes": [{"dst": "0.0.0.0/0"}]}
    return "ptp", {**_common(config), "type": "ptp", "ipam": ipam}


PLAIN: dict[str, Callable[[Config], tuple[str, Config]]] = {
    "flannel": flannel,
    "weave-net": weave,
    "romana": romana,
    "sriov": lambda config: ("macvlan", {**config, "type": "macvlan"}),
    "fixipam": lambda config: ("host-local", config),
    "bridge": lambda config: ("bridge", config),
    "macvlan": lambda config: ("macvlan", config),
}
NAMES = ("calico", *PLAIN)


def main(name: str, log: str) -> int:
    """One call."""
    told = sys.stdin.read()
    config = json.loads(told)
    command = os.environ["CNI_COMMAND"]
    if command == "VERSION":
        return _real("bridge", config).returncode
    if name != "fixipam":  # another plugin's
        _record(log, config)
    if name == "calico":
        return _calico(command, config)
    return _real(*PLAIN[name](config)).returncode


def _record(log: str, config: Config) -> None:
    env = {key: value for key, value in os.environ.items() if key.startswith("CNI_")}
    with open(log, "a") as calls:  # noqa: PTH123 - started for every call: pathlib is not worth its time
        calls.write(json.dumps({"env": env, "environ": dict(os.environ), "config": config}) + "\n")


def _calico(command: str, config: Config) -> int:
    """A link with an address of its own alone, by a gateway that is reached directly; a result without interfaces."""
    netns, ifname = os.environ["CNI_NETNS"], os.environ["CNI_IFNAME"]
    host = "cali" + hashlib.sha256((os.environ["CNI_CONTAINERID"] + ifname).encode()).hexdigest()[:11]
    pools = config.get("ipam", {}).get("ipv4_pools", [CALICO])
    asked = {**config, "ipam": {"type": "host-local", "ranges": [[{"subnet": pool} for pool in pools]]}}
    if command == "DEL":
        subprocess.run(["ip", "link", "delete", host], check=False, capture_output=True)
        return _real("host-local", asked).returncode
    if command == "CHECK":
        return _real("host-local", asked).returncode
    given = _real("host-local", asked, capture_output=True)
    if given.returncode:
        sys.stdout.write(given.stdout)
        return given.returncode
    address = json.loads(given.stdout)["ips"][0]["address"].partition("/")[0] + "/32"
    inside = ["nsenter", f"--net={netns}", "ip"]
    for step in (
        ["ip", "link", "add", host, "type", "veth", "peer", "name", ifname, "netns", netns],
        ["ip", "link", "set", host, "up"],
        [*inside, "link", "set", ifname, "up"],
        [*inside, "address", "add", address, "dev", ifname],
        [*inside, "route", "add", CALICO_GATEWAY, "dev", ifname, "scope", "link"],
        [*inside, "route", "add", "default", "via", CALICO_GATEWAY, "dev", ifname],
        ["ip", "route", "add", address, "dev", host],
    ):
        done = subprocess.run(step, check=False, capture_output=True, text=True)
        if done.returncode:
            print(json.dumps({"cniVersion": config["cniVersion"], "code": 100, "msg": done.stderr.strip()}))
            return 1
    ips = [{"version": "4", "address": address, "interface": 0}]
    print(json.dumps({"cniVersion": config["cniVersion"], "ips": ips, "dns": {}}))
    return 0


def _common(config: Config) -> Config:
    return {key: config[key] for key in ("name", "cniVersion", "prevResult", "runtimeConfig") if key in config}


def _real(kind: str, config: Config, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([f"{PLUGINS}/{kind}"], input=json.dumps(config), text=True, check=False, **how)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
