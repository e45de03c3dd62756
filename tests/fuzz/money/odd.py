"""Values that nearly belong where they are put in a price list or a row, and some that belong nowhere."""

from __future__ import annotations

from tests.fuzz.documents import Pairs, Raw, Tree

NUMBERS: tuple[Tree, ...] = (
    *("0", "1", "-1", "0.1", "1000000000000000", "9999999999999999", "0.000000000000000000000000000000001"),
    *(
        "1e30",
        "1e-30",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        "1_000",
        "1,5",
        "0x10",
        "",
        " 1 ",
        "+1",
        ".5",
        "5.",
    ),
    *("1" * 39, "1" * 41, "1" * 100_000, "0." + "3" * 37, "-0", "٣", "١٫٥", "1\n", "½"),
    *(0, 1, -1, 1.5, 1e30, True, None, 10**30, Raw(b".nan"), Raw(b".inf"), Raw(b"1e999"), Raw(b"1_0"), Raw(b"010")),
)
TIMES: tuple[Tree, ...] = (
    *("2026-12-01T00:00:00Z", "2026-12-10T06:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-12-15T00:00:00.000001Z"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"),
    *("1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01"),
    *("2026-12-01T00:00:00", "2026-12-01T00:00:60Z", "2026-12-01T00:00:00+25:00", "2026-12-01 00:00:00z", "now", ""),
    *(20261201, 1.5, None, Raw(b"2026-12-01T00:00:00Z"), Raw(b"2026-12-01"), "٢٠٢٦-12-01T00:00:00Z"),
)
CLOCKS: tuple[Tree, ...] = ("00:00", "24:00", "06:00", "22:00", "23:59", "25:00", "6:00", Raw(b"22:00"), "02:30", "", 7)
TIERS: tuple[Tree, ...] = (
    *([], [{}], [{"price": "1"}], [{"upTo": "1", "price": "1"}], [{"price": "1"}, {"price": "2"}], {}, "x", None),
    [{"upTo": "2", "price": "1"}, {"upTo": "1", "price": "1"}, {"price": "0"}],
    [{"upTo": "1", "price": "1"}, {"upTo": "1", "price": "1"}, {"price": "0"}],
    [{"upTo": "0.000000000000000000000000000001", "price": "1000000000000000"}, {"price": "0"}],
    [*({"upTo": str(number), "price": "1"} for number in range(1, 400)), {"price": "0"}],
    [*({"upTo": str(number), "price": "1"} for number in range(1, 1200)), {"price": "0"}],
)
SCHEDULES: tuple[Tree, ...] = (
    *([], {}, "x", [{}], [{"from": "22:00", "to": "06:00", "multiply": "0"}], [{"from": "00:00", "to": "24:00"}]),
    [{"from": "22:00", "to": "22:00", "price": "1"}],
    [{"from": "24:00", "to": "06:00", "price": "1"}],
    [{"days": [], "from": "02:00", "to": "03:00", "multiply": "2"}],
    [{"days": ["sat", "sat"], "from": "02:10", "to": "02:40", "price": "1", "multiply": "1"}],
    [{"from": "00:00", "to": "24:00", "multiply": "1000000000000000"}],
    [{"from": "12:00", "to": "11:59", "multiply": "0.5"}] * 30,
    [{"from": "12:00", "to": "11:59", "multiply": "0.5"}] * 150,
)
UNITS: tuple[Tree, ...] = ("hour", "day", "week", "month", "year", "MB", "TiB", "kbps", "Gbps", "gb", "", 7, None, [])
NETWORKS: tuple[Tree, ...] = (
    *("p", ["p"], ["p", "p"], ["p", "q"], [], [""], [" "], ["p q"], [7], ["x" * 300], ["\x1b[2J"], ["\ud800"], None),
    [f"n{number}" for number in range(300)],
)
TAILORED: dict[str, tuple[Tree, ...]] = {
    **dict.fromkeys(("price", "upTo", "multiply", "included", "block", "overage", "commit", "rate"), NUMBERS),
    **dict.fromkeys(("minimum", "maximum", "moveCost", "moveRate"), NUMBERS),
    **dict.fromkeys(("validFrom", "validTo", "recordedAt"), TIMES),
    "q": ("95", "0", "100", "101", "0.0001", "99.99999999", "-5", 95, "95%", *NUMBERS[:6]),
    "sample": (
        "5m",
        "1s",
        "7m",
        "100ms",
        "1d",
        "45d",
        "0s",
        "3660d",
        "3661d",
        "5 m",
        "PT5M",
        300,
        "1m30s",
        "",
        "1" * 99 + "d",
    ),
    **dict.fromkeys(
        (
            *("horizon", "payback", "cooldown", "minimumAge", "per", "halfLife", "latency", "staleAfter"),
            *("duration", "deadline", "quiet", "settle"),
        ),
        ("0s", "1ms", "1h", "5m", "3660d", "3661d", "9d9", "-1h", "1e3s", 5, *NUMBERS[:4]),
    ),
    "moves": ("0", "0%", "1", "100%", "101%", "0.5%", "-1", "1e30", "9" * 50, "9" * 50 + "%", "", "%", 5),
    **dict.fromkeys(("fill", "shed", "loss"), ("0", "0.0000000001", "0.7", "0.85", "1", "1.1", *NUMBERS[:12])),
    **dict.fromkeys(("atLeast", "of", "successes", "priority"), (0, 1, 2, 5, -1, 10**30, 1.5, True, "3", None)),
    "reasons": ([], ["Savings"], ["Safety", "Savings"], ["Best"], ["Savings", "Savings"], "Savings", [None]),
    "candidates": ([], ["p"], ["p", "p"], ["cni:p", "p"], ["nad:a/p"], ["none"], [" "], "p", [7]),
    "operator": ("In", "NotIn", "Exists", "DoesNotExist", "in", "", 7),
    "values": ([], ["a"], [7], "a", ["x" * 300]),
    **dict.fromkeys(
        ("matchLabels",), ({}, {"app": "web"}, {"": ""}, {"a": 1}, {"x" * 300: "y"}, {"a b": "c"}, [], "x", {"a": None})
    ),
    "targets": ([], ["tcp://a:1"], ["tcp://[::1]:65536"], ["udp://a:1"], ["tcp://"], ["icmp://192.0.2.1"], "x", [7]),
    "accept": ([], ["BoundSocket"], ["BoundSocket", "BoundSocket"], ["x"], "BoundSocket"),
    "then": ("close", "wait", "return", "stop", 7),
    **dict.fromkeys(("factor", "disruptionThreshold"), NUMBERS),
    **dict.fromkeys(("from", "to"), (*CLOCKS, *NUMBERS[:3], "USD", "EUR", "usd", "XXX", 2, 1, 0, 10**30)),
    **dict.fromkeys(("currency",), ("USD", "EUR", "JPY", "KWD", "XXX", "usd", "US", "USDX", "", 7, "ÜSD")),
    "timezone": (
        *(
            "UTC",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Africa/Cairo",
            "America/New_York",
            "Mars/Base",
        ),
        *("", "..", "../etc/passwd", "/etc/localtime", "Europe", "europe/berlin", "x" * 5000, "a\0b", 7, "localtime"),
    ),
    "unit": UNITS,
    "anchor": (1, 7, 15, 28, 29, 30, 31, 32, 366, 367, 0, -1, "1", 1.0, 1.5, True, None, 10**30),
    "tiers": TIERS,
    "schedule": (*SCHEDULES, "0 8 * * *", "60 * * * *", "* " * 5, "0 0 30 2 *", "*/0 * * * *", "9" * 500),
    "nth": (
        [],
        [{"from": 2, "multiply": "0.5"}],
        [{"from": 1, "multiply": "1"}],
        [{"from": 10**30, "multiply": "9"}],
        {},
    ),
    "physicalNetworks": NETWORKS,
    "days": ([], ["mon"], ["Mon"], ["mon", "mon"], "mon", [7], ["mon-fri"]),
    "mode": ("graduated", "allUnits", "stepFee", "auto", "off", "", 7, Raw(b"off")),
    "direction": ("in", "out", "sum", "max", "maxOfPercentiles", "both", "", 7),
    "destination": ("internet", "zone", "", " ", "a b", 7, None, "\x1b", "x" * 300),
    "each": ("network", "node", "attachment", "pod", "", 7),
    "missing": ("zero", "skip", "ignore", 0),
    "beyond": (
        *(
            {},
            {"stop": True},
            {"stop": False},
            {"throttle": "1Mbps"},
            {"throttle": "0bps"},
            {"overage": "1"},
            None,
            "x",
        ),
        *({"block": "1", "price": "1"}, {"block": "0", "price": "1"}, {"stop": True, "overage": "1"}, {"block": "5"}),
        {"block": "0.00000000000000000000000000000000001", "price": "1000000000000000"},
    ),
    "capacity": ("1Gbps", "0Gbps", "-1Gbps", "1e30Gbps", "1001Tbps", "0.1bps", "1 Gbps", "1GBps", "", 7),
    "contract": ("k", "", " ", "a b", "x" * 300, 7, None, "egress", "\x1b[31m"),
    "name": ("k", "", "x" * 300, 7, None, "port", "-", "a b", "\n", "\ud800", "\x1b[2J"),
    "date": ("2026-12-01", "2026-12-32", "9999-12-31", "0001-01-01", Raw(b"2026-12-01"), 20261201, "", "٢٠٢٦-12-01"),
    "kind": ("Tariff", "tariff", "ExchangeRate", "List", "Pod", "", 7, None, []),
    "apiVersion": ("switcher.genie.io/v1alpha1", "v1", 7, ""),
    "charges": ([], {}, [{}], [None], "x", [{"name": "a"}], [{"name": "a", "fixed": {}, "volume": {}}]),
    "spec": ({}, [], None, "x", 7),
}
ANYWHERE: tuple[Tree, ...] = (
    *(None, True, 0, -1, 10**30, 1.5, "", " ", "a", "\0", "\n", "\x7f", "\u2028", "\ud800", "é", "x" * 5000),
    *([], {}, [[]], [None], [{}], {"": ""}, {"a": None}, list(range(300)), Pairs([("a", 1), ("a", 2)]), Raw(b"'a'")),
    *(Raw(b"[" * 5000), Raw(b"{"), Raw(b"*a"), Raw(b"!!python/object:os.system x"), Raw(b'"\xff"'), Raw(b'"\\ud800"')),
)
KEYS: tuple[str, ...] = (*sorted(TAILORED), "", "Price", "\ud800", "x" * 300, "__class__", "fixed", "volume", "quota")

CELLS: dict[str, tuple[str, ...]] = {
    "start": tuple(str(value) for value in TIMES if isinstance(value, str)),
    "seconds": (
        "300",
        "0",
        "-300",
        "0.000001",
        "0.0000001",
        "86400",
        "1e3",
        "1000000000",
        "1000000001",
        "NaN",
        "",
        "x",
    ),
    "network": ("p", "q", "", " ", "zz", "p ", "\x1b[2J", "x" * 500, "internet-east", "a\nb"),
    "direction": ("in", "out", "IN", "both", "", "sum"),
    "bytes": tuple(str(value) for value in NUMBERS if isinstance(value, str)),
    "destination": ("", "internet", "zone", "moon", " ", "a,b"),
    "node": ("", "n1", "n2", " ", "x" * 300),
    "attachment": ("a", "", "x" * 300),
    "end": tuple(str(value) for value in TIMES if isinstance(value, str)),
    "from": ("USD", "EUR", "usd", "", "JPY"),
    "to": ("USD", "EUR", "JPY", "", "E"),
    "rate": tuple(str(value) for value in NUMBERS if isinstance(value, str)),
    "date": ("2026-12-01", "2026-13-01", "", "9999-12-31", "1.12.2026"),
}
PERIODS: tuple[str, ...] = (
    *("2026-12-01T00:00:00Z/2027-01-01T00:00:00Z", "2026-12-05T00:00:00Z/2026-12-06T00:00:00Z"),
    *("2026-10-24T22:00:00Z/2026-10-25T23:00:00Z", "2026-12-31T23:00:00Z/2027-01-01T01:00:00Z"),
    "2026-11-15T00:00:00+01:00/2027-02-15T00:00:00+01:00",
)
ODD_PERIODS: tuple[str, ...] = (
    *("2026-12-01T00:00:00Z/2027-05-01T00:00:00Z", "2026-12-02T00:00:00Z/2026-12-01T00:00:00Z", "", "/", "x/y"),
    *("0001-01-01T00:00:00Z/9999-12-31T00:00:00Z", "2026-12-01T00:00:00.000001Z/2026-12-01T00:00:00.000002Z"),
    "1970-01-01T00:00:00Z/1970-01-01T00:00:01Z",
)
