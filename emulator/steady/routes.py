"""Every node's best route for one prefix, as arrays: next hops, AS paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]
    Int8s = npt.NDArray[np.int8]

OWN = 4
"""Value of `Routes.relation` at an origin; the others are those of `AsGraph.relation`, 0 for no route."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A node that announces the prefix: to all its neighbours, or to those of the ASes ``only_to``."""

    node: int
    only_to: frozenset[int] | None = None


@dataclass(frozen=True, eq=False)
class Routes:
    """The Loc-RIB entry of every node for one prefix. Read-only.

    Of each (N,): ``next_hop`` int32 the neighbour, the node itself at an origin, -1
    without a route; ``slot`` int32 the node's slot that the route came over, -1 at an
    origin or without a route; ``relation`` int8 what that neighbour is to the node
    (`PROVIDER`, `PEER`, `CUSTOMER`), `OWN` at an origin, 0 without a route;
    ``length`` int32 of the AS path, prepending counted, 0 at an origin or without a
    route; ``origin`` int32 the node that announced it, -1 without a route.
    ``origins`` are what was solved for, ``rank`` int64 is the solver's own form
    (`emulator.steady.sweeps`), from which `solve_again` goes on.
    """

    next_hop: Int32s
    slot: Int32s
    relation: Int8s
    length: Int32s
    origin: Int32s
    origins: tuple[Origin, ...] = field(repr=False)
    rank: Ints = field(repr=False)

    def path(self, graph: AsGraph, node: int) -> tuple[int, ...]:
        """AS path of the node's route as in its Loc-RIB, prepending included, its own AS not.

        Empty at an origin, and without a route.
        """
        path: list[int] = []
        while self.slot[node] >= 0:
            hop = int(self.next_hop[node])
            path += [int(graph.asn[hop])] * int(self.length[node] - self.length[hop])
            node = hop
        return tuple(path)
