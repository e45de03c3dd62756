"""Values that belong nowhere, and values that nearly belong where they are put."""

from __future__ import annotations

from typing import Any

from tests.fuzz.documents import Pairs, Raw, Text, Tree

DEEP = 100_000

ANYWHERE: tuple[Tree, ...] = (
    *(None, True, False, 0, -1, 1, 7, 65536, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e300),
    *("", " ", "a", "null", "true", "0", "-1", ".", "..", "/", "../../etc/passwd", "%s%n%d", "a b", "a;b=c", "a,b@c@d"),
    *("\0", "\n", "a\nb", "\x7f", "\u2028", "\ud800", "\udfff\ud800", "é", "\U0001d54f", "\ufeff", "ı", "١"),
    *("x" * 16, "x" * 254, "x" * 5000, "y" * 70_000, '{"', "[]", "{}", '"'),
    *([], {}, [[]], [None], [""], [{}], {"": ""}, {"a": None}, ["a", 1], [True, {"a": [{}]}], list(range(300))),
    *(Text({"cni": "blue"}), Text([]), Pairs([("a", 1), ("a", 2)]), Pairs([("name", "x"), ("name", None)])),
    *(Raw(b"NaN"), Raw(b"-Infinity"), Raw(b"1e999"), Raw(b"-1e-999"), Raw(b"9" * 5000), Raw(b"01"), Raw(b"0x10")),
    *(Raw(b""), Raw(b"}"), Raw(b"'a'"), Raw(b"// c\n1"), Raw(b"1,"), Raw(b"nul"), Raw(b'"\t"'), Raw(b'"a')),
    *(Raw(b'"\xff\xfe"'), Raw(b'"\xed\xa0\x80"'), Raw(b'"\\ud800"'), Raw(b'"\\u0000"'), Raw(b'"\\q"')),
    *(Raw(b"[" * DEEP), Raw(b"[" * 500 + b"]" * 500), Raw(b'{"a":' * 900 + b"1" + b"}" * 900)),
    Raw(b"[" * 3000 + b"]" * 3000),
)

NAMES: tuple[Tree, ...] = (
    *("blue", "told", "green", "cni:blue", "nad:lab/two", "logical:lab/net1", "lab/one", "one", "bridge", "macvlan"),
    *("calico", "nosuch", "cni:", "nad:", "logical:", "a/b/c", "/", "lab/", "BLUE", "blue ", "x" * 300, "blu\ud800e"),
)
INTERFACES: tuple[Tree, ...] = (
    *("eth0", "net1", "lo", "eth1", "abcdefghijklmno", "abcdefghijklmnop", "a/b", "a:b", "a b", ".", "..", "é", "%d"),
    *("eth\0", "\x1b[2J", "-a", "all", "default", "ééééééé", "ı" * 8, "eth0\n", "\ud800"),
)
ADDRESSES: tuple[Tree, ...] = (
    *("10.3.0.9/24", "10.3.0.9", "fd00::9/64", "::ffff:10.0.0.1", "10.3.0.300", "10.3.0.0/33", "0.0.0.0/0", "::/0"),
    *("fe80::1%eth0", "010.1.0.1", "1", "", "10.1.0.1/24/24", "255.255.255.255", "10.0.0.1/255.0.255.0", 167772161),
)
SUBNETS: tuple[Tree, ...] = (
    *("10.1.0.0/24", "10.1.0.0/30", "10.1.0.0/31", "10.1.0.0/32", "0.0.0.0/0", "10.1.0.3/24", "fd00:1::/64"),
    *("fd00::/128", "10.1.0.0", "10.1.0.0/255.255.255.0", "10.1.0.0/40", "", "10.1.7.0/24", "172.16.0.0/12"),
)
VERSIONS: tuple[Tree, ...] = (
    *("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"),
    *("1.2.0", "", "1.0", "v1.0.0", "0.0.0", "1.0.0-rc1", "1." * 400, "1.0.0\n", "\u0661.0.0"),
)
ROUTES: tuple[Tree, ...] = (
    *([{"dst": "0.0.0.0/0"}], [{"dst": "::/0", "gw": "10.3.0.1"}], [{"dst": "10.9.0.0/16", "gw": "fd00::1"}]),
    *([{"gw": "10.3.0.1"}], [{"dst": "10.1.0.0/24"}], [{"dst": "nowhere"}], [{"dst": "0.0.0.0/0"}] * 40),
)
PORTS: tuple[Tree, ...] = (
    *([{"hostPort": 80}], [{"hostPort": 80, "containerPort": 65536}], [{"hostPort": "80", "containerPort": 80}]),
    *([{"hostPort": True, "containerPort": 80}], [{"hostPort": 80.5, "containerPort": 1}], [[]], [None]),
)
PATHS: tuple[Tree, ...] = (
    *("/nowhere", "/dev/null", "/proc/self/ns/net", "/proc/1/ns/mnt", "", "relative", "/run/netns/", "/run/netns/none"),
    *("/proc/999999/ns/net", "@NETNS@/", "/" + "p" * 5000, "/etc/passwd", "@DIR@"),
)
_BOMB = b"".join(
    b"%c: &%c [%s]\n" % (96 + level, 96 + level, b", ".join([b"*%c" % (95 + level) if level > 1 else b"x"] * 8))
    for level in range(1, 9)
)
"""Aliases of aliases: 16 million texts, were they all written out."""

YAML: tuple[bytes, ...] = (
    _BOMB + b"kind: *h\nmetadata: *h\nspec: *h\n",
    _BOMB
    + b"kind: LogicalNetwork\napiVersion: alpha.network.k8s.io/v1\nmetadata: {name: *h, namespace: *h}\n"
    + b"spec: {plugin: *h, sub_subnet: *h}\n",
    b"&a [*a]",
    b"&a {kind: LogicalNetwork, spec: *a, metadata: *a}",
    b"2020-13-45",
    b"kind: 2020-02-30",
    b"? [a]\n: b",
    b"? {a: b}\n: c",
    b"!!python/object:os.system x",
    b"!!binary |\n  ====",
    b"!!int x",
    b"!!float x",
    b"!!timestamp x",
    b"1:60:60",
    b"0o9",
    b"0b",
    b"%YAML 9.9\n---\na",
    b"%TAG ! tag:x,2000:\n--- !a b",
    b"a: b: c",
    b"\ta: b",
    b"{a: 1, a: 2}",
    b"<<: 7",
    b"<<: [1]",
    b"--- \n--- \n...\n---\n- \n",
    b"\xff\xfea\0",
    b"\0",
    b"[" * 20_000,
    b"- " * 5_000,
    b"items: [1]\nkind: List",
    b"kind: List\nitems: [[], null, {kind: List, items: [7]}]",
    b"{kind: [], apiVersion: {}, metadata: []}",
    b"kind: LogicalNetwork\nmetadata: {name: [a], namespace: {b: c}, annotations: {1: 2}}\nspec: {1: 2}",
)
"""Documents that stress the reader of YAML itself."""

TAILORED: dict[str, tuple[Tree, ...]] = {
    "name": NAMES,
    "namespace": NAMES,
    "type": ("bridge", "host-local", "nosuch", "genie", "../bridge", "/bin/sh", "portmap", "tuning", "static", "\0"),
    "plugin": NAMES,
    "physicalNet": ("phy", "shared", "none", "lab/phy"),
    "refer_nic": INTERFACES,
    "sub_subnet": SUBNETS,
    "subnet": SUBNETS,
    "cni": (
        *NAMES,
        "blue,blue",
        "blue@eth0,told@eth0",
        "blue,,told",
        "@eth0",
        "blue@",
        "blue@@",
        ",",
        "a" + ",a" * 3000,
    ),
    "networks": ("net1", "net2,net1@eth3", "", " ", "lab/net1", "other/net1", "net1@eth0,net2@eth0"),
    "default_plugin": (*NAMES, "blue,told@eth0", [], {}),
    "interface": INTERFACES,
    "CNI_IFNAME": INTERFACES,
    "ifname": INTERFACES,
    "bridge": INTERFACES,
    "CNI_NETNS": PATHS,
    "sandbox": PATHS,
    "CNI_COMMAND": ("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "add", "", "DANCE", "ADD ", "ADD\n"),
    "CNI_CONTAINERID": ("", "a/b", "..", "-a", "a" * 300, "a" * 5000, "é", "a b", "other", "a\udcff"),
    "CNI_PATH": ("", "/nowhere", ":", "relative:", "@DIR@/bin", "/usr/lib/cni:" * 500, "/dev/null", "a\udcff"),
    "CNI_NETNS_OVERRIDE": ("1", "TRUE", "yes"),
    "K8S_POD_NAME": ("", "web_0", "é", "a" * 300, "a/b", "\udcff", "a\nb", " "),
    "K8S_POD_NAMESPACE": ("", "other", "kube-system", "é", "a/b", "\udcff"),
    "IgnoreUnknown": ("0", "true", "TRUE", "", "no"),
    "IP": ADDRESSES,
    "MAC": ("02:00:00:00:00:01", "xx", ""),
    "cniVersion": VERSIONS,
    "cniVersions": (["0.4.0", "1.0.0"], ["9.9.9"], [], "1.0.0", {"1.0.0": 1}, [["1.0.0"]], [1], 1, [{}]),
    "address": ADDRESSES,
    "gateway": ADDRESSES,
    "gw": ADDRESSES,
    "ip": ADDRESSES,
    "dst": SUBNETS,
    "ips": tuple([address] for address in ADDRESSES),
    "default-route": tuple([address] for address in ADDRESSES),
    "routes": ROUTES,
    "mac": ("02:00:00:00:00:01", "02-00-00-00-00-01", "0200.0000.0001", "02:00", "zz:00:00:00:00:00", 2, "é"),
    "infiniband-guid": ("00:11:22:33:44:55:66:77", "00:11", ":" * 20),
    "portMappings": PORTS,
    "bandwidth": ({"ingressRate": -1}, {"ingressRate": 2**70}, {"egressBurst": "1"}, {"ingressRate": 1.5}, [1]),
    "interfaces": ([{"name": 7}], [{}], [None], ["eth0"], {"eth0": {}}, [{"name": "eth0", "sandbox": "@NETNS@"}] * 3),
    "dns": ({"nameservers": "10.0.0.1"}, {"search": [1]}, {"domain": []}, [], "x", {"x": "y"}),
    "mtu": (0, -1, 1, 68, 65536, "1500", 1.5, 2**40),
    "capabilities": ({"ips": "yes"}, {"ips": 0}, [], "ips", {"": True}, {"portMappings": {}}),
    "args": ({"cni": []}, {"cni": {"ips": [1]}}, [], {"cni": None}),
    "runtimeConfig": (
        {"portMappings": [{"hostPort": 1}]},
        {"mac": 7},
        {"ips": "x"},
        [],
        "x",
        {"CNIDeviceInfoFile": "/"},
    ),
    "prevResult": ({}, {"ips": 1}, {"interfaces": {}}, {"ip4": []}, [], "x", {"ips": [{"address": "10.0.0.1/24"}]}),
    "plugins": ([], {}, "x", [None], [[]], [{}], [{"type": 7}], [{"type": ""}], [{"type": "genie"}], 7),
    "ipam": ({}, [], "host-local", {"type": 7}, {"type": "nosuch"}, {"type": "static"}, {"type": "host-local"}, None),
    "ranges": ([], [[]], {}, [{}], [[{"subnet": 7}]], [[None]], "x", [[{"subnet": "10.1.0.0/24", "rangeStart": "x"}]]),
    "dataDir": ("", "relative", "@DIR@/ipam", "/dev/null", "/nowhere/\0", 7),
    "config": (Text([]), "", " ", "x", Text({"type": "bridge"}), Text({"name": "", "type": "genie"}), {}, 7),
    "cni.dev/valid-attachments": ([], None, {}, [{}], [{"containerID": 1, "ifname": "eth0"}], [[]], "x", [None], 7),
    "cni.dev/attachments": ([], None, {}, [{}], "x"),
    "globalNamespaces": ("", "a,b", [], [1], {}, 7, ["default"]),
    "multusNamespace": (*NAMES, [], 7),
    "interfacePrefix": ("eth", "net", "", "ens", [], {}, 7),
    "namespaceIsolation": (True, "true", 1, []),
    "disableCheck": (True, "TRUE", "yes", 1, []),
    "disableGC": (True, "TRUE", []),
    "kubernetes": ({"kubeconfig": 7}, {"kubeconfig": "/nowhere"}, {"k8s_api_root": []}, [], "x", {}),
    "k8s_auth_token": ("\u00e9", "a\r\nX: y", "", " t ", 7),
    "policy": ({"k8s_api_root": "https://127.0.0.1:1"}, {"k8s_auth_token": 7}, [], "x"),
    "switcher.genie.io/physical-network": ("phynet0", "", 7, [], {}, "\ud800"),
    "switcher.genie.io/labels": ("a", "=", "a=b=c", "a=b,,", "é=\ud800"),
    "switcher.genie.io/do-not-move": ("true", "x", "10m", ""),
    "switcher.genie.io/questionnaire": ("x", "[]", Text({"maxPricePerHour": "NaN"}), Text({"networks": []}), "{"),
    "matchLabels": ([], {"a": 1}, {1: "a"}, "x"),
    "matchExpressions": ([{}], {}, [{"key": "a", "operator": "Is"}], [[]]),
    "print": ("", "null", "[]", "{", "\0", "x" * 100_000, Raw(b'"\xff"'), Text({"ips": None}), Text({"cniVersion": 7})),
    "exit": (0, 1, 255, "x", None),
    "code": (0, 1, 11, 999, -1, "7", 2**40, True, 1.5),
    "msg": ("", "a\nb", 7, "x" * 50_000, None),
    "wait": (0, 0.01, "x", 2),
    "repeat": (0, 2, 5000, "x"),
    "kill": (9, 11, 15, "x"),
    "child": (1, "x"),
    "stderr": ("a\nb\n", "\ud800", 7, "x" * 100_000, "Traceback (most recent call last):"),
    "metadata": ([], {"name": ""}, {"name": 7}, {"name": "one", "namespace": []}, None),
    "kind": ("List", "Pod", "", 7, "logicalnetwork"),
    "apiVersion": ("v1", "switcher.genie.io/v1alpha1", 7, ""),
    "spec": ([], None, "x", {"config": "{"}, {"unknown": 1}),
}
"""By the key under which a value stands."""

KEYS: tuple[Any, ...] = (*TAILORED, "", "\ud800", "x" * 300, "__class__", "example.com/own", "cni.dev/x", 7, "Name")
