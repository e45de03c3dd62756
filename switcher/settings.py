"""The controller's settings: one YAML file, parsed once, frozen, every problem reported together."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationError, model_validator

from switcher.errors import BadInputError, Problem
from switcher.keeping import Keep
from switcher.objects import yamltree
from switcher.objects.base import Strictly
from switcher.objects.complaints import complaints
from switcher.objects.values import Currency, Name, PositiveDuration, Rate, Text, wrong

UNIX = "unix:"
LEAST_SAMPLES = timedelta(hours=1)
LEAST_MOVES = timedelta(days=1)


def _socket(value: str) -> str:
    if not value.startswith(f"{UNIX}/"):
        raise wrong("socket", "must be a unix socket with its whole path, like unix:/run/genie/agent.sock")
    return value


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if value.startswith(f"{UNIX}/") or (host and not value.startswith(UNIX) and port.isdigit() and int(port) < 65536):
        return value
    raise wrong("address", "must be unix:/path or host:port, like unix:/run/switcher/switcher.sock or 127.0.0.1:8080")


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value else value


def _database(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql")):
        raise wrong("database", "must be a database's URL, like sqlite:////var/lib/switcher/history.db")
    return value


FilePath = Annotated[Path, BeforeValidator(_path)]
SocketAddress = Annotated[str, Strict(), AfterValidator(_socket)]
ListenAddress = Annotated[str, Strict(), AfterValidator(_address)]
DatabaseUrl = Annotated[str, Strict(), AfterValidator(_database)]


class KeepSettings(Strictly):
    """For how long the history is kept at least; what bills still need stays longer (docs/history.md)."""

    samples: PositiveDuration = Keep.samples
    minutes: PositiveDuration = Keep.minutes
    fives: PositiveDuration = Keep.fives
    hours: PositiveDuration = Keep.hours
    decisions: PositiveDuration = Keep.decisions
    moves: PositiveDuration = Keep.moves

    @model_validator(mode="after")
    def _coarser_is_longer(self) -> KeepSettings:
        lengths = (self.samples, self.minutes, self.fives, self.hours)
        if any(coarser < finer for finer, coarser in pairwise(lengths)):
            raise wrong("keep", "must not grow shorter from samples over minutes and fives to hours")
        if self.samples < LEAST_SAMPLES:
            raise wrong("keep", "samples must be kept for an hour at least")
        if self.moves < LEAST_MOVES:
            raise wrong("keep", "moves must be kept for a day at least: cooldowns and budgets count them")
        return self

    @property
    def keep(self) -> Keep:
        """The same for the program."""
        return Keep(**dict(self))


class ControllerSettings(Strictly):
    """What ``switcher run --config`` takes. Relative paths count from where the command is started."""

    database: DatabaseUrl
    objects: tuple[FilePath, ...] = Field(min_length=1)
    """Files and directories with tariffs, thresholds and policies; reread when they change."""
    listen: ListenAddress = "unix:/run/switcher/switcher.sock"
    token_file: FilePath | None = None
    """Agents must send the token in it; without, whoever may open the unix socket may send."""
    nodes: dict[Name, SocketAddress] = Field(default_factory=dict)
    """The agents' sockets, by node."""
    tick: PositiveDuration = timedelta(seconds=30)
    window: PositiveDuration = timedelta(seconds=30)
    """Loads are means over this time."""
    stale_after: PositiveDuration = timedelta(minutes=10)
    settlement_currency: Currency | None = None
    """Default: the only currency of the tariffs."""
    new_demand: Rate = 1e6
    """What a new workload is expected to carry at least."""
    keep: KeepSettings = KeepSettings()
    description: Text | None = None


def load_settings(path: Path) -> ControllerSettings:
    """The settings in a file. Raises BadInputError with every problem, each with its line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
        hint = "name the settings with --config or SWITCHER_CONFIG"
        raise BadInputError([Problem(str(path), 0, "", f"cannot be read: {reason}; {hint}")]) from error
    documents, problems = yamltree.read(text, str(path))
    if problems or len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise BadInputError(problems or [Problem(str(path), 0, "", "must hold one mapping of settings")])
    try:
        settings = ControllerSettings.model_validate(documents[0].data)
    except ValidationError as error:
        raise BadInputError(complaints(error, ControllerSettings, documents[0])) from error
    if settings.token_file is None and not settings.listen.startswith(UNIX):
        text = "listening on a TCP address needs a tokenFile: any local user could send samples otherwise"
        raise BadInputError([documents[0].problem(("listen",), text)])
    return settings
