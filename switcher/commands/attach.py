"""``switcher attach`` and ``switcher detach``: hot add and remove by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cni.wire import AttachmentReport, AttachOrder, DetachOrder
from switcher.adapters.node.sockets import AgentSockets
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import Row, show
from switcher.errors import BadInputError, Problem
from switcher.settings import load_settings

NETNS = "netns:"
HERE = "localhost"
"""The node of an agent that is asked directly."""
COLUMNS = ["workload", "attachment", "network", "addresses", "node"]

Workload = Annotated[str, typer.Argument(help="namespace/name, or netns:/run/netns/NAME for a plain namespace")]
Ifname = Annotated[str, typer.Option("--ifname", help="The interface's name.")]
Node = Annotated[str | None, typer.Option("--node", help="The node, where the workload does not tell.")]
Agent = Annotated[
    str | None,
    typer.Option(
        "--agent",
        envvar="SWITCHER_AGENT",
        metavar="unix:PATH",
        help="Ask this agent; no settings of a controller are needed then.",
    ),
]


def attach(
    workload: Workload,
    network: Annotated[str, typer.Argument(help="a network of the workload's node")],
    config: ConfigFile = DEFAULT_CONFIG,
    ifname: Ifname = "",
    node: Node = None,
    agent: Agent = None,
    as_json: AsJson = False,
) -> None:
    """Brings a running workload onto one more network, beside what it has; done when it returns.

    A plain namespace becomes a workload by its first attachment. Without --ifname the interface gets the next free
    name. When it fails nothing of it is left.

    Example: switcher attach shop/web-0 cni:internet-b --ifname net2
    """
    hands, there = _reach(config, agent, node, workload)
    typer.echo(f"attaching {workload} to {network} ...", err=True)
    report = hands.attach(there, AttachOrder(workload=workload, network=network, ifname=ifname))
    show([_row(report, there)], COLUMNS, as_json=as_json, nothing="")


def detach(
    workload: Workload,
    attachment: Annotated[str, typer.Argument(help="the attachment's name, or the network that it is on")],
    config: ConfigFile = DEFAULT_CONFIG,
    ifname: Ifname = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also what the runtime attached, other than the primary interface.")
    ] = False,
    node: Node = None,
    agent: Agent = None,
    as_json: AsJson = False,
) -> None:
    """Takes a running workload off a network that it was hot-added to; done when it returns.

    --ifname says which attachment, where several are on the network.

    Example: switcher detach shop/web-0 net2
    """
    hands, there = _reach(config, agent, node, workload)
    typer.echo(f"detaching {workload} from {attachment} ...", err=True)
    order = DetachOrder(workload=workload, attachment=attachment, ifname=ifname, force=force)
    show([_row(hands.detach(there, order), there)], COLUMNS, as_json=as_json, nothing="")


def _reach(config: Path, agent: str | None, node: str | None, workload: str) -> tuple[AgentSockets, str]:
    """The agents, and the node whose one is meant. Raises BadInputError, TryLaterError."""
    if agent is not None:
        if not agent.startswith("unix:/"):
            raise BadInputError([Problem("--agent", 0, "", f"{agent!r} is not unix:/path of an agent's socket")])
        name = node or HERE
        return AgentSockets({name: agent}), name
    settings = load_settings(config)
    nodes = list(settings.nodes)
    hands = AgentSockets(settings.nodes)
    if node is not None:
        return hands, node
    if len(nodes) > 1 and not workload.startswith(NETNS):
        nodes = [name for name in nodes if any(each.workload == workload for each in hands.attachments(name))]
    if len(nodes) == 1:
        return hands, nodes[0]
    which = ", ".join(nodes or settings.nodes) or "none"
    said = "several nodes may be meant" if nodes else f"no node has a workload {workload}"
    raise BadInputError([Problem("WORKLOAD", 0, "", f"{said}: say which by --node (nodes: {which})")])


def _row(report: AttachmentReport, node: str) -> Row:
    return {
        "workload": report.workload,
        "attachment": report.attachment,
        "network": report.network,
        "physical network": report.physical_network,
        "addresses": " ".join(report.addresses),
        "node": node,
    }
