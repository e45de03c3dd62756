"""A hundred pods one after the other, in ten rows, and thirty at once with three interfaces each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.administrator import Administrator
from tests.support.cluster import pod
from tests.support.cluster.component import until
from tests.support.cluster.site import Site

ROWS, IN_A_ROW = 10, 10
AT_ONCE = [f"p{number}" for number in range(30)]
AT_ONCE_SECONDS = 60.0


@pytest.fixture
def admin(site: Site) -> Iterator[Administrator]:
    """Who makes pods faster than ``kubectl`` could."""
    made = Administrator(site.cluster.api)
    yield made
    made.close()


def test_a_hundred_in_a_row(site: Site, admin: Administrator) -> None:
    with ThreadPoolExecutor(ROWS) as rows:
        addresses = [address for row in rows.map(lambda row: in_a_row(admin, row), range(ROWS)) for address in row]
    assert len(addresses) == ROWS * IN_A_ROW
    assert site.genie.failures("ADD") == []
    assert site.genie.failures("DEL") == []


def in_a_row(admin: Administrator, row: int) -> list[str]:
    """The addresses of pods each of which comes when the one before is gone."""
    addresses = []
    for number in range(IN_A_ROW):
        manifest = pod(f"r{row}-{number}")
        admin.apply(manifest)
        until(lambda manifest=manifest: is_ready(admin.read(manifest)), f"pod {number} of row {row} is ready", 60)
        addresses.append(admin.read(manifest)["status"]["podIP"])
        admin.delete(manifest, grace_seconds=5)
        until(lambda manifest=manifest: admin.find(manifest) is None, f"pod {number} of row {row} is gone", 60)
    return addresses


def test_thirty_at_once(site: Site) -> None:
    began = time.monotonic()
    pods = site.start(*(pod(name, annotations={"cni": "pods,blue,red"}) for name in AT_ONCE), seconds=AT_ONCE_SECONDS)
    assert time.monotonic() - began < AT_ONCE_SECONDS
    assert len({each["status"]["podIP"] for each in pods}) == len(AT_ONCE)
    assert len(site.cluster.traces()["leases"]) == 3 * len(AT_ONCE)
    site.reach(AT_ONCE[0], AT_ONCE[-1])
    site.remove(*AT_ONCE)


def is_ready(found: dict[str, Any]) -> bool:
    conditions = found["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
