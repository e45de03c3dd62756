"""A Multus configuration, checked whole. Pure.

Source: Multus' configuration reference and its daemon's ("thick plugin"); the types are those of its Go structures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from cni.netconf import OWN_TYPE
from cni.protocol import NETWORK_NAME, VERSIONS

TYPES = ("multus", "multus-shim")
DEFAULT_NAME = "multus-cni-network"
"""What Multus' own generator calls it."""

Config = dict[str, Any]


class MultusRefused(Exception):  # noqa: N818 - the word that callers read best
    """The input is refused whole; ``problems`` says everything that is wrong with it, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


def read(text: str) -> Config:
    """The configuration of thin or thick Multus, or of its daemon. Raises MultusRefused."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MultusRefused([f"not JSON: {error}"]) from error
    if not isinstance(content, dict):
        raise MultusRefused(["not a JSON object"])
    config = _only_plugin(content) if "plugins" in content else content
    # null stands for absent, as Go's decoder takes it.
    config = {key: value for key, value in config.items() if value is not None}
    problems = [*_wrong_types(config), *_wrong_values(config)]
    if problems:
        raise MultusRefused(problems)
    return config


def is_daemons(config: Mapping[str, Any]) -> bool:
    """Whether it is the daemon's own configuration: which networks there are is left to its generator."""
    return "type" not in config


def _only_plugin(content: Config) -> Config:
    """The entry of a configuration list that has nothing but Multus."""
    plugins = content["plugins"]
    if not isinstance(plugins, list) or len(plugins) != 1 or not isinstance(plugins[0], dict):
        text = (
            "plugins: must hold Multus alone; of a longer chain convert Multus' own entry, and put genie's in its place"
        )
        raise MultusRefused([text])
    return {**{key: content[key] for key in ("name", "cniVersion") if key in content}, **plugins[0]}


def _wrong_types(config: Config) -> list[str]:
    problems = []
    for key, check in FIELDS.items():
        if key in config:
            problem = check(config[key])
            problems += [f"{key}{problem}"] if problem else []
    return problems


def _wrong_values(config: Config) -> list[str]:
    problems = []
    kind, name, version = config.get("type"), config.get("name"), config.get("cniVersion")
    if isinstance(kind, str) and kind not in TYPES:
        problems.append(f"type: is {kind!r}, not {' or '.join(TYPES)}")
    if kind is None and not DAEMON & config.keys():
        problems.append(f"type: is missing, and there is no setting of Multus' daemon ({', '.join(sorted(DAEMON))})")
    if isinstance(name, str) and not NETWORK_NAME.fullmatch(name):
        problems.append(f"name: {name!r} is not a network's name")
    if isinstance(version, str) and version not in VERSIONS:
        problems.append(f"cniVersion: {version!r} is none of {', '.join(VERSIONS)}")
    if kind is not None and not config.get("clusterNetwork") and not config.get("delegates"):
        problems.append("clusterNetwork, delegates: one of them is required")
    if config.get("defaultNetworks") and not config.get("clusterNetwork"):
        problems.append("defaultNetworks: need a clusterNetwork")
    return problems


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else f": must be a string, is {_shown(value)}"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else f": must be true or false, is {_shown(value)}"


def _number(value: Any) -> str:
    good = isinstance(value, int) and not isinstance(value, bool)
    return "" if good else f": must be a whole number, is {_shown(value)}"


def _mapping(value: Any) -> str:
    return "" if isinstance(value, dict) else f": must be an object, is {_shown(value)}"


def _flags(value: Any) -> str:
    wrong = _mapping(value)
    if wrong:
        return wrong
    return next((f".{key}{problem}" for key, flag in value.items() if (problem := _flag(flag))), "")


def _texts(value: Any) -> str:
    if not isinstance(value, list):
        return f": must be a list, is {_shown(value)}"
    return next((f"[{number}]{problem}" for number, entry in enumerate(value) if (problem := _text(entry))), "")


def _namespaces(value: Any) -> str:
    """Multus writes them as one string with commas."""
    return "" if isinstance(value, str) else _texts(value)


def _delegates(value: Any) -> str:
    if not isinstance(value, list):
        return f": must be a list, is {_shown(value)}"
    return next((f"[{number}]{problem}" for number, entry in enumerate(value) if (problem := _delegate(entry))), "")


def _delegate(value: Any) -> str:
    if not isinstance(value, dict):
        return f": must be an object, is {_shown(value)}"
    if "name" in value and (not isinstance(value["name"], str) or not NETWORK_NAME.fullmatch(value["name"])):
        return f".name: {_shown(value['name'])} is not a network's name"
    if "plugins" not in value:
        return _untyped(value)
    plugins = value["plugins"]
    if not isinstance(plugins, list) or not plugins:
        return ".plugins: must be a list with at least one plugin"
    return next(
        (f".plugins[{number}]{problem}" for number, each in enumerate(plugins) if (problem := _untyped(each))), ""
    )


def _untyped(plugin: Any) -> str:
    kind = plugin.get("type") if isinstance(plugin, dict) else None
    if not isinstance(kind, str) or not kind:
        return ".type: is missing"
    return f".type: {kind} would call itself" if kind in (*TYPES, OWN_TYPE) else ""


def _shown(value: Any) -> str:
    return json.dumps(value)[:60]


FIELDS: dict[str, Callable[[Any], str]] = {
    "name": _text, "type": _text, "cniVersion": _text, "kubeconfig": _text,
    "clusterNetwork": _text, "defaultNetworks": _texts, "delegates": _delegates,
    "namespaceIsolation": _flag, "globalNamespaces": _namespaces, "multusNamespace": _text, "systemNamespaces": _texts,
    "capabilities": _flags, "confDir": _text, "binDir": _text, "cniDir": _text,
    "readinessindicatorfile": _text, "retryDeleteOnError": _flag, "auxiliaryCNIChainName": _text,
    "logFile": _text, "logLevel": _text, "logToStderr": _flag, "logOptions": _mapping,
    "chrootDir": _text, "socketDir": _text, "daemonSocketDir": _text, "metricsPort": _number, "cniConfigDir": _text,
    "multusConfigFile": _text, "multusAutoconfigDir": _text, "multusMasterCNI": _text, "forceCNIVersion": _flag,
    "overrideNetworkName": _flag, "perNodeCertificate": _mapping,
}  # fmt: skip
"""Multus' fields, and what is wrong with a value."""
DAEMON = frozenset(
    {"chrootDir", "socketDir", "daemonSocketDir", "cniConfigDir", "multusConfigFile", "multusAutoconfigDir"}
)
"""Those that only its daemon has."""
