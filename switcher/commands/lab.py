"""``switcher lab``: a site of several nodes on one machine, to see, to test and to play with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import PydanticCustomError

from switcher.commands import look
from switcher.commands.files import CHARTS, unwritable
from switcher.commands.options import AsJson
from switcher.errors import BadInputError, Problem, SwitcherError
from switcher.lab import outer
from switcher.lab.blueprint import draw
from switcher.lab.options import Options
from switcher.lab.state import StateDirectory, default_directory
from switcher.objects.values import duration

SHORTEST_SECONDS = 20

lab = typer.Typer(
    name="lab",
    help="A site of several nodes and three physical networks on this machine, with real traffic."
    "\n\nExample: switcher lab run --duration 90s --plot lab.png",
    no_args_is_help=True,
    add_completion=False,
)
Directory = Annotated[
    Path | None,
    typer.Option(
        "--dir", help="Where the lab keeps its files; by default in $XDG_RUNTIME_DIR, or /tmp/switcher-lab-UID."
    ),
]
Nodes = Annotated[int, typer.Option(help="How many nodes.")]
Workloads = Annotated[int, typer.Option(help="How many workloads, spread over the nodes.")]


@lab.command()
def run(
    length: Annotated[str, typer.Option("--duration", help="How long the story takes, such as 90s or 5m.")] = "90s",
    nodes: Nodes = 3,
    workloads: Workloads = 12,
    report: Annotated[Path | None, typer.Option(help="Write what happened to this file, as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the run into this file: .png or .svg.")] = None,
    directory: Directory = None,
) -> None:
    """Build the site and watch workloads move while prices and load change; then take it down and account for it.

    Ends with 1 when a move lost a packet, a connection broke or anything was left behind.

    Example: switcher lab run --duration 90s --report run.json --plot run.png
    """
    chart = "" if plot is None else plot.suffix.lower()
    options = Options(seconds=_seconds(length), nodes=nodes, workloads=workloads, chart=chart)
    _refuse([*_size_problems(nodes, workloads), *unwritable("--report", report), *unwritable("--plot", plot, CHARTS)])
    raise typer.Exit(outer.run(directory or default_directory(), options, report, plot))


@lab.command()
def up(nodes: Nodes = 3, workloads: Workloads = 12, directory: Directory = None) -> None:
    """Keep the same site running in the background, without a story, to play with.

    Example: switcher lab up --workloads 6
    """
    _refuse(_size_problems(nodes, workloads))
    options = Options(seconds=None, nodes=nodes, workloads=workloads)
    state = outer.start_in_background(directory or default_directory(), options)
    typer.echo(f"the lab is up; its files are in {state.path}")
    typer.echo(f"look at it:  switcher lab status, or: export SWITCHER_CONFIG={state.controller}; switcher networks")
    typer.echo(f"change prices, thresholds and the policy in {state.objects}; end it: switcher lab down")


@lab.command()
def status(directory: Directory = None, as_json: AsJson = False) -> None:
    """Whether a lab runs, since when, and who is on which network.

    Example: switcher lab status
    """
    state = StateDirectory(directory or default_directory())
    record = state.running()
    if record is None:
        raise SwitcherError(f"no lab is running in {state.path}")
    if not as_json:
        since = datetime.fromtimestamp(record.started_at, UTC)
        typer.echo(f"running since {since:%Y-%m-%d %H:%M:%S}Z, process {record.pid}, files in {state.path}", err=True)
    look.status(state.controller, as_json)


@lab.command()
def down(directory: Directory = None) -> None:
    """End the lab and remove its files; also after it was killed. Nothing there is a success.

    Example: switcher lab down
    """
    where = directory or default_directory()
    there = outer.end(where)
    typer.echo(f"the lab in {where} is gone" if there else f"there is no lab in {where}")


def _seconds(text: str) -> float:
    try:
        seconds = duration(text).total_seconds()
    except PydanticCustomError as error:
        raise BadInputError([Problem("--duration", 0, "", f"{text!r} {error.message()}")]) from error
    if seconds < SHORTEST_SECONDS:
        raise BadInputError([Problem("--duration", 0, "", f"a story takes at least {SHORTEST_SECONDS}s, not {text}")])
    return seconds


def _size_problems(nodes: int, workloads: int) -> list[Problem]:
    try:
        draw(nodes, workloads)
    except ValueError as error:
        return [Problem("--nodes, --workloads", 0, "", str(error))]
    return []


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise BadInputError(problems)
