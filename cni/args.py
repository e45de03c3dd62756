"""CNI_ARGS, and the annotations that come in them outside Kubernetes. Pure.

Source: CNI conventions (``CNI_ARGS``, ``IgnoreUnknown``); CNI-Genie for ``K8S_ANNOT``, a JSON object of annotations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from cni import jsontext
from cni.protocol import CniError, Code

ANNOTATIONS_ARG = "K8S_ANNOT"

FOR_ONE_NETWORK = ("IP", "MAC")
"""What asks one network for something, which another must not be asked for too."""

KNOWN_ARGS = frozenset(
    {
        "IgnoreUnknown",
        "IP",
        "MAC",
        "K8S_POD_NAME",
        "K8S_POD_NAMESPACE",
        "K8S_POD_INFRA_CONTAINER_ID",
        "K8S_POD_UID",
        ANNOTATIONS_ARG,
    }
)


def parse_args(text: str) -> dict[str, str]:
    """CNI_ARGS, ``K=V;K2=V2``. Raises CniError 4 when malformed, or a key is unknown and IgnoreUnknown is not set.

    ``K8S_ANNOT`` holds a JSON object, in which ``;`` and ``=`` are ordinary: its value reaches from the ``{`` after the
    ``=`` to the matching ``}``, and ``;`` or the end must follow.
    """
    found: dict[str, str] = {}
    rest = text
    while rest:
        key, equals, after = rest.partition("=")
        if not equals or not key or ";" in key:
            raise CniError(Code.INVALID_ENVIRONMENT, "CNI_ARGS: invalid pair", rest.split(";")[0])
        if key == ANNOTATIONS_ARG and after.lstrip().startswith("{"):
            found[key], rest = _json_value(after.lstrip())
            continue
        value, _, rest = after.partition(";")
        if "=" in value:
            raise CniError(Code.INVALID_ENVIRONMENT, "CNI_ARGS: invalid pair", f"{key}={value}")
        found[key] = value
    unknown = sorted(set(found) - KNOWN_ARGS)
    if unknown and not _ignores_unknown(found):
        raise CniError(Code.INVALID_ENVIRONMENT, "CNI_ARGS: unknown args", ", ".join(unknown))
    return found


def delegate_args(args: Mapping[str, str], requested: Mapping[str, str] | None = None, *, first: bool = True) -> str:
    """CNI_ARGS for the delegates: all but the annotations, which their parsers cannot read, and what was requested.

    An address or MAC that the runtime names is for the ``first`` network alone.
    """
    dropped = {ANNOTATIONS_ARG, "IgnoreUnknown"} if first else {ANNOTATIONS_ARG, "IgnoreUnknown", *FOR_ONE_NETWORK}
    kept = {key: value for key, value in args.items() if key not in dropped}
    # What comes to us is unknown to most plugins: they ignore it, whatever the runtime says.
    ignoring = {"IgnoreUnknown": args["IgnoreUnknown"] if _ignores_unknown(args) else "1"}
    return ";".join(f"{key}={value}" for key, value in {**ignoring, **kept, **(requested or {})}.items())


def workload_of(args: Mapping[str, str], container_id: str) -> str:
    """``namespace/pod``, or the container's id outside Kubernetes."""
    name = args.get("K8S_POD_NAME")
    return f"{namespace_of(args)}/{name}" if name else container_id


def who_asks(text: str, container_id: str) -> tuple[str, str]:
    """What an error is about: ``pod`` and ``namespace/name``, else ``container`` and its id.

    As far as CNI_ARGS can be read at all: they may be what the error is about.
    """
    try:
        args = parse_args(text)
    except CniError:
        args = dict(pair.split("=", 1) for pair in text.split(";") if "=" in pair)
    name = workload_of(args, container_id)
    return ("container", name) if name == container_id else ("pod", name)


def namespace_of(args: Mapping[str, str]) -> str:
    """The pod's namespace; ``default`` where none is given."""
    return args.get("K8S_POD_NAMESPACE") or "default"


def annotations_of(args: Mapping[str, str]) -> dict[str, str] | None:
    """The annotations in ``K8S_ANNOT``; None when there are none.

    Raises CniError when they are not an object of strings.
    """
    text = args.get(ANNOTATIONS_ARG)
    if text is None:
        return None
    try:
        content = jsontext.parse(text or "{}")
    except ValueError as error:
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: {ANNOTATIONS_ARG} is not JSON", str(error)) from error
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: {ANNOTATIONS_ARG} must be an object of strings")
    return content


def _ignores_unknown(args: Mapping[str, str]) -> bool:
    return args.get("IgnoreUnknown", "").lower() in ("1", "true")


def _json_value(text: str) -> tuple[str, str]:
    """The JSON object that ``text`` begins with, and what follows its ``;``."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: {ANNOTATIONS_ARG} is not JSON", str(error)) from error
    after = text[end:].lstrip()
    if after and not after.startswith(";"):
        raise CniError(Code.INVALID_ENVIRONMENT, f"CNI_ARGS: text after {ANNOTATIONS_ARG}", after.split(";")[0])
    return text[:end], after[1:]
