"""Objects in files: reread when they change, refused whole, the last good ones stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from switcher.adapters.files import ObjectFiles
from switcher.controller import object_files
from switcher.errors import BadInputError
from switcher.meters import Meters
from tests.support.memory_history import MemoryHistory

THRESHOLD = """\
apiVersion: switcher.genie.io/v1alpha1
kind: CongestionThreshold
metadata: {{name: all}}
spec: {{fill: "{fill}", shed: "0.85"}}
"""
POLICY = """\
apiVersion: switcher.genie.io/v1alpha1
kind: SwitchPolicy
metadata: {name: all}
spec: {candidates: [internet-a]}
"""


class Heard:
    """What was said of the files, in order."""

    def __init__(self) -> None:
        self.said: list[bool] = []

    def __call__(self, valid: bool) -> None:
        self.said.append(valid)


def write(directory: Path, fill: str) -> None:
    (directory / "threshold.yaml").write_text(THRESHOLD.format(fill=fill))


def fill(files: ObjectFiles) -> str:
    return str(files.book().threshold_for("phynet0").fill)


def test_a_changed_file_is_reread(tmp_path: Path) -> None:
    write(tmp_path, "0.70")
    files = ObjectFiles([tmp_path], Heard())
    write(tmp_path, "0.5")
    assert fill(files) == "0.5"


def test_files_in_directories_below_count_too(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write(tmp_path / "below", "0.70")
    files = ObjectFiles([tmp_path], Heard())
    write(tmp_path / "below", "0.5")
    assert fill(files) == "0.5"


def test_a_wrong_change_is_refused_and_the_last_good_stays_until_it_is_mended(tmp_path: Path) -> None:
    write(tmp_path, "0.70")
    heard = Heard()
    files = ObjectFiles([tmp_path], heard)
    write(tmp_path, "0.90")
    assert fill(files) == "0.70"
    write(tmp_path, "0.60")
    assert fill(files) == "0.60"
    assert heard.said == [True, False, True]


def test_files_that_vanish_are_no_permission_to_forget(tmp_path: Path) -> None:
    write(tmp_path, "0.60")
    files = ObjectFiles([tmp_path], Heard())
    (tmp_path / "threshold.yaml").unlink()
    assert fill(files) == "0.60"


def test_wrong_files_at_the_start_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "0.90")
    with pytest.raises(BadInputError, match="must be above fill"):
        ObjectFiles([tmp_path], Heard())


def test_a_policy_that_names_an_unknown_network_is_refused_until_a_node_has_it(tmp_path: Path) -> None:
    known = {"cni:internet-b"}
    write(tmp_path, "0.70")
    files = ObjectFiles([tmp_path], Heard(), lambda: known)
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert files.book().policies == ()
    known.add("cni:internet-a")
    assert [policy.name for policy in files.book().policies] == ["all"]


def test_the_history_of_a_controller_has_every_version_that_was_in_force(tmp_path: Path) -> None:
    write(tmp_path, "0.70")
    history = MemoryHistory()
    files = object_files([tmp_path], history, Meters())
    versions = []
    for value in ("0.70", "0.5", "1.5"):
        write(tmp_path, value)
        assert fill(files) == ("0.70" if value == "0.70" else "0.5")  # the last is refused
        versions.append([stored.document["spec"]["fill"] for stored in history.objects()])
    assert versions == [["0.70"], ["0.5"], ["0.5"]]
