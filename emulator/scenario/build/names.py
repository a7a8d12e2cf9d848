"""What a scenario's names mean in a network, whichever form it is kept in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from emulator.network.model import AutonomousSystem, Kind, Router

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.asgraph.graph import AsGraph
    from emulator.network.model import ClientGroup, Link, Pop, Segment


class Names(Protocol):
    """A `emulator.network.model.Network`, or what of one an AS graph can say without being made into one."""

    @property
    def router_by_name(self) -> Mapping[str, Router]:
        """Routers by name; gone through, the names that one might have meant."""

    @property
    def routers_of(self) -> Mapping[int, tuple[int, ...]]:
        """The routers of each AS."""

    @property
    def system_by_asn(self) -> Mapping[int, AutonomousSystem]:
        """ASes by number."""

    @property
    def systems(self) -> Sequence[AutonomousSystem]:
        """The ASes that a message may name."""

    @property
    def routers(self) -> Sequence[Router]:
        """Routers by index."""

    @property
    def links(self) -> Sequence[Link]:
        """Links by index; none of an AS graph's."""

    @property
    def segments(self) -> Sequence[Segment]:
        """Stretches of fibre."""

    @property
    def links_on_segment(self) -> Sequence[tuple[int, ...]]:
        """The links that ride on each."""

    @property
    def pops(self) -> Sequence[Pop]:
        """The CDN's POPs."""

    @property
    def groups(self) -> Sequence[ClientGroup]:
        """Client groups."""

    def links_between(self, first: int, second: int) -> tuple[int, ...]:
        """The links that join two routers."""

    def neighbors(self, router: int) -> tuple[int, ...]:
        """The routers at the other ends of a router's links, each once."""


class _RouterByName(Mapping[str, Router]):
    """``AS174``, or the name of a site or collector."""

    def __init__(self, graph: AsGraph) -> None:
        self._graph = graph
        self._labelled = {name: node for node, name in graph.labels.items()}

    def __getitem__(self, name: str) -> Router:
        node = self._labelled.get(name)
        if node is None and name[2:].isdecimal() and name == f"AS{int(name[2:])}":
            node = self._graph.node(int(name[2:]))
            if node is not None and node in self._graph.labels:
                node = None
        if node is None:
            raise KeyError(name)
        return Router(node, name, int(self._graph.asn[node]), node + 1)

    def __iter__(self) -> Iterator[str]:
        return iter(self._labelled)

    def __len__(self) -> int:
        return len(self._labelled)


class _RoutersOf(Mapping[int, tuple[int, ...]]):
    """The nodes of an AS."""

    def __init__(self, graph: AsGraph) -> None:
        self._graph = graph

    def __getitem__(self, asn: int) -> tuple[int, ...]:
        nodes = tuple(self._graph.nodes(asn))
        if not nodes:
            raise KeyError(asn)
        return nodes

    def __iter__(self) -> Iterator[int]:
        return iter(dict.fromkeys(self._graph.asn.tolist()))

    def __len__(self) -> int:
        return len(self._graph)


class _SystemByAsn(Mapping[int, AutonomousSystem]):
    """ASes, named by their number, but for the CDN."""

    def __init__(self, graph: AsGraph, cdn: AutonomousSystem | None) -> None:
        self._graph = graph
        self._cdn = cdn

    def __getitem__(self, asn: int) -> AutonomousSystem:
        if self._cdn is not None and asn == self._cdn.asn:
            return self._cdn
        if self._graph.node(asn) is None:
            raise KeyError(asn)
        return AutonomousSystem(asn, f"AS{asn}", Kind.LAB)

    def __iter__(self) -> Iterator[int]:
        return iter(dict.fromkeys(self._graph.asn.tolist()))

    def __len__(self) -> int:
        return len(self._graph)


class GraphNames:
    """`Names` of an AS graph."""

    def __init__(
        self,
        graph: AsGraph,
        pops: tuple[Pop, ...] = (),
        groups: tuple[ClientGroup, ...] = (),
        cdn: AutonomousSystem | None = None,
    ) -> None:
        """Of ``graph``, whose nodes ``pops`` and ``groups`` name."""
        self._graph = graph
        self.pops = pops
        self.groups = groups
        self.router_by_name: Mapping[str, Router] = _RouterByName(graph)
        self.routers_of: Mapping[int, tuple[int, ...]] = _RoutersOf(graph)
        self.system_by_asn: Mapping[int, AutonomousSystem] = _SystemByAsn(graph, cdn)
        self.systems: tuple[AutonomousSystem, ...] = () if cdn is None else (cdn,)
        self.routers: tuple[Router, ...] = ()
        self.links: tuple[Link, ...] = ()
        self.segments: tuple[Segment, ...] = ()
        self.links_on_segment: tuple[tuple[int, ...], ...] = ()

    def links_between(self, first: int, second: int) -> tuple[int, ...]:
        """The link that joins two nodes, if one does."""
        slot = self._graph.slot(first, second)
        return () if slot is None else (int(self._graph.link[slot]),)

    def neighbors(self, router: int) -> tuple[int, ...]:
        """The nodes at the other ends of a node's links."""
        row = self._graph.slots(router)
        return tuple(self._graph.neighbor[row.start : row.stop].tolist())
