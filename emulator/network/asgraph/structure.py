"""How an AS graph hangs together: provider cycles, components, what is reached valley-free.

Everything works on arrays of nodes and walks a whole frontier at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.network.asgraph.arrays import distinct, spans
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEER, PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_FEW_STEPS: Final = 64
"""Steps up or down that are taken for a whole frontier at a time; the Internet has some 15."""


def neighbors_of(graph: AsGraph, nodes: Ints, relation: int) -> Ints:
    """The customers, peers or providers of all of ``nodes``, one after the other, with repetitions."""
    first = graph.first[nodes]
    slots = spans(first, graph.first[nodes + 1] - first)
    found: Ints = graph.neighbor[slots[graph.relation[slots] == relation]].astype(np.int64)
    return found


def transit_pairs(graph: AsGraph) -> tuple[Ints, Ints]:
    """(T,) customers and (T,) their providers, of all customer-provider links."""
    ends = graph.link_ends[graph.link_kind == CUSTOMER_PROVIDER].astype(np.int64)
    return ends[:, 0], ends[:, 1]


def heights(below: Ints, above: Ints, count: int) -> Ints:
    """(count,) the longest way down from each of ``count`` nodes; -1 on a cycle and above one.

    ``below[i]`` is directly under ``above[i]``.
    """
    order = np.argsort(below, kind="stable")
    over = above[order]
    first = np.searchsorted(below[order], np.arange(count + 1))
    waiting = np.bincount(above, minlength=count)
    height = np.full(count, -1, np.int64)
    frontier = np.flatnonzero(waiting == 0)
    for level in range(_FEW_STEPS):
        height[frontier] = level
        reached = over[spans(first[frontier], first[frontier + 1] - first[frontier])]
        if len(reached) * 8 < count:  # few: no need to look at all nodes again
            touched, times = np.unique(reached, return_counts=True)
        else:
            times = np.bincount(reached, minlength=count)
            touched = np.flatnonzero(times)
            times = times[touched]
        waiting[touched] -= times
        frontier = touched[waiting[touched] == 0]
        if not len(frontier):
            return height
    return _heights_beyond(height, frontier, over, first, waiting)


def _heights_beyond(height: Ints, frontier: Ints, over: Ints, first: Ints, waiting: Ints) -> Ints:
    """What is left of `heights` where it is many levels: they are narrow then, and arrays slow."""
    above, starts, left = over.tolist(), first.tolist(), waiting.tolist()
    nodes, level = frontier.tolist(), _FEW_STEPS
    while nodes:
        height[nodes] = level
        following = []
        for node in nodes:
            for up in above[starts[node] : starts[node + 1]]:
                left[up] -= 1
                if not left[up]:
                    following.append(up)
        nodes, level = following, level + 1
    return height


def cycle_members(graph: AsGraph) -> Ints:
    """(N,) for each node the lowest node that it is its own indirect provider with; itself on no cycle.

    Nodes with one label are one strongly connected component of the
    customer-provider links (Tarjan, SIAM J. Comput. 1972). What hangs under or
    over the cycles is peeled off first, so that the search sees nearly nothing.
    """
    customers, providers = transit_pairs(graph)
    label = np.arange(len(graph), dtype=np.int64)
    is_open = (heights(customers, providers, len(graph)) < 0) & (
        heights(providers, customers, len(graph)) < 0
    )
    inside = is_open[customers] & is_open[providers]
    if not inside.any():
        return label
    upwards: dict[int, list[int]] = {int(node): [] for node in np.flatnonzero(is_open)}
    for customer, provider in zip(customers[inside].tolist(), providers[inside].tolist(), strict=True):
        upwards[customer].append(provider)
    for members in _strong_components(upwards):
        label[members] = min(members)
    return label


def _strong_components(follows: dict[int, list[int]]) -> list[list[int]]:
    """Tarjan's algorithm without recursion, on ``node -> nodes``."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    found: list[list[int]] = []
    for root in follows:
        work = [(root, 0)] if root not in index else []
        while work:
            node, at = work.pop()
            if at == 0:
                index[node] = low[node] = len(index)
                path.append(node)
                on_path.add(node)
            else:  # back from the neighbour before
                low[node] = min(low[node], low[follows[node][at - 1]])
            for position in range(at, len(follows[node])):
                following = follows[node][position]
                if following not in index:
                    work += [(node, position + 1), (following, 0)]
                    break
                if following in on_path:
                    low[node] = min(low[node], index[following])
            else:
                if low[node] == index[node]:
                    found.append(_cut(path, node))
                    on_path.difference_update(found[-1])
    return found


def _cut(path: list[int], node: int) -> list[int]:
    """Take ``node`` and all behind it off ``path``."""
    members = [path.pop()]
    while members[-1] != node:
        members.append(path.pop())
    return members


def provider_cycles(graph: AsGraph) -> list[tuple[int, ...]]:
    """A shortest cycle of customer to provider out of every knot of them, nodes from the lowest one on.

    Every node that is on any cycle is in a knot (`cycle_members`) of one of them.
    """
    label = cycle_members(graph)
    knots, sizes = np.unique(label, return_counts=True)
    return [_cycle_through(graph, int(knot), label) for knot in knots[sizes > 1]]


def _cycle_through(graph: AsGraph, start: int, label: Ints) -> tuple[int, ...]:
    """A shortest way up from ``start`` to itself, in its knot."""
    came_from = {start: -1}
    frontier = [start]
    while frontier:
        following: list[int] = []
        for node in frontier:
            for up in neighbors_of(graph, np.array([node]), PROVIDER).tolist():
                if up == start:
                    way = [node]
                    while came_from[way[-1]] >= 0:
                        way.append(came_from[way[-1]])
                    return tuple(reversed(way))
                if label[up] == label[start] and up not in came_from:
                    came_from[up] = node
                    following.append(up)
        frontier = following
    return (start,)


def components(graph: AsGraph) -> Ints:
    """(N,) the lowest node that each node is joined with by links of any kind."""
    label = np.arange(len(graph), dtype=np.int64)
    one, two = graph.link_ends.astype(np.int64).T
    while True:
        lowest = np.minimum(label[one], label[two])
        before = label.copy()
        # hang both trees under the lower root, then flatten them
        np.minimum.at(label, label[one], lowest)
        np.minimum.at(label, label[two], lowest)
        while np.any(label[label] != label):
            label = label[label]
        if np.array_equal(label, before):
            return label


def reached_valley_free(graph: AsGraph, sources: Iterable[int]) -> Bools:
    """(N,) which nodes a path without valleys joins with any of the nodes ``sources``.

    Such a path goes up to providers, at most once across to a peer, then down to
    customers (Gao and Rexford, IEEE/ACM ToN 2001); it is one from either end.
    """
    up = _closure(graph, np.fromiter(sources, np.int64), PROVIDER)
    across = neighbors_of(graph, np.flatnonzero(up), PEER)
    return _closure(graph, np.concatenate((np.flatnonzero(up), across)), CUSTOMER)


def _closure(graph: AsGraph, sources: Ints, relation: int) -> Bools:
    """(N,) ``sources`` and all that are reached from them over links of one kind."""
    reached = np.zeros(len(graph), np.bool_)
    frontier = distinct(sources)
    for _ in range(_FEW_STEPS):
        reached[frontier] = True
        following = distinct(neighbors_of(graph, frontier, relation))
        frontier = following[~reached[following]]
        if not len(frontier):
            return reached
    # many steps are narrow ones, and arrays slow
    owner, of_kind = graph.slot_node(), graph.relation == relation
    first = np.searchsorted(owner[of_kind], np.arange(len(graph) + 1)).tolist()
    beyond = graph.neighbor[of_kind].tolist()
    reached[frontier] = True
    is_reached, nodes = reached.tolist(), frontier.tolist()
    while nodes:
        node = nodes.pop()
        for other in beyond[first[node] : first[node + 1]]:
            if not is_reached[other]:
                is_reached[other] = True
                nodes.append(other)
    return np.array(is_reached, np.bool_)
