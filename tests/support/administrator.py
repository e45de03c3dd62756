"""Somebody who may do everything in a cluster, without the price of a kubectl for each act."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.support.cluster import ApiServer

PLURALS = {
    "NetworkAttachmentDefinition": "network-attachment-definitions",
    "LogicalNetwork": "logicalnetworks",
    "PhysicalNetwork": "physicalnetworks",
    "RuntimeClass": "runtimeclasses",
}


class Administrator:
    """Makes, changes and deletes objects."""

    def __init__(self, server: ApiServer) -> None:
        self._http = httpx2.Client(
            base_url=server.url,
            verify=ssl.create_default_context(cafile=str(server.authority)),
            headers={"Authorization": f"Bearer {server.credentials.tokens['admin']}"},
            trust_env=False,
            timeout=30,
        )

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create the object, or put it in place of what has its name; a pod keeps its spec."""
        path = path_of(manifest)
        found = self._http.get(f"{path}/{manifest['metadata']['name']}")
        if found.status_code == 404:
            return self._done(self._http.post(path, json=manifest))
        now = found.json()
        metadata = {**manifest["metadata"], "resourceVersion": now["metadata"]["resourceVersion"]}
        spec = now["spec"] if manifest["kind"] == "Pod" else manifest.get("spec")
        changed = {**manifest, "metadata": metadata, **({} if spec is None else {"spec": spec})}
        return self._done(self._http.put(f"{path}/{metadata['name']}", json=changed))

    def annotate(self, manifest: dict[str, Any], annotations: dict[str, str | None]) -> None:
        """Set these annotations of the object, None takes one away, as ``kubectl annotate --overwrite``."""
        path = f"{path_of(manifest)}/{manifest['metadata']['name']}"
        patch = {"metadata": {"annotations": annotations}}
        headers = {"Content-Type": "application/merge-patch+json"}
        self._done(self._http.patch(path, json=patch, headers=headers))

    def delete(self, manifest: dict[str, Any], grace_seconds: int = 0) -> None:
        """Delete it, by default at once."""
        path = f"{path_of(manifest)}/{manifest['metadata']['name']}"
        self._done(self._http.request("DELETE", path, json={"gracePeriodSeconds": grace_seconds}))

    def read(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The object as it is now."""
        return self._done(self._http.get(f"{path_of(manifest)}/{manifest['metadata']['name']}"))

    def find(self, manifest: dict[str, Any]) -> dict[str, Any] | None:
        """The same, where there is one."""
        answer = self._http.get(f"{path_of(manifest)}/{manifest['metadata']['name']}")
        return None if answer.status_code == 404 else self._done(answer)

    def watch(self, manifest: dict[str, Any], version: str) -> Iterator[dict[str, Any]]:
        """What becomes of the object from that version of it on."""
        wanted = {"watch": "true", "fieldSelector": f"metadata.name={manifest['metadata']['name']}"}
        with self._http.stream("GET", path_of(manifest), params={**wanted, "resourceVersion": version}) as answer:
            for line in answer.iter_lines():
                yield json.loads(line)["object"]

    def namespace(self, name: str) -> None:
        """Make sure that it is there."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    @staticmethod
    def _done(answer: httpx2.Response) -> dict[str, Any]:
        assert answer.is_success, answer.text
        content: dict[str, Any] = answer.json()
        return content


def path_of(manifest: dict[str, Any]) -> str:
    """Where objects of its kind and namespace are."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    namespace = manifest["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}{f'/namespaces/{namespace}' if namespace else ''}/{PLURALS.get(kind, kind.lower() + 's')}"
