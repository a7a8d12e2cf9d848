"""An AS graph in arrays: who buys transit from whom, who peers with whom.

One node an AS, in ascending order of AS numbers, so that of two nodes the one
with the lower index has the lower AS number: the tie-break of the decision
process compares indices. Only an AS that stands in several places without a
backbone, as a CDN's sites do, has several nodes, next to each other.

Adjacencies are stored from both ends, as *slots*: the slots of node ``u`` are
``first[u] .. first[u + 1] - 1``, customers before peers before providers, each
ascending by neighbour. A slot stands for ``u``'s end of one BGP session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]
    Int8s = npt.NDArray[np.int8]

PROVIDER: Final = 1
"""Values of `AsGraph.relation`, those of `emulator.bgp.policy.Relation`: what the neighbour is."""
PEER: Final = 2
CUSTOMER: Final = 3

CUSTOMER_PROVIDER: Final = 0
"""Values of `AsGraph.link_kind`: the first end buys transit from the second."""
PEERING: Final = 1


@dataclass(frozen=True, eq=False)
class AsGraph:
    """N nodes, L links, S = 2 L slots. Read-only; make one with `from_links`.

    By node: ``asn`` (N,) int64 ascending, ``first`` (N + 1,) int64. By slot:
    ``neighbor`` (S,) int32 node, ``relation`` (S,) int8 what the neighbour is to
    the node, ``reverse`` (S,) int32 the neighbour's slot of the same link,
    ``link`` (S,) int32. By link: ``link_ends`` (L, 2) int32 nodes, of a
    customer-provider link the customer first, of a peering the lower node first;
    ``link_kind`` (L,) int8. Links are ordered by their lower, then their higher node.
    ``labels`` name the nodes that are not simply called after their AS.
    """

    asn: Ints
    first: Ints
    neighbor: Int32s
    relation: Int8s
    reverse: Int32s
    link: Int32s
    link_ends: Int32s
    link_kind: Int8s
    labels: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.asn)

    @property
    def link_count(self) -> int:
        """Number of links."""
        return len(self.link_kind)

    @property
    def slot_count(self) -> int:
        """Number of session ends, twice that of links."""
        return len(self.neighbor)

    def name(self, node: int) -> str:
        """What the node's router is called: ``AS174``, or a site's own name."""
        return self.labels.get(node, f"AS{self.asn[node]}")

    def node(self, asn: int) -> int | None:
        """The (first) node of an AS, None where the graph does not have it."""
        at = int(np.searchsorted(self.asn, asn))
        return at if at < len(self.asn) and self.asn[at] == asn else None

    def nodes(self, asn: int) -> range:
        """All nodes of an AS: one, or a site each."""
        low, high = np.searchsorted(self.asn, (asn, asn + 1))
        return range(int(low), int(high))

    def slots(self, node: int) -> range:
        """The node's slots."""
        return range(int(self.first[node]), int(self.first[node + 1]))

    def slot(self, node: int, neighbor: int) -> int | None:
        """The slot of ``node`` towards ``neighbor``, None where no link joins them."""
        row = self.slots(node)
        found = np.flatnonzero(self.neighbor[row.start : row.stop] == neighbor)
        return row.start + int(found[0]) if len(found) else None

    def degrees(self, relation: int) -> Ints:
        """(N,) how many customers, peers or providers each node has."""
        counts = np.bincount(self.slot_node()[self.relation == relation], minlength=len(self.asn))
        return counts.astype(np.int64)

    def slot_node(self) -> Int32s:
        """(S,) the node that each slot belongs to."""
        return np.repeat(np.arange(len(self.asn), dtype=np.int32), np.diff(self.first))


def from_links(
    asn: Ints,
    ends: npt.NDArray[np.integer[Any]],
    kind: npt.NDArray[np.integer[Any]],
    labels: Mapping[int, str] | None = None,
) -> AsGraph:
    """Lay out a graph of the nodes ``asn`` (N,), ascending, and the links ``ends`` (L, 2) between nodes.

    ``kind`` (L,) is `CUSTOMER_PROVIDER`, with the customer first, or `PEERING`.
    The order of links, and of the ends of a peering, does not matter. Raises
    `InputError` where a link joins a node to itself, or two links join one pair.
    """
    ends = np.asarray(ends, np.int32).reshape(-1, 2)
    kind = np.asarray(kind, np.int8)
    low, high = ends.min(axis=1), ends.max(axis=1)
    order = np.argsort(low.astype(np.int64) * len(asn) + high, kind="stable")
    ends, kind, low, high = ends[order], kind[order], low[order], high[order]
    _check_links(asn, low, high)
    is_peering = kind == PEERING
    ends = np.where(is_peering[:, None], np.stack((low, high), axis=1), ends).astype(np.int32)
    count = len(kind)
    # both ends of every link: node, neighbour, and what the neighbour is to the node
    node = np.concatenate((ends[:, 0], ends[:, 1]))
    neighbor = np.concatenate((ends[:, 1], ends[:, 0]))
    relation = np.concatenate(
        (np.where(is_peering, PEER, PROVIDER), np.where(is_peering, PEER, CUSTOMER))
    ).astype(np.int8)
    key = (node.astype(np.int64) * 4 + (CUSTOMER - relation)) * max(1, len(asn)) + neighbor
    order = np.argsort(key, kind="stable")
    position = np.empty(2 * count, np.int32)
    position[order] = np.arange(2 * count, dtype=np.int32)
    reverse = np.concatenate((position[count:], position[:count]))[order]
    first = np.zeros(len(asn) + 1, np.int64)
    np.cumsum(np.bincount(node, minlength=len(asn)), out=first[1:])
    links = np.arange(count, dtype=np.int32)
    return AsGraph(
        np.asarray(asn, np.int64),
        first,
        neighbor[order].astype(np.int32),
        relation[order],
        reverse.astype(np.int32),
        np.concatenate((links, links))[order],
        ends.astype(np.int32),
        kind.astype(np.int8),
        dict(labels or {}),
    )


def _check_links(asn: Ints, low: Int32s, high: Int32s) -> None:
    """Refuse links that no graph can have; pairs are sorted."""
    loops = np.flatnonzero(low == high)
    if len(loops):
        message = f"AS{asn[low[loops[0]]]} is given a link to itself"
        raise InputError(message)
    twice = np.flatnonzero((low[1:] == low[:-1]) & (high[1:] == high[:-1]))
    if len(twice):
        message = f"two links join AS{asn[low[twice[0]]]} and AS{asn[high[twice[0]]]}"
        raise InputError(message)
