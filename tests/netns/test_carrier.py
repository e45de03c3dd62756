"""Whether an uplink is there and up, asked of a real kernel."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from cni.kernel.carrier import carriers
from tests.support.netns import this_thread_in
from tests.support.node import run

pytestmark = pytest.mark.netns

LONG = "enp0s31f6np0v99"


@pytest.fixture
def here() -> Iterator[str]:
    """A namespace with the links a (one letter) and LONG (fifteen), both up, their other ends in it too."""
    name = f"k-{uuid.uuid4().hex[:8]}"
    run("ip", "netns", "add", name)
    for link in ("a", LONG):
        run("ip", "-n", name, "link", "add", "name", link, "type", "veth", "peer", f"far{len(link)}")
        for end in (link, f"far{len(link)}"):
            run("ip", "-n", name, "link", "set", "dev", end, "up")
    with this_thread_in(name):
        yield name
    run("ip", "netns", "del", name)


def test_links_of_any_length_are_found_and_those_that_are_not_there_are_not(here: str) -> None:
    assert carriers(["a", LONG, "b", LONG + "x", "lo"]) == {
        "a": True, LONG: True, "b": False, LONG + "x": False, "lo": False,
    }  # fmt: skip
    assert carriers([]) == {}
    run("ip", "-n", here, "link", "del", "dev", "a")
    assert carriers(["a"]) == {"a": False}


@pytest.mark.parametrize("end", ["a", "far1"], ids=["set down", "without carrier"])
def test_a_link_that_is_down_at_either_end_carries_nothing(here: str, end: str) -> None:
    run("ip", "-n", here, "link", "set", "dev", end, "down")
    assert carriers(["a", LONG]) == {"a": False, LONG: True}
