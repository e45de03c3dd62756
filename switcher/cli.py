"""The ``switcher`` command: finds the commands and turns errors into exit codes (0 done, 1 failed, 2 bad input).

A command's module is imported when it is asked for: reading a status must not wait for a solver to load.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from switcher.commands.streams import prepare_streams, tell
from switcher.errors import BadInputError, SwitcherError

COMMANDS = {
    "run": "run",
    "lab": "lab",
    "check": "check",
    "bill": "bill",
    "backtest": "backtest",
    "decide": "decide",
    "status": "look",
    "networks": "look",
    "moves": "look",
    "spending": "spending",
    "explain": "explain",
    "replay": "replay",
    "move": "move",
    "attach": "attach",
    "detach": "attach",
    "db": "db",
}
"""Modules in ``switcher.commands``, by command; each has the command's function, or its group, by the same name."""
SETTINGS = {"help_option_names": ["-h", "--help"]}


class Lazy(TyperGroup):
    """The group of all commands. (typer has click within itself, and gives its types no public name.)"""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, its module imported; what is misspelt fails with the nearest one."""
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, n=1)
            return ctx.fail(f"No such command {cmd_name!r}. Did you mean {near[0]!r}?") if near else None
        found = getattr(import_module(f"switcher.commands.{COMMANDS[cmd_name]}"), cmd_name)
        if isinstance(found, typer.Typer):
            group = typer.main.get_command(found)
            group.name = cmd_name
            return group
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(cmd_name, context_settings=SETTINGS)(found)
        return typer.main.get_command(single)


app = typer.Typer(
    name="switcher",
    cls=Lazy,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=SETTINGS,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"switcher {version('genie-switcher')}")
        raise typer.Exit


@app.callback()
def switcher(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is, and exit.")
    ] = False,
) -> None:
    """Keeps every workload on the cheapest network that is not congested, live.

    Example: switcher check config/examples
    """


def main() -> None:
    """Entry point of the ``switcher`` script."""
    prepare_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BadInputError as error:
        tell(*map(str, error.problems))
        sys.exit(2)
    except SwitcherError as error:
        tell(f"switcher: {error}")
        sys.exit(1)
    except OSError as error:
        # Nothing more can be written: the reader, a pager or head, has gone, or the disk is full.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            tell(f"switcher: {error.filename or 'standard output'}: {error.strerror or error}")
        sys.exit(1)
