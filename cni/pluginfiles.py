"""Plugins of a network that stand in files of their own: ``NAME/*.conf`` beside the list called NAME.

Source: CNI specification 1.1.0, section 1 (``loadOnlyInlinedPlugins``); libcni's ``conf.go``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cni import jsontext

ONLY_INLINED = "loadOnlyInlinedPlugins"
SUFFIX = ".conf"


def with_plugin_files(content: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The list in ``directory`` with the plugins of its files appended, by file name; a single plugin as it is.

    Raises ValueError that says what is wrong with the list or with one of the files.
    """
    if "plugins" not in content and content.get("type"):
        return content
    if _only_inlined(content):
        if "plugins" not in content:
            raise ValueError(f"{ONLY_INLINED} is true, and there are no plugins in the list")
        return content
    inlined = content.get("plugins", [])
    found = [_plugin(path) for path in _files(directory, content.get("name"))]
    if not found or not isinstance(inlined, list) or ("plugins" in content and not inlined):
        return content
    return {**content, "plugins": [*inlined, *found]}


def _only_inlined(content: dict[str, Any]) -> bool:
    said = str(content.get(ONLY_INLINED, False)).lower()
    if said not in ("true", "false"):
        raise ValueError(f"{ONLY_INLINED} must be a boolean, not {content[ONLY_INLINED]!r}")
    return said == "true"


def _files(directory: Path, name: object) -> list[Path]:
    if not isinstance(name, str) or not name or "/" in name or name in (".", ".."):
        return []
    try:
        return sorted(path for path in (directory / name).iterdir() if path.suffix == SUFFIX and path.is_file())
    except (OSError, ValueError):  # ValueError: no directory can have such a name
        return []  # most networks have no such directory


def _plugin(path: Path) -> dict[str, Any]:
    try:
        content = jsontext.parse(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.parent.name}/{path.name}: {error}") from error
    if not isinstance(content, dict) or not content.get("type"):
        raise ValueError(f"{path.parent.name}/{path.name}: not a plugin's configuration: its type is missing")
    return content
