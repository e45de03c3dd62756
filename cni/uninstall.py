"""``genie-agent uninstall``: takes genie's configuration and binary away from the container runtime."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from cni.files import settle
from cni.install import BINARY, UNINSTALLED
from cni.netconf import is_own
from cni.settings import Install, Settings, SettingsError, add_node, load
from cni.store import Store, StoreError

NAME = "uninstall"


def add_command(commands: Any) -> None:
    """Adds it to argparse's subcommands."""
    command = commands.add_parser(
        NAME,
        help="take genie away from the container runtime",
        description="Removes genie's configuration and binary, as the settings' install names them. A running agent"
        " goes on serving and installs nothing more; its next start would.",
        epilog="example: genie-agent uninstall --config /etc/genie/agent.yaml",
    )
    command.add_argument("--config", type=Path, required=True, metavar="FILE", help="the agent's settings, YAML")
    add_node(command)
    command.add_argument(
        "--force", action="store_true", help="although workloads are attached: what they have is never given back"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exit status: 0 removed, 1 workloads are attached or it failed, 2 there is nothing to uninstall."""
    try:
        settings = load(options.config, options.node)
    except SettingsError as error:
        return _told(str(error), 2)
    if settings.install is None:
        return _told(f"{options.config}: install: is not set: nothing was installed by this agent", 2)
    try:
        attached = _stop_installing(settings, force=options.force)
        if attached and not options.force:
            return _told(f"still attached (end or drain them, or --force): {', '.join(attached)}", 1)
        for line in _remove(settings.install):
            print(line)  # noqa: T201 - a command's answer
    except (StoreError, OSError) as error:
        return _told(str(error), 1)
    if attached:
        return _told(f"left without genie, their addresses and links stay: {', '.join(attached)}", 0)
    return 0


def _stop_installing(settings: Settings, *, force: bool) -> list[str]:
    """The workloads with attachments; where it goes on, the agent is told to install no more. Raises StoreError."""
    path = settings.state / "store.db"
    if not path.exists():
        return []
    store = Store(path)
    try:
        attached = sorted({attachment.workload for attachment in store.all()})
        if force or not attached:
            store.keep_note(UNINSTALLED, "yes")
        return attached
    finally:
        store.close()


def _remove(plan: Install) -> list[str]:
    """Removes the files; what was done. The configuration goes first: nobody calls genie then. Raises OSError."""
    done = []
    if plan.conf is not None:
        done.append(
            _remove_one(plan.conf_file) if _is_genies(plan.conf_file) else f"{plan.conf_file}: not genie's, left"
        )
    if plan.binary is not None:
        done.append(_remove_one(plan.bin_dir / BINARY))
    return done


def _remove_one(path: Path) -> str:
    if not path.exists():
        return f"{path}: was not there"
    path.unlink()
    settle(path.parent)
    return f"{path}: removed"


def _is_genies(path: Path) -> bool:
    try:
        content = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return True  # nothing to spare
    except msgspec.DecodeError:
        return False
    return isinstance(content, dict) and is_own(content)


def _told(text: str, status: int) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - the report
    return status
