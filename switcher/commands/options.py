"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("/etc/switcher/config.yaml")

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        envvar="SWITCHER_CONFIG",
        help="The controller's settings.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document for machines.")]
