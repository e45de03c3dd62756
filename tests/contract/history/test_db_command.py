"""``switcher db``: create, upgrade, check, count, prune."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import head
from switcher.commands.db import db
from switcher.commands.tables import written_time
from switcher.errors import BadInputError, SwitcherError
from tests.support.batches import at, batch, uplink


def run(*words: str) -> str:
    """What the command prints; its error is raised."""
    done = CliRunner().invoke(db, list(words))
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_upgrade_creates_what_check_then_finds_sound(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    with pytest.raises(SwitcherError, match="run `switcher db upgrade`"):
        run("check", "--url", url)
    assert json.loads(run("upgrade", "--url", url, "--json")) == {"database": url, "revision": head()}
    assert json.loads(run("check", "--url", url, "--json")) == {
        "database": url,
        "revision": head(),
        "sound": True,
        "problems": [],
    }


def test_the_database_may_come_from_the_controllers_settings(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    settings = tmp_path / "config.yaml"
    settings.write_text(f"database: {url}\nobjects: [{tmp_path}]\n")
    run("upgrade", "--config", str(settings))
    assert "True" in run("check", "--config", str(settings))


def test_check_notices_a_damaged_file(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    history = SqlHistory.open(sqlite_url)
    for n in range(1, 60):
        history.ingest(batch(n, uplinks=tuple(uplink(n, 1, 1, 1, physical_network=f"p{k}") for k in range(50))))
    history.close()
    with file.open("r+b") as damaged:
        damaged.seek(file.stat().st_size // 2)
        damaged.write(b"\xff" * 4096)
    with pytest.raises(SwitcherError):
        run("check", "--url", sqlite_url)


def test_check_notices_a_row_that_refers_to_nothing(sqlite_url: str) -> None:
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as other:
        other.execute("INSERT INTO uplink_hours VALUES (99, 0, 1, 1, 1, 0)")
    other.close()
    with pytest.raises(SwitcherError, match="uplink_hours refers to a row of uplinks"):
        run("check", "--url", sqlite_url)


def test_stats_count_rows_samples_and_agents(sqlite_url: str) -> None:
    history = SqlHistory.open(sqlite_url)
    history.ingest(batch(3, sent=9, uplinks=(uplink(0, 1, 1, 1), uplink(1, 1, 1, 1))))
    history.ingest(batch(5, sent=10))
    history.close()
    found = json.loads(run("stats", "--url", sqlite_url, "--json"))
    assert found["rows"]["uplink_samples"] == 2
    assert (found["oldest_sample"], found["newest_sample"]) == (written_time(at(0)), written_time(at(2)))
    assert found["size_bytes"] > 50_000
    assert found["agents"] == [
        {
            "identity": "n1/aaaa",
            "node": "n1",
            "last_sequence": 5,
            "gaps": 1,
            "missed": 1,
            "last_seen": written_time(at(10)),
        }
    ]
    assert "n1/aaaa\tn1\t5\t1\t1" in run("stats", "--url", sqlite_url)


def test_prune_deletes_old_samples_and_says_how_many(sqlite_url: str) -> None:
    history = SqlHistory.open(sqlite_url)
    history.ingest(batch(1, uplinks=(uplink(-10 * 365 * 86_400, 1, 1, 1),)))
    history.close()
    assert json.loads(run("prune", "--keep", "3650d", "--url", sqlite_url, "--json"))["deleted"] == 1
    with pytest.raises(BadInputError, match="--keep: 'soon' must be a duration like 90s"):
        run("prune", "--keep", "soon", "--url", sqlite_url)
    with pytest.raises(BadInputError, match="--keep: '9999999d' is absurdly long"):
        run("prune", "--keep", "9999999d", "--url", sqlite_url)


def test_who_may_only_read_is_told_what_is_needed() -> None:
    """As another user where the tests run as root; the program is loaded before."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "history.db")
        run("upgrade", "--url", f"sqlite:///{file}")
        file.chmod(0o444)
        Path(name).chmod(0o555)
        script = (
            "import os\nfrom switcher.adapters.store.history import SqlHistory as History\n"
            "if os.geteuid() == 0:\n    os.setgroups([])\n    os.setresuid(65534, 65534, 65534)\n"
            f"History.open('sqlite:///{file}')"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        Path(name).chmod(0o755)
    assert done.returncode == 1
    assert f"(whoever reads it must be allowed to write {file} and its directory too)" in done.stderr
