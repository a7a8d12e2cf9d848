"""Which site everybody ends up at when several announce, from neighbour to neighbour, in shares.

Where an AS has equally good routes the graph does not say which it takes. Here
it leans towards each neighbour by a weight instead, and what it is known to do
by itself, as measured or learned, is laid on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.steady.preferences_reach import is_offered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.preferences_reach import Reach

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

RELATION_WEIGHT: Final = 1.5
"""Log-odds of a customer's route against a peer's, and of a peer's against a provider's."""
LENGTH_WEIGHT: Final = 0.7
"""Log-odds of a route against one that is an AS longer; lengths beyond 30 are as bad as 30."""
SEEN_WEIGHT: Final = 100.0
"""A next hop that a path shows is the one, whatever the graph offers besides."""
SHARE_MIN: Final = 0.03
"""Neighbours never convince an AS to more than this is left for any site: so its own ways can show."""
_LENGTH_MAX: Final = 30
_ROUNDS: Final = 25
_UNDAMPED_ROUNDS: Final = 4
_SETTLED: Final = 0.02
_NEVER: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """What is offered over which slots, for M sites.

    ``slot`` (K,) ascending; ``owner`` and ``neighbor`` (K,) nodes; ``is_offered`` (K, M)
    whether the neighbour passes its route to each site on; ``lean`` (K, M) log-weight of
    that route.
    """

    sites: tuple[int, ...]
    slot: Ints
    owner: Ints
    neighbor: Ints
    is_offered: npt.NDArray[np.bool_]
    lean: Floats


def offers(graph: AsGraph, reaches: Sequence[Reach]) -> Offers:
    """What neighbours offer where each of the sites is reached as ``reaches`` say."""
    offered = np.zeros((graph.slot_count, len(reaches)), np.bool_)
    for at, each in enumerate(reaches):
        offered[:, at] = is_offered(graph, each.relation)
        offered[each.seen[each.seen >= 0], at] = True
    slot = np.flatnonzero(offered.any(axis=1))
    owner, neighbor = graph.slot_node()[slot].astype(np.int64), graph.neighbor[slot].astype(np.int64)
    lean = np.empty((len(slot), len(reaches)))
    for at, each in enumerate(reaches):
        length = np.minimum(each.length[neighbor] + 1, _LENGTH_MAX)
        lean[:, at] = RELATION_WEIGHT * graph.relation[slot] - LENGTH_WEIGHT * length
        lean[:, at] += SEEN_WEIGHT * (each.seen[owner] == slot)
    return Offers(tuple(each.node for each in reaches), slot, owner, neighbor, offered[slot], lean)


def spread(of: Offers, evidence: Floats, habit: Floats | None = None) -> tuple[Floats, Floats]:
    """Shares (N, M) of all nodes in the sites, and the weights (K,) by which each leans on its neighbours.

    ``evidence`` (N, M) is log-odds between sites that count for a node by itself, 0
    where nothing is known; ``habit`` (S,) adds to the lean on slots. A node's share is
    its neighbours' by weight, the weight being that of the routes they offer by their own
    shares; rounds are repeated until nothing moves by more than 0.02, or 25 times.
    """
    count, own = evidence.shape[0], list(of.sites)
    share = np.full(evidence.shape, 1 / len(own))
    share[own] = np.eye(len(own))
    lean = of.lean if habit is None else of.lean + habit[of.slot][:, None]
    rows, first = np.unique(of.owner, return_index=True)
    weight = np.zeros(len(of.slot))
    for turn in range(_ROUNDS):
        theirs = share[of.neighbor] * of.is_offered
        likely = theirs.sum(axis=1)
        theirs /= np.maximum(likely, _NEVER)[:, None]
        score = (theirs * lean).sum(axis=1) + np.log(likely + _NEVER)
        top = np.zeros(count)
        top[rows] = np.maximum.reduceat(score, first) if len(first) else 0
        weight = np.exp(np.maximum(score - top[of.owner], -50.0))
        weight /= np.bincount(of.owner, weight, count)[of.owner]
        mixed = np.stack(
            [np.bincount(of.owner, weight * theirs[:, at], count) for at in range(len(own))], axis=1
        )
        mixed[mixed.sum(axis=1) == 0] = 1 / len(own)
        fresh = softmax(np.log(np.maximum(mixed, SHARE_MIN)) + evidence)
        fresh[own] = np.eye(len(own))
        if turn >= _UNDAMPED_ROUNDS:
            fresh = (fresh + share) / 2
        moved = float(np.abs(fresh - share).max(initial=0))
        share = fresh
        if moved < _SETTLED:
            break
    return share, weight


def softmax(scores: Floats) -> Floats:
    """Shares that add up to 1 in every row, by log-odds."""
    raised: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares
