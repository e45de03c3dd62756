"""Who carries a container's default route when several networks would: one attachment per address family. Pure.

The first attachment does, unless another one is asked to (``default-route`` of a network selection element,
NetworkAttachmentDefinition 1.3, section 4.1.2.1.9). Plugins know nothing of each other: without a judge the last one
takes the default route, or fails since there is one already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

FAMILIES = frozenset({4, 6})
MAIN_TABLE = 254
_DEFAULTS = {4: "0.0.0.0/0", 6: "::/0"}

Result = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultRoute:
    """What becomes of an attachment's default routes in the container's main table; its own table keeps its own."""

    kept: frozenset[int] = FAMILIES
    """Families (4, 6) in which what its plugins install stays; in the others it is removed again."""
    gateways: tuple[str, ...] = ()
    """It carries the default route by these, one per family; no one else does in their families."""
    make_room: bool = True
    """Others' default routes are out of main while its plugins run, since some fail when there is one. Not where the
    container is at work already and nothing else (the pin of a live switch) holds its traffic."""

    @property
    def untouched(self) -> bool:
        """Whether there is nothing to do at all."""
        return self.kept == FAMILIES and not self.gateways


KEEP = DefaultRoute()
"""Whatever its plugins install stays."""
NONE = DefaultRoute(kept=frozenset())
"""It ends up without any."""


@dataclass(frozen=True, slots=True)
class Aside:
    """The default routes that main had before an attachment came, as the kernel has them; whether main lacks them."""

    routes: tuple[bytes, ...] = ()
    taken: bool = False


def via(*gateways: str) -> DefaultRoute:
    """It carries the default route by these gateways, and none in another family. Raises ValueError."""
    _check(gateways)
    return DefaultRoute(kept=frozenset(), gateways=gateways)


def arbitrated(wishes: Sequence[Sequence[str] | None]) -> list[DefaultRoute]:
    """What each attachment of one ADD gets, in order.

    A wish is the gateways that an attachment is asked to carry the default route by; an empty one says that no
    attachment carries any, None says nothing. Raises ValueError when more than one has a wish, when a gateway is no
    address, or when it names two of one family.
    """
    told = [wish for wish in wishes if wish is not None]
    if len(told) > 1:
        raise ValueError("only one attachment may be asked to carry the default route")
    _check(told[0] if told else ())
    if told and not told[0]:
        return [NONE] * len(wishes)
    asked = {ip_address(gateway).version for wish in told for gateway in wish}
    return [
        DefaultRoute(kept=FAMILIES - asked if position == 0 else frozenset(), gateways=tuple(wish or ()))
        for position, wish in enumerate(wishes)
    ]


def result_with(result: Result, wanted: DefaultRoute) -> Result:
    """The result of an ADD as the arbitration leaves it: no default route that is removed, and those by ``gateways``.

    Of any version's shape; what is not a route of main stays as it is.
    """
    if wanted.untouched:
        return result
    old_shape = {key: version for key, version in (("ip4", 4), ("ip6", 6)) if result.get(key)}
    if old_shape:
        return {**result, **{key: _with_routes(result[key], wanted, {family}) for key, family in old_shape.items()}}
    return _with_routes(result, wanted, FAMILIES)


def _with_routes(holder: Result, wanted: DefaultRoute, families: frozenset[int] | set[int]) -> Result:
    kept = [route for route in holder.get("routes") or [] if _default_family(route) in wanted.kept | {None}]
    for gateway in wanted.gateways:
        family = ip_address(gateway).version
        if family in families:
            kept.append({"dst": _DEFAULTS[family], "gw": gateway})
    rest = {key: value for key, value in holder.items() if key != "routes"}
    return {**rest, "routes": kept} if kept else rest


def _default_family(route: Result) -> int | None:
    """The family of a default route of the main table; None for every other route."""
    destination = str(route.get("dst", ""))
    if not destination.endswith("/0") or route.get("table") not in (None, 0, MAIN_TABLE):
        return None
    return 6 if ":" in destination else 4


def _check(gateways: Sequence[str]) -> None:
    """Raises ValueError."""
    counted = Counter(ip_address(gateway).version for gateway in gateways)
    if any(number > 1 for number in counted.values()):
        raise ValueError(f"more than one gateway of a family: {', '.join(gateways)}")
