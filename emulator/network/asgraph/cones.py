"""Customer cones: how many ASes an AS reaches by going down to customers only.

Luckie et al., "AS Relationships, Customer Cones, and Validation" (IMC 2013),
the recursive cone. Only ASes with customers need a row of bits, one for each AS
that may be below; rows are filled from the bottom up, a level and a slice of
columns at a time, so that memory stays small.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.network.asgraph.arrays import distinct
from emulator.network.asgraph.structure import cycle_members, heights, transit_pairs

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]

_SLICE_BYTES: Final = 1 << 24
"""Size of the table of bits that is filled at a time."""
_WORD: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Levels:
    """R rows from the bottom up, those of one height together.

    ``position`` (R,) of each row in this order, in which all else is: ``start`` of each
    height, and the end; ``child`` of each row from ``first`` (R + 1,) on; ``place`` (R,) in
    a table of ``places``, which is shorter than all rows where what is far up needs little
    of what is far down.
    """

    position: Ints
    start: Ints
    child: Ints
    first: Ints
    place: Ints
    places: int


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
    sizes[own] = _counted(holder, held, levels, int(system.max(initial=-1)) + 1)[row_of[knot[own]]]
    return sizes


def _distinct(below: Ints, above: Ints, count: int) -> tuple[Ints, Ints]:
    """The pairs without repetitions and without those inside a knot."""
    key = distinct((above * count + below)[above != below])
    return key % count, key // count


def _levels(below: Ints, above: Ints, count: int) -> _Levels:
    """Lay the rows out by height; ``below[i]`` is directly under ``above[i]``."""
    height = heights(below, above, count)
    by_height = np.argsort(height, kind="stable")
    position = np.empty(count, np.int64)
    position[by_height] = np.arange(count)
    start = np.searchsorted(height[by_height], np.arange(int(height.max(initial=-1)) + 2))
    order = np.argsort(position[above], kind="stable")
    child, parent = position[below][order], position[above][order]
    first = np.searchsorted(parent, np.arange(count + 1))
    last_use = height[by_height]
    np.maximum.at(last_use, child, last_use[parent])
    place, places = _places(start, last_use)
    return _Levels(position, start, child, first, place, places)


def _places(start: Ints, last_use: Ints) -> tuple[Ints, int]:
    """Where in the table each row goes, and how many places there are.

    A place is free again behind the level of its row's last use.
    """
    ending = np.argsort(last_use, kind="stable")
    ends = np.searchsorted(last_use[ending], np.arange(len(start))).tolist()
    rows, place, free, places = ending.tolist(), [0] * len(last_use), list[int](), 0
    for level, (low, high) in enumerate(pairwise(start.tolist())):
        for row in range(low, high):
            if free:
                place[row] = free.pop()
            else:
                place[row], places = places, places + 1
        free += [place[row] for row in rows[ends[level] : ends[level + 1]]]
    return np.array(place, np.int64), places


def _counted(holder: Ints, held: Ints, levels: _Levels, columns: int) -> Ints:
    """(R,) how many different columns each row holds, by itself and through its children."""
    words = -(-columns // _WORD)
    at_once = max(1, _SLICE_BYTES // (8 * max(1, levels.places)))
    sizes = np.zeros(len(levels.position), np.int64)
    key = levels.position[holder] * words + held // _WORD
    order = np.argsort(key, kind="stable")
    cell, start = np.unique(key[order], return_index=True)
    bits: Any = np.bitwise_or.reduceat(np.uint64(1) << (held[order] % _WORD).astype(np.uint64), start)
    row, word = cell // words, cell % words
    for left in range(0, words, at_once):
        here = np.flatnonzero((word >= left) & (word < left + at_once))
        width = min(at_once, words - left)
        _add_slice(sizes, levels, (row[here], word[here] - left, bits[here]), width)
    return sizes[levels.position]


def _add_slice(sizes: Ints, levels: _Levels, cells: tuple[Ints, Ints, Any], width: int) -> None:
    """Add what ``width`` words hold to ``sizes``; ``cells`` are what is a row's own: row, word, bits."""
    row, word, bits = cells
    table = np.zeros((levels.places, width), np.uint64)
    bounds, at = levels.start.tolist(), np.searchsorted(row, levels.start).tolist()
    children, below = levels.place[levels.child], levels.first[levels.start].tolist()
    for level, (low, high) in enumerate(pairwise(bounds)):
        mine, under = slice(at[level], at[level + 1]), slice(below[level], below[level + 1])
        block = np.zeros((high - low, width), np.uint64)
        block[row[mine] - low, word[mine]] = bits[mine]
        if level:
            first = levels.first[low:high] - under.start
            block |= np.bitwise_or.reduceat(table[children[under]], first, axis=0)
        table[levels.place[low:high]] = block
        sizes[low:high] += np.bitwise_count(block).sum(axis=1, dtype=np.int64)
