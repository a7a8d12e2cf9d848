"""An AS graph as a network of full speakers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.network.asgraph.graph import PEERING
from emulator.network.model import AutonomousSystem, Kind, Link, Network, Relationship, Router
from emulator.units import Duration

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.network.model import ClientGroup, Pop

ROUTERS_MAX: Final = 2_000
"""More full speakers would take minutes and gigabytes."""


def as_network(
    graph: AsGraph,
    delays: npt.NDArray[np.int64],
    pops: tuple[Pop, ...] = (),
    groups: tuple[ClientGroup, ...] = (),
    cdn: AutonomousSystem | None = None,
) -> Network:
    """Routers and links with the graph's numbers; identifiers ascend with nodes, so that ties break alike."""
    routers = tuple(
        Router(node, graph.name(node), asn, node + 1) for node, asn in enumerate(graph.asn.tolist())
    )
    links = tuple(
        Link(
            link,
            (first, second),
            Duration(delay),
            Relationship.PEER if kind == PEERING else Relationship.CUSTOMER_PROVIDER,
        )
        for link, ((first, second), kind, delay) in enumerate(
            zip(graph.link_ends.tolist(), graph.link_kind.tolist(), delays.tolist(), strict=True)
        )
    )
    systems = tuple(
        cdn if cdn is not None and asn == cdn.asn else AutonomousSystem(asn, f"AS{asn}", Kind.LAB)
        for asn in dict.fromkeys(graph.asn.tolist())
    )
    return Network(routers, links, systems, pops=pops, groups=groups)
