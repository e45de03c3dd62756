"""``switcher check``: are these objects valid?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from switcher.commands.files import readable
from switcher.commands.options import AsJson
from switcher.commands.tables import show
from switcher.errors import BadInputError, Problem
from switcher.objects.load import load_placed


def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Files or directories of YAML or JSON; - is standard input."),
    ],
    as_json: AsJson = False,
) -> None:
    """Validate tariffs, thresholds, policies, networks and moves; every problem is listed with its place.

    Example: switcher check config/examples
    """
    try:
        placed = load_placed([readable(file) for file in files])
    except BadInputError as error:
        if as_json:
            typer.echo(json.dumps({"valid": False, "objects": [], "problems": [_problem(p) for p in error.problems]}))
        raise
    rows = [{"kind": one.item.kind, "name": one.item.name, "file": one.document.file} for one in placed]
    if as_json:
        typer.echo(json.dumps({"valid": True, "objects": rows, "problems": []}))
    else:
        show(rows, ["kind", "name", "file"], as_json=False, nothing="no object in these files")


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "document": problem.document,
        "line": problem.line,
        "path": problem.path,
        "text": problem.text,
    }
