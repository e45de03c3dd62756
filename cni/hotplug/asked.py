"""One network that a running workload is to be brought onto, and what its plugins are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from cni import deviceinfo
from cni.adding import AS_ARGS
from cni.args import delegate_args, parse_args
from cni.attach import AttachRequest
from cni.elements import BY_HAND, element_of, recorded
from cni.hotplug.targets import Target, Unusable
from cni.model import Attachment
from cni.nadspec import NO_OPTIONS, Options
from cni.netconf import NetworkConfig
from cni.protocol import CniError
from cni.requested import request
from cni.store import Store

FOR_ONE_NETWORK = ("IP", "MAC")
"""CNI_ARGS that ask one network for something, which another must not be asked for too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for. ``ifname`` empty: the interface may have any name."""

    network: NetworkConfig
    name: str
    """The network's, as it was asked for."""
    ifname: str = ""
    options: Options = NO_OPTIONS
    by: str = BY_HAND


def attach_request(store: Store, target: Target, asked: Asked, ifname: str) -> AttachRequest:
    """As the runtime's ADD would have had it, but that it is tied to none of the runtime's interfaces.

    Raises Unusable when no plugin of the network can do what is asked.
    """
    model = target.attachments[0] if target.attachments else None
    as_args = (target.rules(store) or {}).get(AS_ARGS) is True
    try:
        told = request(asked.network.network, asked.network.config, asked.options, as_args=as_args)
    except CniError as error:
        raise Unusable(str(error)) from error
    network = replace(asked.network, config=told.config)
    devices = deviceinfo.asked_for(network, target.container_id, ifname)
    return AttachRequest(
        container_id=target.container_id,
        name=ifname,
        workload=target.workload,
        netns=target.netns,
        ifname=ifname,
        network=network,
        position=1 + max((each.position for each in target.attachments), default=-1),
        cni_args=_args_like(model, told.args),
        capabilities=msgspec.json.encode({**told.capabilities, **devices}),
        started_at=None if model is None else model.started_at,
        annotations={} if model is None else model.annotations,
        labels={} if model is None else model.labels,
        pod_uid="" if model is None else model.pod_uid,
        request=recorded(element_of(asked.name, asked.options), ifname, asked.by),
    )


def _args_like(model: Attachment | None, requested: Mapping[str, str]) -> str:
    given: Mapping[str, str] = parse_args(model.cni_args) if model is not None else {}
    kept = {key: value for key, value in given.items() if key not in FOR_ONE_NETWORK}
    return delegate_args(kept, requested)
