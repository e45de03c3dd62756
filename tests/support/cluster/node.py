"""A node: its kubelet, its containerd, whatever CNI a test installs; and the API server with its controllers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cluster import images, power
from tests.support.cluster.apiserver import ApiServer
from tests.support.cluster.component import Component, ComponentError, until
from tests.support.cluster.containerd import Containerd
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.kubelet import Programs
from tests.support.cluster.programs import kubernetes, run
from tests.support.cluster.traces import OF_PODS_ALONE, RESULTS, Traces, changes, traces

NODE = "n1"
ADDRESS = "198.51.100.1"
"""The node's own, on ``lo`` (RFC 5737): a kubelet takes no loopback address, and its sandbox has no other link."""

PORT = 6443
PLUGINS = Path("/usr/lib/cni")
USERS = {
    f"system:node:{NODE}": "system:nodes",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
}
NODE_SECONDS = 30.0


@dataclass
class Cluster:
    """Use :func:`cluster`. Everything of it is below ``directory``."""

    directory: Path
    hardware: set[str] = field(default_factory=lambda: {"lo"})
    """The links that outlive a reboot; a test adds those that stand for the node's NICs."""

    def __post_init__(self) -> None:
        for made in (self.conf_dir, self.bin_dir, self.leases):
            made.mkdir(parents=True)
        for plugin in PLUGINS.iterdir():
            (self.bin_dir / plugin.name).symlink_to(plugin)
        self.api = ApiServer(self.directory, ADDRESS, PORT, USERS, options=())
        for user in USERS:
            self.api.kubeconfig_of_user(user)
        self.runtime = self._containerd("containerd", None)
        programs = Programs(kubernetes(), self.directory, NODE, self.api.credentials)
        self.controller_manager = programs.controller_manager()
        self.scheduler = programs.scheduler()
        self.kubelet = programs.kubelet(ADDRESS, self.runtime.socket)

    @property
    def node(self) -> str:
        """The node's name."""
        return NODE

    @property
    def kubectl(self) -> Kubectl:
        """``kubectl`` as the administrator."""
        return self.api.kubectl

    @property
    def containerd(self) -> Component:
        """The container runtime."""
        return self.runtime.component

    @property
    def components(self) -> list[Component]:
        """All programs, in the order in which they are started."""
        rest = [self.controller_manager, self.scheduler, self.kubelet]
        return [self.containerd, self.api.etcd, self.api.server, *rest]

    @property
    def conf_dir(self) -> Path:
        """The CNI configurations that containerd sees."""
        return self.directory / "net.d"

    @property
    def bin_dir(self) -> Path:
        """The CNI plugins: Debian's, and what a test puts there."""
        return self.directory / "bin"

    @property
    def leases(self) -> Path:
        """For host-local's ``dataDir``."""
        return self.directory / "leases"

    @property
    def agent_socket(self) -> Path:
        """Where ``genie``, run by containerd, looks for its agent."""
        return self.directory / "agent.sock"

    @property
    def agent_spool(self) -> Path:
        """Where it keeps DELs while the agent is away."""
        return self.directory / "agent-spool"

    def bridge(self, name: str = "pods", subnet: str = "10.85.0.0/16") -> dict[str, Any]:
        """A network by Debian's plugins alone: a bridge that is the pods' gateway, and host-local."""
        ipam = {"type": "host-local", "ranges": [[{"subnet": subnet}]], "dataDir": str(self.leases)}
        ipam["routes"] = [{"dst": "0.0.0.0/0"}]
        plugin = {"type": "bridge", "bridge": f"br-{name}", "isGateway": True, "hairpinMode": True, "ipam": ipam}
        return {"cniVersion": "1.0.0", "name": name, "plugins": [plugin]}

    def install_network(self, file: str, content: Mapping[str, Any]) -> None:
        """Writes a CNI configuration, whole at once; containerd takes the first file by name for every pod."""
        # In the same directory: of a file that comes from elsewhere containerd 1.6 takes no notice.
        written = self.conf_dir / f"{file}.new"
        written.write_text(json.dumps(content))
        written.rename(self.conf_dir / file)

    def remove_network(self, file: str) -> None:
        """Removes a CNI configuration."""
        (self.conf_dir / file).unlink(missing_ok=True)

    def ctr(self, *arguments: str) -> str:
        """Runs ``ctr``; what it printed."""
        return self.runtime.ctr(*arguments)

    def run_pod(self, manifest: Mapping[str, Any], seconds: float = 60.0) -> Any:
        """Makes a pod (see :func:`pod`) and waits until it is ready; the pod as the API has it then."""
        named = ("pod", manifest["metadata"]["name"], "-n", manifest["metadata"].get("namespace", "default"))
        self.kubectl.apply(manifest)
        self.kubectl("wait", "--for=condition=Ready", f"--timeout={seconds:.0f}s", *named)
        return self.kubectl.read("get", *named)

    def delete_pod(self, name: str, namespace: str = "default") -> None:
        """Deletes it and waits until it is gone, its network with it."""
        self.kubectl("delete", "pod", name, "-n", namespace, "--timeout=60s")

    def traces(self) -> Traces:
        """What pods could leave here: compare it with :meth:`expect_traces` later."""
        return traces(self.runtime, self.directory)

    def settle(self) -> None:
        """Waits until nothing runs here any more for any pod. Raises ComponentError."""
        until(lambda: not any(self.traces()[kind] for kind in OF_PODS_ALONE), "all pods are gone", NODE_SECONDS)

    def expect_traces(self, wanted: Traces, seconds: float = 15.0) -> None:
        """Waits until nothing more and nothing less is there; the kubelet clears up behind a pod for a while.

        Plugins keep what all pods share, as a bridge: ``wanted`` is best taken after a first pod has come and gone.
        Raises ComponentError with what is too much or missing.
        """
        try:
            until(lambda: self.traces() == wanted, "all is as before", seconds)
        except ComponentError as error:
            raise ComponentError(f"{error}: {changes(wanted, self.traces())}") from None

    def start(self) -> None:
        """Starts everything and waits until a pod can be run; without a network there no node is ever ready."""
        run("ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo")
        self.containerd.launch()
        self.api.etcd.start()
        self.api.server.launch()
        self.containerd.wait()
        self._import_images()
        self.api.server.wait()
        late = [self.controller_manager, self.scheduler, self.kubelet]
        for component in late:
            component.launch()
        for component in late:
            component.wait()
        self.wait_until_ready()

    def stop(self) -> None:
        """Ends everything, pods too, at once."""
        self.power_off()
        for component in (self.scheduler, self.controller_manager):
            component.kill()
        self.api.stop()
        run("ip", "address", "del", f"{ADDRESS}/32", "dev", "lo")

    def power_off(self) -> None:
        """The node is without power: its pods, processes, links, rules and mounts are gone, its disk is as it was.

        The API server, its controllers and the node's ``hardware`` links stay: they stand for other machines. What
        else a test runs on the node, the agent above all, it must kill itself.
        """
        self.kubelet.kill()
        self.containerd.kill()
        power.cut(self.runtime, self.directory.name, self.hardware)

    def start_api(self) -> None:
        """After ``api.server`` was away. Its clients are started anew: they would come back ever more seldom."""
        self.api.server.start()
        for component in (self.controller_manager, self.scheduler, self.kubelet):
            component.stop()
            component.start()
        self.wait_until_ready()

    def clear_runtime(self) -> None:
        """After :meth:`power_off`: containerd's disk is cleared, so that it knows of no pod. Images come anew."""
        shutil.rmtree(self.runtime.home / "root")
        shutil.rmtree(RESULTS / "results")
        self.containerd.start()
        self._import_images()

    def power_on(self) -> None:
        """After :meth:`power_off`. Waits until the node is ready."""
        self.containerd.start()
        self.kubelet.start()
        self.wait_until_ready()

    def reboot(self) -> None:
        """Off and on again."""
        self.power_off()
        self.power_on()

    @contextmanager
    def other_containerd(self, name: str, programs: Path) -> Iterator[None]:
        """That containerd instead of the system's until the end of the block; it knows nothing of the other's pods."""
        usual = self.runtime
        self._change_runtime(self._containerd(name, programs))
        try:
            yield
        finally:
            self._change_runtime(usual)

    def wait_until_ready(self) -> None:
        """Until a pod would be scheduled and run. Raises ComponentError."""
        until(self._takes_pods, "the node is ready", NODE_SECONDS)

    def _containerd(self, name: str, programs: Path | None) -> Containerd:
        # Plugins get containerd's environment, so this is how genie finds its agent.
        environment = {"GENIE_AGENT_SOCKET": str(self.agent_socket), "GENIE_SPOOL": str(self.agent_spool)}
        socket = self.directory / "containerd.sock"
        return Containerd(self.directory / name, socket, self.conf_dir, self.bin_dir, programs, environment)

    def _change_runtime(self, runtime: Containerd) -> None:
        self.power_off()
        self.runtime = runtime
        self.containerd.start()
        self._import_images()
        self.power_on()

    def _import_images(self) -> None:
        for image in (images.pause(self.directory), images.busybox()):
            self.runtime.import_image(image)

    def _takes_pods(self) -> bool:
        nodes = self.kubectl.read("get", "nodes")["items"]
        accounts = self.kubectl("get", "serviceaccounts", "-n", "default", "-o", "name")
        return bool(nodes) and "serviceaccount/default" in accounts and all(map(_untainted, nodes))


def pod(name: str, namespace: str = "default", annotations: Mapping[str, str] | None = None, **spec: Any) -> Any:
    """A pod that waits until it is told to end; ``spec`` has more of its ``spec``."""
    container = {"name": "main", "image": images.BUSYBOX, "imagePullPolicy": "IfNotPresent"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": dict(annotations or {})},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 5, **spec},
    }


def _untainted(node: Mapping[str, Any]) -> bool:
    conditions = {condition["type"]: condition["status"] for condition in node["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and not node["spec"].get("taints")
