"""The ``switcher`` command: mounts the commands and turns errors into exit codes (0 done, 1 failed, 2 bad input)."""

from __future__ import annotations

import sys

import typer

from switcher.commands.bill import bill
from switcher.commands.check import check
from switcher.commands.db import db
from switcher.commands.decide import decide
from switcher.commands.lab import lab
from switcher.commands.look import explain, moves, networks, status
from switcher.commands.move import move
from switcher.commands.run import run
from switcher.errors import BadInputError, SwitcherError

app = typer.Typer(
    name="switcher",
    help="Keeps every workload on the cheapest network that is not congested, live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, check, bill, decide, status, networks, moves, explain, move):
    app.command()(command)
app.add_typer(lab, name="lab")
app.add_typer(db, name="db")


def main() -> None:
    """Entry point of the ``switcher`` script."""
    try:
        app()
    except BadInputError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - the message is for whoever typed the command
        sys.exit(2)
    except SwitcherError as error:
        print(f"switcher: {error}", file=sys.stderr)  # noqa: T201 - the message is for whoever typed the command
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)  # the reader, a pager or head, has gone
