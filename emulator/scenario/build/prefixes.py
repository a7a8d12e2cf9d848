"""Which prefixes are announced, where, to whom; and the addresses that clients use.

Every prefix of every strategy is announced in the one run of the control
plane. In the world they are taken from 198.18.0.0/15, set aside for benchmarks
(RFC 2544). A provider's prefix lies under the cover; a strategy without a
cover looks its address up as if the cover were not announced.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import Attributes
from emulator.forwarding.history import Destination
from emulator.forwarding.lpm import resolve
from emulator.scenario.build.policies import communities, large_communities
from emulator.scenario.plan import Prefix
from emulator.scenario.schema_clients import IpaStrategy, UnicastStrategy, UserStrategy
from emulator.scenario.schema_network import GraphNetwork, LabNetwork
from emulator.timeline import Originate

if TYPE_CHECKING:
    from emulator.scenario.build.network import Built
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_lab import Carried

SHARED: Final = "198.18.0.0/24"
COVER: Final = "198.19.0.0/16"
_PROVIDER: Final = "198.19.{}.0/24"
_POP: Final = "198.18.{}.0/24"
_PROVIDERS_MAX: Final = 256
_POPS_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Addressing:
    """Prefixes, who announces them before t = 0, and destinations by what they are for.

    Destination names: ``shared``, ``AS1299``, ``AS1299 with cover``, ``pop SIN``;
    on an AS graph without a CDN each prefix is one, and named as it is written.
    The first one is what anycast gives to clients.
    """

    prefixes: tuple[Prefix, ...]
    originations: tuple[Originate, ...]
    destinations: tuple[Destination, ...]

    def prefix(self, text: str) -> Prefix:
        """The prefix written ``text``."""
        return next(prefix for prefix in self.prefixes if prefix.text == text)

    @property
    def shared(self) -> int:
        """Index of the destination that all clients may use."""
        return self.destinations[0].index

    def destination(self, name: str) -> int:
        """Index of the destination called ``name``."""
        return next(each.index for each in self.destinations if each.name == name)


class _Making:
    def __init__(self) -> None:
        self.prefixes: list[Prefix] = []
        self.originations: list[Originate] = []
        self.destinations: list[Destination] = []

    def prefix(self, text: str, role: str) -> int:
        for known in self.prefixes:
            if known.text == text:
                return known.index
        self.prefixes.append(Prefix(len(self.prefixes), text, role))
        return len(self.prefixes) - 1

    def destination(self, name: str, address_of: str, *, without: str | None = None) -> None:
        """Add a destination: the first host address of a prefix, looked up among all but ``without``."""
        self._add(name, _first_host(address_of), without)

    def destinations_by_prefix(self) -> None:
        """Add one a prefix: its first host address, or one that no longer prefix covers where it has any."""
        texts = [prefix.text for prefix in self.prefixes]
        networks = [ipaddress.ip_network(text) for text in texts]
        for text, around in zip(texts, networks, strict=True):
            last = around.broadcast_address
            inside = (each.broadcast_address for each in networks if each.broadcast_address in around)
            addresses = [_first_host(text), *(str(each + 1) for each in inside if each != last)]
            own = (each for each in addresses if texts[resolve(each, texts)[0]] == text)
            self._add(text, next(own, addresses[0]), None)

    def _add(self, name: str, address: str, without: str | None) -> None:
        visible = [p for p in self.prefixes if p.text != without]
        covering = resolve(address, [p.text for p in visible])
        self.destinations.append(
            Destination(len(self.destinations), name, tuple(visible[i].index for i in covering))
        )

    def finish(self) -> Addressing:
        return Addressing(tuple(self.prefixes), tuple(self.originations), tuple(self.destinations))


def build_addressing(document: Scenario, world: Built, problems: Problems) -> Addressing:
    """Lay out the prefixes that the scenario's strategies and timeline need."""
    if world.cdn_asn is not None:
        return _world(document, world, problems)
    if isinstance(document.network, LabNetwork):
        return _lab(document, document.network)
    return _graph(document, world, problems)


def _graph(document: Scenario, world: Built, problems: Problems) -> Addressing:
    """Prefixes as written, each a destination: there is no telling which one matters."""
    making = _Making()
    _graph_prefixes(making, document, world, problems)
    _timeline_prefixes(making, document)
    making.destinations_by_prefix()
    return making.finish()


def _lab(document: Scenario, lab: LabNetwork) -> Addressing:
    """Prefixes as written, at their routers and in the timeline; the first one is what clients use."""
    making = _Making()
    specs = lab.routers
    for router, spec in enumerate(specs.values()):
        for each in spec.originated:
            prefix = making.prefix(each.prefix, "lab")
            making.originations.append(Originate(router, prefix, carrying=carried(each, router)))
    _timeline_prefixes(making, document)
    if making.prefixes:
        address = making.prefixes[0].text
        for spec in specs.values():
            for aggregate in spec.aggregate:
                making.prefix(aggregate.prefix, "lab")
        making.destination("shared", address)
    return making.finish()


def _graph_prefixes(making: _Making, document: Scenario, world: Built, problems: Problems) -> None:
    """What routers of an AS graph announce before t = 0."""
    if not isinstance(document.network, GraphNetwork):
        return
    for name, texts in document.network.prefixes.items():
        known = world.names.router_by_name.get(name)
        numbers = [making.prefix(text, "lab") for text in texts]
        if known is None:
            message = f"unknown router {name!r}: it is not in the graph{world.seed_hint}"
            problems.add(("network", "prefixes", name), message)
        else:
            making.originations += [Originate(known.index, number) for number in numbers]


def _timeline_prefixes(making: _Making, document: Scenario) -> None:
    """What is announced or withdrawn by name."""
    for event in document.timeline:
        changed = getattr(event, "announce", None) or getattr(event, "withdraw", None)
        if isinstance(changed, str):
            making.prefix(changed, "lab")


def carried(spec: Carried, router: int) -> Attributes | None:
    """What an announcement by ``router`` carries beside the prefix, None for nothing."""
    attributes = Attributes(
        (),
        router,
        med=spec.med,
        communities=communities(spec.communities),
        large_communities=large_communities(spec.large_communities),
    )
    return None if attributes == Attributes((), router) else attributes


def _first_host(prefix: str) -> str:
    """The address after the network's own; of a host route the host's."""
    network = ipaddress.ip_network(prefix)
    return str(network.network_address + min(1, network.num_addresses - 1))


def _world(document: Scenario, world: Built, problems: Problems) -> Addressing:
    making, pops = _Making(), world.names.pops
    strategies = document.strategies.values()
    wants_providers = any(isinstance(s, (IpaStrategy, UserStrategy)) for s in strategies)
    covers = {s.cover for s in strategies if isinstance(s, (IpaStrategy, UserStrategy))}
    if len(world.transit) > _PROVIDERS_MAX:
        problems.add(("network", "cdn", "transit"), f"expected at most {_PROVIDERS_MAX} providers")
        return making.finish()
    shared = making.prefix(SHARED, "shared")
    making.originations += [Originate(pop.router, shared) for pop in pops]
    if True in covers:
        cover = making.prefix(COVER, "cover")
        making.originations += [Originate(pop.router, cover) for pop in pops]
    if wants_providers:
        for number, asn in enumerate(world.transit):
            prefix = making.prefix(_PROVIDER.format(number), f"provider AS{asn}")
            making.originations += [
                Originate(pop.router, prefix, frozenset((asn,)))
                for pop in pops
                if _meets(world, pop.router, asn)
            ]
    if any(isinstance(s, UnicastStrategy) for s in strategies):
        if len(pops) > _POPS_MAX:
            problems.add(("network", "cdn", "pops"), f"expected at most {_POPS_MAX} POPs with unicast")
            return making.finish()
        for pop in pops:
            prefix = making.prefix(_POP.format(pop.index + 1), f"pop {pop.code}")
            making.originations.append(Originate(pop.router, prefix))
    _world_destinations(making, world, covers, wants_providers=wants_providers)
    if isinstance(document.network, GraphNetwork):
        _graph_prefixes(making, document, world, problems)
        _timeline_prefixes(making, document)
    return making.finish()


def _world_destinations(making: _Making, world: Built, covers: set[bool], *, wants_providers: bool) -> None:
    making.destination("shared", SHARED)
    if wants_providers:
        for number, asn in enumerate(world.transit):
            text = _PROVIDER.format(number)
            if False in covers:
                making.destination(f"AS{asn}", text, without=COVER)
            if True in covers:
                making.destination(f"AS{asn} with cover", text)
    for prefix in list(making.prefixes):
        if prefix.role.startswith("pop "):
            making.destination(prefix.role, prefix.text)


def _meets(world: Built, router: int, asn: int) -> bool:
    """Whether the CDN's router has a session with the AS."""
    theirs = world.names.routers_of.get(asn, ())
    return any(neighbor in theirs for neighbor in world.names.neighbors(router))
