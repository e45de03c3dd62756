"""What to do about the fields of a Multus configuration that genie has no counterpart of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cni.multus.reading import FIELDS

LOGS = "the agent writes its log as lines of JSON to stderr: keep it with journald or the container runtime"
DAEMON = "of Multus' daemon alone: the agent has its own settings (docs/node.md, docs/installing.md)"
BIN_DIRS = ("/opt/cni/bin", "/usr/lib/cni")

NOTES = {
    "logFile": LOGS,
    "logLevel": LOGS,
    "logToStderr": LOGS,
    "logOptions": LOGS,
    "cniDir": "what Multus attached is recorded there, and only Multus can detach it: drain the node first",
    "readinessindicatorfile": "genie is put into confDir once its default network is ready (setting install)",
    "auxiliaryCNIChainName": "no counterpart: put that chain's plugins into the default network's list, behind its own",
    "metricsPort": "the agent's setting metrics, such as 127.0.0.1:9464",
    "chrootDir": DAEMON,
    "socketDir": DAEMON,
    "daemonSocketDir": DAEMON,
    "multusAutoconfigDir": DAEMON,
    "perNodeCertificate": "no counterpart: the agent uses its service account, or the kubeconfig that it is given",
    "forceCNIVersion": "no counterpart: every network keeps its own cniVersion",
    "overrideNetworkName": "no counterpart: give genie's netconf the name of the default network by hand",
}
"""By field. Not here: what is converted, and what genie does anyway (retryDeleteOnError)."""


def notes_on(config: Mapping[str, Any], conf_dir: str) -> Iterator[str]:
    """``FIELD: TEXT`` of every field that needs a word, equal texts together."""
    texts: dict[str, list[str]] = {}
    for field, text in NOTES.items():
        if config.get(field):
            texts.setdefault(text, []).append(field)
    for text, fields in texts.items():
        yield f"{', '.join(fields)}: {text}"
    if config.get("confDir", conf_dir) != conf_dir:
        yield f"confDir: copy the configurations of {config['confDir']} to {conf_dir}, the agent's confDir"
    if config.get("binDir") and config["binDir"] not in BIN_DIRS:
        yield f"binDir: add {config['binDir']} to the agent's binDirs"
    if not config.get("kubeconfig"):
        yield "kubeconfig: none is given: the agent reaches the cluster by its own settings (docs/node.md)"
    unknown = sorted(config.keys() - FIELDS.keys())
    if unknown:
        yield f"{', '.join(unknown)}: no known field of Multus, left out"
