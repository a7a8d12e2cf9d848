"""The clique on top of an AS graph: the networks that need no provider because they peer with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.network.asgraph.graph import CUSTOMER, PEER, PROVIDER
from emulator.network.asgraph.structure import neighbors_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]

SEED: Final = 10
"""The clique is looked for among this many of the largest first, and then grown, as Luckie et al. do."""


def inferred_clique(graph: AsGraph, cones: Ints) -> tuple[int, ...]:
    """Nodes of the clique, ascending, as the graph itself shows it; ``cones`` (N,) are the customer cones.

    Among nodes with customers but no providers, the 10 with the largest cones:
    of their maximal cliques of peerings (Bron and Kerbosch, CACM 1973) the one
    with the largest cones in sum. Then every further node, by size, that peers
    with all so far. After Luckie et al. (IMC 2013), section 4.3; they go by
    transit degree, and have paths instead of relationships to begin with. Empty
    where every node with customers has a provider.
    """
    is_free = (graph.degrees(PROVIDER) == 0) & (graph.degrees(CUSTOMER) > 0)
    free = np.flatnonzero(is_free)
    free = free[np.lexsort((free, -cones[free]))]
    largest = free[:SEED].tolist()
    peers = {node: frozenset(neighbors_of(graph, np.array([node]), PEER).tolist()) for node in free.tolist()}
    cliques = _maximal_cliques(largest, peers)
    core = max(cliques, key=lambda nodes: (int(cones[nodes].sum()), [-node for node in nodes]), default=[])
    for node in free.tolist():
        if node not in core and peers[node].issuperset(core):
            core.append(node)
    return tuple(sorted(core))


def _maximal_cliques(nodes: list[int], peers: dict[int, frozenset[int]]) -> Iterator[list[int]]:
    """All maximal cliques among ``nodes``."""
    work = [(list[int](), nodes, list[int]())]
    while work:
        clique, candidates, excluded = work.pop()
        if clique and not candidates and not excluded:
            yield clique
        for at, node in enumerate(candidates):
            rest, seen = candidates[at + 1 :], excluded + candidates[:at]
            work.append(
                (
                    [*clique, node],
                    [other for other in rest if other in peers[node]],
                    [other for other in seen if other in peers[node]],
                )
            )
