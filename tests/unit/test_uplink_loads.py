"""The load of uplinks by the node's own samples: a mean of the last seconds, never zero for want of a sample."""

from __future__ import annotations

import pytest

from cni.sense.uplinks import UplinkLoad, UplinkLoads
from cni.wire import UplinkSample


def sample(start: float, into: float = 0.0, out: float = 0.0, seconds: float = 1.0, name: str = "p") -> UplinkSample:
    """Rates in Mbps."""
    return UplinkSample(
        physical_network=name,
        start=start,
        seconds=seconds,
        in_bytes=int(into * 125_000 * seconds),
        out_bytes=int(out * 125_000 * seconds),
        capacity_bps=100e6,
    )


def loads(*samples: UplinkSample, now: float) -> dict[str, UplinkLoad]:
    seen = UplinkLoads()
    for one in samples:
        seen.add([one])
    return dict(seen.loads(now))


def test_the_larger_direction_counts() -> None:
    assert loads(sample(0, into=10, out=30), now=1)["p"] == UplinkLoad(used_bps=30e6, capacity_bps=1e8, sampled_at=1)


def test_it_is_the_mean_of_ten_seconds_not_of_the_last_one() -> None:
    quiet = [sample(second) for second in range(20)]
    assert loads(*quiet, sample(20, into=90), now=21)["p"].used_bps == pytest.approx(9e6)


def test_what_was_never_sampled_has_no_load() -> None:
    assert loads(sample(0, name="q"), now=1).keys() == {"q"}


@pytest.mark.parametrize(
    ("seconds", "waited", "believed"),
    [
        pytest.param(1, 29, True, id="fresh"),
        pytest.param(1, 31, False, id="old"),
        pytest.param(1, -29, True, id="the clock slewed"),
        pytest.param(1, -3600, False, id="the clock was set back"),
        pytest.param(60, 119, True, id="taken rarely"),
        pytest.param(60, 121, False, id="taken rarely, and old"),
        pytest.param(3600, 149, True, id="the first after a long absence"),
        pytest.param(3600, 151, False, id="which is not believed for hours"),
    ],
)
def test_a_sample_is_believed_for_a_while(seconds: float, waited: float, believed: bool) -> None:
    assert bool(loads(sample(0, seconds=seconds), now=seconds + waited)) is believed


def test_a_long_sample_of_the_past_does_not_blur_a_new_one() -> None:
    assert loads(sample(0, into=90, seconds=600), sample(600, into=1), now=601)["p"].used_bps == pytest.approx(1e6)
