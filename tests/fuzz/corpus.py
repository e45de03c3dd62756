"""Real requests, as trees: what runtimes, CNI-Genie's and Multus' users, and administrators write.

A request is ``env`` and ``args`` (CNI_ARGS), ``annotations`` (they travel as K8S_ANNOT), ``netconf`` (stdin), ``confs``
(files of the configuration directory) and ``objects`` (files of the directory of objects). ``@DIR@``, ``@CID@`` and
``@NETNS@`` stand for the place where it is run. One with ``before`` finds the container attached by :data:`BEFORE`.
"""

from __future__ import annotations

from tests.fuzz.documents import Text, Tree
from tests.fuzz.furniture import (
    BLUE,
    CHAIN,
    DEFINITIONS,
    GREEN,
    LOGICAL,
    OLDEST,
    PLAIN,
    PRINTED,
    SINGLE,
    TOLD,
    definition,
    listed,
    told,
)

NAD_KEY = "k8s.v1.cni.cncf.io/networks"
DEFAULT_KEY = "v1.multus-cni.io/default-network"
QUESTIONS = "switcher.genie.io/questionnaire"


NETCONF = {"cniVersion": "1.0.0", "name": "pods", "type": "genie"}
ENV = {
    "CNI_CONTAINERID": "@CID@",
    "CNI_NETNS": "@NETNS@",
    "CNI_IFNAME": "eth0",
    "CNI_PATH": "@DIR@/bin:/usr/lib/cni",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
}
ARGS = {
    "IgnoreUnknown": "1",
    "K8S_POD_NAMESPACE": "lab",
    "K8S_POD_NAME": "web-0",
    "K8S_POD_INFRA_CONTAINER_ID": "@CID@",
    "K8S_POD_UID": "5b0ad5a5-0000-4000-8000-000000000001",
}


def request(command: str, annotations: Tree = None, netconf: Tree = None, **keys: Tree) -> dict[str, Tree]:
    """One request; a container without annotations has an empty object of them."""
    return {
        "env": {"CNI_COMMAND": command, **ENV},
        "args": dict(ARGS),
        "annotations": Text({} if annotations is None else annotations),
        "netconf": {**NETCONF, **(netconf or {})},
        "confs": {"10-blue.conflist": BLUE},
        "objects": {},
        **keys,
    }


ELEMENTS = [
    {
        "name": "one",
        "namespace": "lab",
        "interface": "net1",
        "ips": ["10.3.0.77/24"],
        "mac": "02:00:00:00:00:77",
        "default-route": ["10.3.0.1"],
        "cni-args": {"rate": 7},
    },
    {"name": "told", "namespace": "kube-system", "deviceID": "0000:01:00.0", "example.com/own": [1]},
]
CAPABLE = told(
    capabilities={"portMappings": True, "bandwidth": True, "infinibandGUID": True, "deviceID": True, "ips": True}
)
SUPPLIED = {
    "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
    "bandwidth": {"ingressRate": 1000000, "ingressBurst": 10000},
    "ips": ["10.3.0.9/24"],
    "mac": "02:00:00:00:00:09",
    "dns": {"servers": ["10.3.0.1"]},
    "io.kubernetes.cri.pod-annotations": {"cni": "blue"},
}
GENIES = {
    "default_plugin": "blue",
    "interfacePrefix": "eth",
    "genieArgs": False,
    "cAdvisor_address": "http://127.0.0.1:4194",
    "log_level": "info",
    "datastore_type": "kubernetes",
    "hostname": "n1",
    "capabilities": {"portMappings": True},
    "args": {"cni": {"a": 1}},
    "disableCheck": False,
}
CLUSTERED = {"policy": {"k8s_auth_token": "t", "k8s_api_root": "https://127.0.0.1:1"}, "kubernetes": {}}
MULTUS = {
    "interfacePrefix": "net",
    "namespaceIsolation": True,
    "globalNamespaces": "default,kube-system",
    "multusNamespace": "kube-system",
    "confDir": "/etc/cni/net.d",
    "readinessindicatorfile": "/run/x",
}
PAIR = {"10-blue.conflist": BLUE, "50-single.conf": SINGLE}
TWO = {"10-blue.conflist": BLUE, "30-told.conflist": TOLD}
BOTH_KINDS = {**TWO, "20-green.conflist": GREEN}
SWAP = [{"containerID": "@CID@", "ifname": "eth0"}, {"containerID": "other", "ifname": "eth0"}]
ASKED = {"maxUtilisation": "0.7", "networks": ["blue", "green"], "minCapacity": "10Mbps", "demand": "1Mbps"}
LABELS = {"switcher.genie.io/labels": "app=web,tier=front", "switcher.genie.io/do-not-move": "10m"}
SAYS = {"cni": "told", "switcher.genie.io/move-primary": "true"}


def saying(**does: Tree) -> dict[str, Tree]:
    """A request for one network whose plugin does as told at ADD."""
    return request("ADD", SAYS, confs={"30-told.conflist": listed("told", told(add=does), version="1.1.0")})


BEFORE = request("ADD", {"cni": "single,blue@net1"}, confs=PAIR)
ADDS = [
    request("ADD", None, {"default_plugin": "blue, told@net1"}, confs=TWO),
    request("ADD", {"cni": "blue,told@net1, green", **LABELS}, GENIES, confs=BOTH_KINDS),
    request("ADD", {"cni": "single,blue@eth5"}, confs=PAIR),
    request("ADD", {"cni": "chain"}, {"runtimeConfig": SUPPLIED}, confs={"40-chain.conflist": CHAIN}),
    request("ADD", None, {"cniVersion": "0.2.0"}, confs={"20-green.conflist": GREEN}),
    request("ADD", {"cni": "", QUESTIONS: Text(ASKED)}, confs=BOTH_KINDS),
    request("ADD", {"cni": " ", "networks": "net1@eth1,net2"}, confs={"20-plain.conflist": PLAIN}, objects=LOGICAL),
    request("ADD", {NAD_KEY: "lab/one@net1, two"}, objects=DEFINITIONS),
    request("ADD", {NAD_KEY: Text(ELEMENTS), DEFAULT_KEY: "told"}, MULTUS, objects=DEFINITIONS),
    request("ADD", {NAD_KEY: Text([{"name": "blue"}, {"name": "two", "ips": []}])}, objects=DEFINITIONS),
    request(
        "ADD",
        {NAD_KEY: Text([{"name": "able", "portMappings": SUPPLIED["portMappings"], "bandwidth": {"ingressRate": 1}}])},
        objects={"able.yaml": definition("able", listed("able", CAPABLE))},
    ),
    request("ADD", {"cni": "told"}, {"prevResult": PRINTED, "cniVersion": "0.4.0"}, confs=TWO),
    request("ADD", {"cni": "cni:blue@eth0,lab/two"}, GENIES, objects=DEFINITIONS),
    request("ADD", {"cni": "told"}, CLUSTERED, confs=TWO),
    saying(print=Text(PRINTED)),
    saying(print=Text(OLDEST)),
    saying(print=Text({"cniVersion": "1.0.0", "code": 11, "msg": "busy", "details": "later"}), exit=1),
    saying(print="no result", stderr="panic: nil map\ngoroutine 1", exit=2),
    saying(print=Text(PRINTED), wait=0, repeat=1),
]
OTHERS = [
    request("DEL", {"cni": "single"}, {"prevResult": PRINTED, "runtimeConfig": SUPPLIED}, before=True),
    request("CHECK", {"cni": "single"}, {"prevResult": PRINTED}, before=True),
    request("GC", None, {"cniVersion": "1.1.0", "cni.dev/valid-attachments": SWAP}, before=True),
    request("GC", None, {"cniVersion": "1.1.0", "cni.dev/attachments": SWAP, "cni.dev/valid-attachments": []}),
    request("STATUS", None, {"cniVersion": "1.1.0", **GENIES}, confs=BOTH_KINDS),
    request("VERSION", None),
]
REQUESTS = [*ADDS, *OTHERS]
