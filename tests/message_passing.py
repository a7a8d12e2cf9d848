"""Gao-Rexford routing by messages between nodes, to hold the array solver against.

Paths are tuples, neighbours dictionaries, messages queues: nothing is shared
with the solver but the list of links.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.network.asgraph.graph import CUSTOMER_PROVIDER

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from emulator.network.asgraph.graph import AsGraph

Path = tuple[int, ...]
Adjacency = dict[int, dict[int, str]]
"""Node -> neighbour -> what the neighbour is to it."""

ORDER = {"customer": 1, "peer": 2, "provider": 3}
FACING = {"customer": "provider", "peer": "peer", "provider": "customer"}


@dataclass
class World:
    """What is up, announced and prepended."""

    asns: list[int]
    neighbors: Adjacency
    origins: dict[int, frozenset[int] | None]
    prepend: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """(sender, receiver) -> extra times; 0 where absent."""


def world_of(
    graph: AsGraph,
    origins: dict[int, frozenset[int] | None],
    *,
    is_link_up: Callable[[int], bool] = lambda _: True,
    is_node_up: Callable[[int], bool] = lambda _: True,
    prepend: Mapping[tuple[int, int], int] | None = None,
) -> World:
    """Read the links of a graph that are up, as are their ends."""
    neighbors: Adjacency = {node: {} for node in range(len(graph))}
    for link, (first, second) in enumerate(graph.link_ends.tolist()):
        if is_link_up(link) and is_node_up(first) and is_node_up(second):
            seen = "provider" if graph.link_kind[link] == CUSTOMER_PROVIDER else "peer"
            neighbors[first][second] = seen
            neighbors[second][first] = FACING[seen]
    alive = {node: only_to for node, only_to in origins.items() if is_node_up(node)}
    return World(graph.asn.tolist(), neighbors, alive, prepend or {})


@dataclass(frozen=True)
class Choice:
    """A node's route: the neighbour that it is from (None: own), its path, the nodes along it."""

    hop: int | None
    path: Path
    way: tuple[int, ...]


def best(world: World, node: int, heard: dict[int, Choice]) -> Choice | None:
    """The decision process."""
    if node in world.origins:
        return Choice(None, (), (node,))
    if not heard:
        return None
    return min(
        heard.values(),
        key=lambda c: (ORDER[world.neighbors[node][c.hop]], len(c.path), c.hop),
    )


def exported(world: World, node: int, choice: Choice | None, to: int) -> Choice | None:
    """What ``to`` may hear of ``node``'s choice and does not refuse."""
    if choice is None:
        return None
    if choice.hop is None:
        only_to = world.origins[node]
        if only_to is not None and world.asns[to] not in only_to:
            return None
    elif world.neighbors[node][choice.hop] != "customer" and world.neighbors[node][to] != "customer":
        return None
    path = (world.asns[node],) * (1 + world.prepend.get((node, to), 0)) + choice.path
    if world.asns[to] in path:
        return None
    return Choice(node, path, (to, *choice.way))


def settle(world: World, order: random.Random) -> dict[int, Choice]:
    """Deliver messages, each session's in order but the sessions in any, until there are none left."""
    heard: dict[int, dict[int, Choice]] = {node: {} for node in world.neighbors}
    chosen: dict[int, Choice | None] = dict.fromkeys(world.neighbors)
    queues: dict[tuple[int, int], deque[Choice | None]] = {}

    def decide(node: int) -> None:
        choice = best(world, node, heard[node])
        if choice != chosen[node]:
            for to in world.neighbors[node]:
                message = exported(world, node, choice, to)
                if message is not None or exported(world, node, chosen[node], to) is not None:
                    queues.setdefault((node, to), deque()).append(message)
            chosen[node] = choice

    for node in world.origins:
        decide(node)
    for _ in range(100_000):
        if not queues:
            return {node: choice for node, choice in chosen.items() if choice is not None}
        session = order.choice(sorted(queues))
        message = queues[session].popleft()
        if not queues[session]:
            del queues[session]
        sender, receiver = session
        if message is None:
            heard[receiver].pop(sender, None)
        else:
            heard[receiver][sender] = message
        decide(receiver)
    message = "routes keep changing"
    raise AssertionError(message)
