"""``switcher replay``: decides a past tick again from its record, and says whether it agrees."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from switcher.bootstrap import open_history
from switcher.commands.options import DEFAULT_CONFIG, AsJson, ConfigFile
from switcher.commands.tables import written_time
from switcher.errors import SwitcherError
from switcher.objects.rows import read_moment
from switcher.ports import RecordedDecision
from switcher.replay import Verdict
from switcher.replay import replay as decided_again
from switcher.settings import load_settings

SHOWN = 20
"""Differences that are listed for people; ``--json`` has them all."""


def replay(
    at: Annotated[str | None, typer.Option(help="RFC 3339 time: the last tick by then; default: the last.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Decide a past tick again from its record alone, and say whether the answer is the same (exit 1 when not).

    Example: switcher replay --at 2026-12-01T12:00:00Z
    """
    moment = None if at is None else read_moment(at, "--at")
    recorded = open_history(load_settings(config).database).decision(moment)
    if recorded is None:
        raise SwitcherError("nothing was decided yet" if moment is None else f"nothing was decided at or before {at}")
    verdict = decided_again(recorded)
    if as_json:
        typer.echo(json.dumps(_object(recorded, verdict), indent=2))
    else:
        typer.echo("\n".join(_lines(recorded, verdict)))
    if not verdict.agrees:
        raise typer.Exit(1)


def _object(recorded: RecordedDecision, verdict: Verdict) -> dict[str, object]:
    return {
        "decided": written_time(verdict.at),
        "agrees": verdict.agrees,
        "moves": len(verdict.recorded.moves),
        "stays": len(verdict.recorded.stays),
        "hash": recorded.hash,
        "inputs_hash": recorded.inputs_hash,
        "versions": {"then": dict(verdict.then), "now": dict(verdict.now)},
        "differences": [
            {"workload": one.workload, "recorded": one.recorded, "now": one.now} for one in verdict.differences
        ],
    }


def _lines(recorded: RecordedDecision, verdict: Verdict) -> list[str]:
    moves, stays = len(verdict.recorded.moves), len(verdict.recorded.stays)
    said = "agrees" if verdict.agrees else f"DIFFERS for {len(verdict.differences)}"
    lines = [f"decided {verdict.at:%Y-%m-%dT%H:%M:%S.%fZ}: {moves} moves, {stays} stays; decided again it {said}"]
    lines += [f"record {recorded.hash}, inputs {recorded.inputs_hash}"]
    lines += [
        f"made with another {name}: {then or 'none'} then, {now or 'none'} now"
        for name, (then, now) in verdict.other_versions.items()
    ]
    for one in verdict.differences[:SHOWN]:
        lines.append(f"{one.workload}\n  record: {one.recorded or 'nothing'}\n  now:    {one.now or 'nothing'}")
    left = len(verdict.differences) - SHOWN
    return [*lines, f"and {left} more; --json lists all"] if left > 0 else lines
