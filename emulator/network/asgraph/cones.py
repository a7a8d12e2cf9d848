"""Customer cones: how many ASes an AS reaches by going down to customers only.

Luckie et al., "AS Relationships, Customer Cones, and Validation" (IMC 2013),
the recursive cone. Only ASes with customers need a row of bits, one for each AS
that may be below; rows are filled from the bottom up, a level and a slice of
columns at a time, so that memory stays small.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.network.asgraph.arrays import distinct, spans
from emulator.network.asgraph.structure import cycle_members, heights, transit_pairs

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]

_SLICE_BYTES: Final = 1 << 24
"""Size of the table of bits that is filled at a time."""
_WORD: Final = 64


def customer_cones(graph: AsGraph) -> Ints:
    """(N,) for each node how many ASes it has in its customer cone, itself among them.

    Exact. ASes on a cycle of customers and providers have one cone, that of them all.
    """
    knot = cycle_members(graph)
    customers, providers = transit_pairs(graph)
    below, above = _distinct(knot[customers], knot[providers], len(graph))
    rows = distinct(np.concatenate((above, knot[knot != np.arange(len(graph))])))
    row_of = np.full(len(graph), -1, np.int64)
    row_of[rows] = np.arange(len(rows))
    is_row = row_of[below] >= 0
    levels = _levels(row_of[below[is_row]], row_of[above[is_row]], len(rows))
    # what a row holds without asking other rows: its own nodes, and customers that have none themselves
    nodes = np.arange(len(graph))
    own = row_of[knot] >= 0
    system = np.unique(graph.asn, return_inverse=True)[1].astype(np.int64)
    holder = np.concatenate((row_of[knot[own]], row_of[above[~is_row]]))
    held = np.concatenate((system[nodes[own]], system[below[~is_row]]))
    sizes = np.ones(len(graph), np.int64)
    sizes[own] = _counted(holder, held, levels, len(rows), int(system.max(initial=-1)) + 1)[row_of[knot[own]]]
    return sizes


def _distinct(below: Ints, above: Ints, count: int) -> tuple[Ints, Ints]:
    """The pairs without repetitions and without those inside a knot."""
    key = distinct((above * count + below)[above != below])
    return key % count, key // count


def _levels(below: Ints, above: Ints, count: int) -> list[tuple[Ints, Ints, Ints]]:
    """From the bottom up: rows of one height, where their children start, and the children."""
    height = heights(below, above, count)
    order = np.argsort(above, kind="stable")
    child = below[order]
    first = np.searchsorted(above[order], np.arange(count + 1))
    by_height = np.argsort(height, kind="stable")
    bounds = np.searchsorted(height[by_height], np.arange(1, int(height.max(initial=0)) + 2))
    levels = []
    for start, stop in pairwise(bounds.tolist()):
        rows = by_height[start:stop]
        lengths = first[rows + 1] - first[rows]
        levels.append((rows, np.cumsum(lengths) - lengths, child[spans(first[rows], first[rows + 1])]))
    return levels


def _counted(
    holder: Ints, held: Ints, levels: list[tuple[Ints, Ints, Ints]], rows: int, columns: int
) -> Ints:
    """(rows,) how many different columns each row holds, by itself and through its children."""
    words = -(-columns // _WORD)
    at_once = max(1, _SLICE_BYTES // (8 * max(1, rows)))
    sizes = np.zeros(rows, np.int64)
    key = holder * words + held // _WORD
    order = np.argsort(key, kind="stable")
    cell, start = np.unique(key[order], return_index=True)
    bits: Any = np.bitwise_or.reduceat(np.uint64(1) << (held[order] % _WORD).astype(np.uint64), start)
    row, word = cell // words, cell % words
    for left in range(0, words, at_once):
        here = (word >= left) & (word < left + at_once)
        table = np.zeros((rows, min(at_once, words - left)), np.uint64)
        table[row[here], word[here] - left] = bits[here]
        for members, first, children in levels:
            table[members] |= np.bitwise_or.reduceat(table[children], first, axis=0)
        sizes += np.bitwise_count(table).sum(axis=1, dtype=np.int64)
    return sizes
