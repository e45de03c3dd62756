"""The two sets of reference plugins, and what of them could stay behind on a node."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.node import PLUGINS, Node, run
from tests.support.shim import ROOT


@dataclass(frozen=True)
class PluginSet:
    """A directory of plugins, and the newest CNI version that they speak."""

    name: str
    directory: Path
    version: str


def debians() -> PluginSet:
    """Those of the package containernetworking-plugins."""
    return PluginSet("Debian", Path(PLUGINS), "1.0.0")


def modules() -> PluginSet:
    """Those of the Go module, with STATUS; built when they are not there yet. ``cnitool`` is beside them."""
    done = subprocess.run([ROOT / "tools/cni-plugins"], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return PluginSet("module", Path(done.stdout.strip()), "1.1.0")


SETS = {"Debian": debians, "module": modules}


def remains(here: Node, workload: str) -> dict[str, object]:
    """All that an attachment could leave on the node or in the workload, without counters and running numbers."""
    found: dict[str, object] = {"leases": here.addresses_taken(), "records": here.rows()}
    for space in (here.name, workload):
        inside = ("ip", "netns", "exec", space)
        found[f"{space} links"] = sorted(
            (link["ifname"], link["mtu"], link["address"]) for link in json.loads(run("ip", "-n", space, "-j", "link"))
        )
        for family in ("-4", "-6"):
            for what in (("route", "show", "table", "all"), ("rule",)):
                found[f"{space} {family} {what}"] = _lines(run("ip", "-n", space, family, *what))
        found[f"{space} addresses"] = _addresses(space)
        found[f"{space} rules"] = _lines(run(*inside, "nft", "--stateless", "list", "ruleset"))
        found[f"{space} shapers"] = _lines(run(*inside, "tc", "qdisc", "show"))
    return found


def _lines(text: str) -> list[str]:
    """In an order of their own, without what the kernel does by itself as carriers come and go."""
    own = (line.replace(" linkdown", "").strip() for line in text.splitlines())
    return sorted(line for line in own if "fe80" not in line and "ff00::/8" not in line and "table local" not in line)


def _addresses(space: str) -> list[tuple[str, str]]:
    shown = json.loads(run("ip", "-n", space, "-j", "address", "show"))
    return sorted(
        (link["ifname"], info["local"]) for link in shown for info in link["addr_info"] if info["scope"] == "global"
    )
