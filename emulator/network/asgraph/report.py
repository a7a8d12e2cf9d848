"""What an AS graph is like: sizes, degrees, the clique, what is odd about it, customer cones.

AS numbers throughout, in ascending order unless said otherwise. Of an AS with
several nodes each counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.network.asgraph.clique import inferred_clique
from emulator.network.asgraph.cones import customer_cones
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEER, PROVIDER
from emulator.network.asgraph.structure import (
    components,
    cycle_members,
    provider_cycles,
    reached_valley_free,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.network.asgraph.relationships import Relationships

    Ints = npt.NDArray[np.int64]

LARGEST: Final = 10
"""ASes that are listed by the size of their customer cone."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How some number is spread over ASes; quantiles are the smallest value that many ASes do not exceed."""

    mean: float
    p50: int
    p90: int
    p99: int
    largest: int
    largest_asn: int
    """The (lowest) AS that has the largest."""


@dataclass(frozen=True, slots=True)
class Clique:
    """The networks on top."""

    members: tuple[int, ...]
    is_given: bool
    """By the file's header; else inferred (`emulator.network.asgraph.clique`)."""
    absent: tuple[int, ...]
    """Members that the graph does not have."""
    with_providers: tuple[int, ...]
    unpeered: tuple[tuple[int, int], ...]
    """Pairs of members that are not peers."""


@dataclass(frozen=True, slots=True)
class Cone:
    """An AS with a large customer cone; ``cone`` counts the AS itself."""

    asn: int
    cone: int
    customers: int
    peers: int
    providers: int


@dataclass(frozen=True, slots=True)
class TopologyReport:
    """Everything that is reported of a graph; counts are of ASes where not said otherwise."""

    ases: int
    links: int
    transit_links: int
    """Customer-provider links."""
    peering_links: int
    transit_ases: int
    """With customers."""
    stubs: int
    """Without."""
    multihomed_stubs: int
    """With two providers or more."""
    without_providers: int
    with_peers: int
    customers_of_transit_ases: Spread
    providers_of_stubs: Spread
    peers: Spread
    degree: Spread
    """Customers, peers and providers together."""
    cones_of_transit_ases: Spread
    clique: Clique
    ixp_route_servers: tuple[int, ...]
    """As the file's header names them, in its order."""
    ixp_route_servers_in_graph: tuple[int, ...]
    """Those of them that have links nevertheless, as if they were networks."""
    provider_cycles: tuple[tuple[int, ...], ...]
    """Of each knot of ASes that are their own indirect providers a shortest one, customer before provider."""
    ases_on_provider_cycles: int
    components: tuple[int, ...]
    """Sizes of the connected parts, largest first."""
    not_reached: tuple[int, ...] | None
    """ASes that no path without valleys joins with any member of the clique; None where there is none."""
    largest: tuple[Cone, ...]
    """By customer cone, largest first."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain lists and dictionaries."""
        return asdict(self)


def report(of: Relationships, progress: Callable[[str, float], None] | None = None) -> TopologyReport:
    """Look at everything in a file; ``progress`` hears of each stage (name, share done)."""
    say = progress or (lambda _stage, _done: None)
    graph = of.graph
    say("customer cones", 0.0)
    cones = customer_cones(graph)
    say("clique, cycles, parts", 0.0)
    customers, peers, providers = (graph.degrees(relation) for relation in (CUSTOMER, PEER, PROVIDER))
    is_transit = customers > 0
    clique = _clique(of, cones)
    members = [node for asn in clique.members for node in graph.nodes(asn)]
    knots = np.unique(cycle_members(graph), return_counts=True)[1]
    parts = np.unique(components(graph), return_counts=True)[1]
    order = np.lexsort((np.arange(len(graph)), -cones))[:LARGEST]
    transit_links = int((graph.link_kind == CUSTOMER_PROVIDER).sum())
    return TopologyReport(
        ases=len(graph),
        links=graph.link_count,
        transit_links=transit_links,
        peering_links=graph.link_count - transit_links,
        transit_ases=int(is_transit.sum()),
        stubs=int((~is_transit).sum()),
        multihomed_stubs=int((~is_transit & (providers > 1)).sum()),
        without_providers=int((providers == 0).sum()),
        with_peers=int((peers > 0).sum()),
        customers_of_transit_ases=_spread(customers, graph.asn, is_transit),
        providers_of_stubs=_spread(providers, graph.asn, ~is_transit),
        peers=_spread(peers, graph.asn),
        degree=_spread(customers + peers + providers, graph.asn),
        cones_of_transit_ases=_spread(cones, graph.asn, is_transit),
        clique=clique,
        ixp_route_servers=tuple(dict.fromkeys(of.ixps)),
        ixp_route_servers_in_graph=tuple(sorted(asn for asn in {*of.ixps} if graph.node(asn) is not None)),
        provider_cycles=tuple(
            tuple(int(graph.asn[node]) for node in cycle) for cycle in provider_cycles(graph)
        ),
        ases_on_provider_cycles=int(knots[knots > 1].sum()),
        components=tuple(sorted(parts.tolist(), reverse=True)),
        not_reached=tuple(graph.asn[~reached_valley_free(graph, members)].tolist()) if members else None,
        largest=tuple(
            Cone(
                int(graph.asn[node]),
                int(cones[node]),
                int(customers[node]),
                int(peers[node]),
                int(providers[node]),
            )
            for node in order.tolist()
        ),
    )


def _spread(values: Ints, asn: Ints, among: npt.NDArray[np.bool_] | None = None) -> Spread:
    """How ``values`` (N,) are spread, ``among`` some of the nodes; zeros where there are none."""
    if among is not None:
        values, asn = values[among], asn[among]
    if not len(values):
        return Spread(0.0, 0, 0, 0, 0, 0)
    half, most_of, nearly_all = np.quantile(values, (0.5, 0.9, 0.99), method="inverted_cdf").tolist()
    top = int(np.argmax(values))
    return Spread(
        float(values.mean()), int(half), int(most_of), int(nearly_all), int(values[top]), int(asn[top])
    )


def _clique(of: Relationships, cones: Ints) -> Clique:
    """The clique of the header, else the inferred one, and what does not fit it."""
    graph = of.graph
    if of.clique:
        members = tuple(sorted(set(of.clique)))
    else:
        members = tuple(graph.asn[list(inferred_clique(graph, cones))].tolist())
    absent = tuple(asn for asn in members if graph.node(asn) is None)
    nodes = {asn: node for asn in members if (node := graph.node(asn)) is not None}
    has_providers = graph.degrees(PROVIDER) > 0
    return Clique(
        members,
        bool(of.clique),
        absent,
        tuple(asn for asn, node in nodes.items() if has_providers[node]),
        tuple(
            (one, two)
            for one, node in nodes.items()
            for two, other in nodes.items()
            if one < two and not _are_peers(graph, node, other)
        ),
    )


def _are_peers(graph: AsGraph, node: int, other: int) -> bool:
    slot = graph.slot(node, other)
    return slot is not None and int(graph.relation[slot]) == PEER
