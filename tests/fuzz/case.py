"""One request as bytes, ready to be sent, and as a file that reproduces it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cni.wire import KIND_CNI
from tests.fuzz.documents import Tree, content

DAMAGED = ("stdin", "args", "conf", "object", "frame")
"""The parts of a request that can be damaged bytewise."""
MAX_FILE_NAME = 100


@dataclass(frozen=True)
class Damage:
    """What happens to the bytes of a part; ``place`` counts round the part's end."""

    part: str
    kind: str
    place: int
    data: bytes

    def done_to(self, whole: bytes) -> bytes:
        """The bytes afterwards."""
        at = self.place % (len(whole) + 1)
        match self.kind:
            case "put":
                return whole[:at] + self.data + whole[at:]
            case "lose":
                return whole[:at] + whole[at + len(self.data) :]
            case "double":
                return whole[:at] + whole[max(0, at - 8 * len(self.data)) : at] + whole[at:]
            case "cut":
                return whole[:at]
            case _:
                return whole[:at] + bytes(byte ^ self.data[0] for byte in whole[at : at + 1]) + whole[at + 1 :]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request and what it finds. Texts of the environment hold bytes that are no UTF-8 as surrogates."""

    env: Mapping[str, str]
    stdin: bytes
    confs: Mapping[str, bytes] = field(default_factory=dict)
    objects: Mapping[str, bytes] = field(default_factory=dict)
    before: bool = False
    """The container is attached already, by ``corpus.BEFORE``."""
    binary: bool = False
    """By the real ``genie``, not by a frame of our own."""
    damage: Damage | None = None
    """Of the whole frame."""

    @property
    def command(self) -> str:
        """CNI_COMMAND."""
        return self.env.get("CNI_COMMAND", "")

    def body(self) -> bytes:
        """The frame's body, damaged where it is to be."""
        entries = b"".join(_bytes(f"{key}={value}") + b"\0" for key, value in self.env.items())
        whole = KIND_CNI + entries + b"\0" + self.stdin
        return whole if self.damage is None else self.damage.done_to(whole)

    def placed(self, words: Mapping[str, str]) -> Case:
        """With real names in place of ``@DIR@`` and its like."""
        return replace(
            self,
            env={_filled(key, words): _filled(value, words) for key, value in self.env.items()},
            stdin=_filled_bytes(self.stdin, words),
            confs={name: _filled_bytes(data, words) for name, data in self.confs.items()},
            objects={name: _filled_bytes(data, words) for name, data in self.objects.items()},
        )

    def save(self, file: Path, why: str) -> None:
        """Keep it, with what is wrong about it."""
        shown = {
            "why": why,
            "env": {key: _shown(_bytes(value)) for key, value in self.env.items()},
            "stdin": _shown(self.stdin),
            "confs": {name: _shown(data) for name, data in self.confs.items()},
            "objects": {name: _shown(data) for name, data in self.objects.items()},
            "before": self.before,
            "binary": self.binary,
        }
        if self.damage is not None:
            shown["damage"] = {**vars(self.damage), "data": _shown(self.damage.data)}
        file.write_text(json.dumps(shown, indent=1) + "\n")


def load(file: Path) -> Case:
    """A case that was saved."""
    shown: dict[str, Any] = json.loads(file.read_text())
    hurt = shown.get("damage")
    return Case(
        env={key: _read(value).decode("utf-8", "surrogateescape") for key, value in shown["env"].items()},
        stdin=_read(shown["stdin"]),
        confs={name: _read(data) for name, data in shown["confs"].items()},
        objects={name: _read(data) for name, data in shown["objects"].items()},
        before=shown["before"],
        binary=shown["binary"],
        damage=None if hurt is None else Damage(**{**hurt, "data": _read(hurt["data"])}),
    )


def rendered(
    request: Tree, damage: Sequence[Damage] = (), yaml: bytes | None = None, order: Sequence[str] = (), *, binary: bool
) -> Case:
    """The tree as bytes. ``order``: of CNI_ARGS; ``yaml``: one more file of objects."""
    hurt = {each.part: each for each in damage}
    env = {_word(key): _word(value) for key, value in _items(request.get("env"))}
    args = _args(request, order)
    if args or "args" in request:
        env["CNI_ARGS"] = _text(_hurt(hurt, "args", _bytes(args)))
    objects = _files(request.get("objects"), hurt, "object")
    if yaml is not None:
        objects["odd.yaml"] = yaml
    return Case(
        env=env,
        stdin=_hurt(hurt, "stdin", content(request.get("netconf", ""))),
        confs=_files(request.get("confs"), hurt, "conf"),
        objects=objects,
        before=bool(request.get("before")),
        binary=binary,
        damage=hurt.get("frame"),
    )


def _args(request: Tree, order: Sequence[str]) -> str:
    args = request.get("args")
    if not isinstance(args, dict):
        return "" if args is None else _word(args)
    keys = [*order, *(key for key in args if str(key) not in order)]
    pairs = [f"{_word(key)}={_word(args[key])}" for key in keys if key in args]
    if "annotations" in request:
        pairs.append(f"K8S_ANNOT={_word(request['annotations'])}")
    return ";".join(pairs)


def _files(tree: Tree, hurt: Mapping[str, Damage], part: str) -> dict[str, bytes]:
    files = {}
    for key, value in _items(tree):
        name = _word(key).replace("/", "_").encode("utf-8", "ignore")[:MAX_FILE_NAME].decode("utf-8", "ignore")
        if name.strip("."):
            files[name] = content(value)
    if files and part in hurt:
        first = min(files)
        files[first] = _hurt(hurt, part, files[first])
    return files


def _items(tree: Tree) -> list[tuple[Any, Any]]:
    return list(tree.items()) if isinstance(tree, dict) else []


def _hurt(hurt: Mapping[str, Damage], part: str, data: bytes) -> bytes:
    return hurt[part].done_to(data) if part in hurt else data


def _word(tree: Tree) -> str:
    """As text for an environment, which cannot hold zeros."""
    data = content(tree)
    return _text(data.replace(b"\0", b""))


def _text(data: bytes) -> str:
    return data.replace(b"\0", b"").decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text


def _filled_bytes(data: bytes, words: Mapping[str, str]) -> bytes:
    for word, meant in words.items():
        data = data.replace(word.encode(), meant.encode())
    return data


def _shown(data: bytes) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _read(shown: Any) -> bytes:
    return base64.b64decode(shown["base64"]) if isinstance(shown, dict) else shown.encode()
