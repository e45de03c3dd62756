"""Objects in files: reread when they change, refused whole, the last good ones stay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from switcher.adapters.files import ObjectFiles
from switcher.controller import object_files
from switcher.errors import BadInputError
from switcher.meters import Meters
from switcher.objects.load import load
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


def recorded(directory: Path) -> tuple[ObjectFiles, MemoryHistory]:
    """A controller's files and its history, after a first look."""
    history = MemoryHistory()
    files = object_files([directory], history, Meters())
    files.book()
    return files, history


def known(history: MemoryHistory) -> list[str]:
    return [stored.kind for stored in history.objects()]


def test_an_object_that_is_taken_out_of_the_files_is_removed_from_the_history(tmp_path: Path) -> None:
    write(tmp_path, "0.60")
    (tmp_path / "policy.yaml").write_text(POLICY)
    files, history = recorded(tmp_path)
    assert known(history) == ["CongestionThreshold", "SwitchPolicy"]
    (tmp_path / "policy.yaml").unlink()
    assert files.book().policies == ()
    assert known(history) == ["CongestionThreshold"]


def test_what_was_removed_while_no_controller_ran_is_noted_when_one_starts(tmp_path: Path) -> None:
    write(tmp_path, "0.60")
    (tmp_path / "policy.yaml").write_text(POLICY)
    _, history = recorded(tmp_path)
    (tmp_path / "policy.yaml").unlink()
    object_files([tmp_path], history, Meters()).book()
    assert known(history) == ["CongestionThreshold"]


@pytest.mark.parametrize("emptied", ["", "# to be filled in\n"])
def test_files_that_hold_nothing_for_a_moment_remove_nothing(tmp_path: Path, emptied: str) -> None:
    """As when an editor empties the file before it writes it."""
    write(tmp_path, "0.60")
    files, history = recorded(tmp_path)
    (tmp_path / "threshold.yaml").write_text(emptied)
    assert fill(files) == "0.60"
    object_files([tmp_path], history, Meters()).book()  # and a controller that starts at that moment
    assert known(history) == ["CongestionThreshold"]
    write(tmp_path, "0.50")
    assert fill(files) == "0.50"


def test_a_directory_that_cannot_be_read_for_a_moment_removes_nothing() -> None:
    with readable_by_all() as directory:
        below = directory / "below"
        below.mkdir()
        write(directory, "0.60")
        (below / "policy.yaml").write_text(POLICY)
        with unprivileged():
            files, history = recorded(directory)
        for closed in (below, directory):
            closed.chmod(0)
            with unprivileged():
                assert len(files.book().policies) == 1
                with pytest.raises(BadInputError, match=f"{closed}: cannot be read: Permission denied"):
                    load([directory])
            closed.chmod(0o755)
        with unprivileged():
            assert len(files.book().policies) == 1
        assert known(history) == ["CongestionThreshold", "SwitchPolicy"]


def test_a_link_to_a_file_that_is_not_there_for_a_moment_removes_nothing(tmp_path: Path) -> None:
    """As where a volume's files are links into a directory that is exchanged."""
    inside, outside = tmp_path / "objects", tmp_path / "data"
    for directory in (inside, outside):
        directory.mkdir()
    write(inside, "0.60")
    (outside / "policy.yaml").write_text(POLICY)
    (inside / "policy.yaml").symlink_to(outside / "policy.yaml")
    files, history = recorded(inside)
    (outside / "policy.yaml").rename(outside / "moved.yaml")
    assert len(files.book().policies) == 1
    assert known(history) == ["CongestionThreshold", "SwitchPolicy"]
    (inside / "policy.yaml").unlink()
    assert files.book().policies == ()


@contextmanager
def readable_by_all() -> Iterator[Path]:
    """A directory that other users reach, as those of tests are not."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything, also what is closed to it."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


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
