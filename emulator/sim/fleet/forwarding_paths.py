"""The paths of client groups on an AS graph, and the small network that they need.

Most of a whole Internet lies on no client's path. What does is made a `Network`
of its own, so that requests are evaluated as on any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.fleet import forward_tables as names
from emulator.fleet.forward_nodes import Forwarding
from emulator.forwarding.history import Fate, ForwardingHistory, PathState, PathTimeline
from emulator.network.asgraph.graph import PEERING
from emulator.network.model import Link, Network, Relationship, Router
from emulator.sim.fleet.forwarding_changes import FibChanges, ground_of
from emulator.units import Duration

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.scenario.plan import FleetPlan
    from emulator.sim.fleet.parts import FleetRun

    Ints = npt.NDArray[np.int64]

_BILLION: Final = 1e9
_FATES: Final = {names.NO_ROUTE: Fate.NO_ROUTE, names.DROPPED: Fate.BLACKHOLE, names.LOOPED: Fate.LOOP}


def client_view(plan: FleetPlan, run: FleetRun) -> tuple[Network, ForwardingHistory]:
    """The forwarding history of the plan's client groups after ``run`` has run, and its network.

    The network has the routers and links that occur on some path, beside those
    of the POPs and groups; ``router`` of these is its index there, and what
    `PathState.links` holds are its directed links.
    """
    it, changes = ground_of(plan, run.changes), FibChanges(plan, run)
    origins = np.array(sorted({group.router for group in plan.groups}), np.int64)
    paths = _Paths(it.physical[it.physical[:, names.WHAT] == names.LOSS])
    lines = []
    for destination in plan.destinations:
        forwarding = Forwarding(it, changes.of(destination))
        forwarding.advance(0)
        forwarding.follow(origins, 0)
        forwarding.advance(plan.duration)
        lines.append(paths.lines(forwarding))
    slots = paths.slots()
    nodes = np.concatenate((
        plan.graph.link_ends[plan.graph.link[slots]].ravel().astype(np.int64),
        origins,
        np.array([pop.router for pop in plan.pops], np.int64),
    ))  # fmt: skip
    small = _Reduced(plan.graph, np.unique(nodes), np.unique(plan.graph.link[slots]))
    directed = small.directed(slots)
    states = tuple(_state(*key, directed) for key in paths.number)
    timelines = {
        (destination.index, group.index): line[group.router]
        for destination, line in zip(plan.destinations, lines, strict=True)
        for group in plan.groups
    }
    return small.network(plan), ForwardingHistory(plan.destinations, states, timelines, plan.duration)


@dataclass(slots=True)
class _Paths:
    """Paths numbered as they come: outcome, delay, loss and the bytes of their slots -> number."""

    losses: Ints
    """The changes of slots' loss, in order of time."""
    number: dict[tuple[int, int, float, bytes], int] = field(default_factory=dict)

    def lines(self, forwarding: Forwarding) -> dict[int, PathTimeline]:
        """The timelines of the nodes followed, by node."""
        records = forwarding.records
        ends = np.cumsum(records[:, names.RECORD_LENGTH]) * 4
        raw = forwarding.path_slots.tobytes()
        found: dict[int, tuple[list[int], list[int]]] = {}
        lost: dict[int, float] = {}
        heard, begin = 0, 0
        for (at, node, outcome, one_way, _), end in zip(records.tolist(), ends.tolist(), strict=True):
            while heard < len(self.losses) and self.losses[heard, names.AT] <= at:
                lost[int(self.losses[heard, names.INDEX])] = int(self.losses[heard, names.VALUE]) / _BILLION
                heard += 1
            path = raw[begin:end]
            begin = end
            loss = _loss(path, lost) if _is_delivered(outcome) else 1.0
            state = self.number.setdefault((outcome, one_way, loss, path), len(self.number))
            starts, states = found.setdefault(node, ([], []))
            if not states or states[-1] != state:
                starts.append(at)
                states.append(state)
        return {node: _timeline(*each) for node, each in found.items()}

    def slots(self) -> npt.NDArray[np.int32]:
        """All slots that occur on paths, ascending."""
        joined = b"".join(dict.fromkeys(path for _, _, _, path in self.number))
        return np.unique(np.frombuffer(joined, np.int32))


def _is_delivered(outcome: int) -> bool:
    return outcome >= 0 or outcome == names.NOWHERE


def _loss(path: bytes, lost: dict[int, float]) -> float:
    """Probability that a packet is lost on the way, added up as `emulator.forwarding.walk` does."""
    loss = 0.0
    if lost:
        for slot in np.frombuffer(path, np.int32)[::-1].tolist():
            here = lost.get(slot, 0.0)
            loss = here + loss * (1 - here)
    return loss


def _timeline(starts: list[int], states: list[int]) -> PathTimeline:
    """Arrays that groups of one router share, hence read-only."""
    timeline = PathTimeline(np.array(starts, np.int64), np.array(states, np.int32))
    timeline.starts.flags.writeable = False
    timeline.states.flags.writeable = False
    return timeline


@dataclass(frozen=True, eq=False)
class _Reduced:
    """Some nodes and links of a graph, ascending; their places are the new numbers."""

    graph: AsGraph
    nodes: Ints
    links: npt.NDArray[np.int32]

    def directed(self, slots: npt.NDArray[np.int32]) -> dict[int, int]:
        """The directed links that ``slots`` lead over, by slot."""
        link = self.graph.link[slots]
        is_backwards = self.graph.link_ends[link, 0] == self.graph.neighbor[slots]
        directed = 2 * np.searchsorted(self.links, link) + is_backwards
        return dict(zip(slots.tolist(), directed.tolist(), strict=True))

    def router(self, node: int) -> int:
        """The new number of a node."""
        return int(np.searchsorted(self.nodes, node))

    def network(self, plan: FleetPlan) -> Network:
        """The network of these, with the plan's POPs and client groups."""
        graph = self.graph
        routers = tuple(
            Router(index, graph.name(node), int(graph.asn[node]), node + 1)
            for index, node in enumerate(self.nodes.tolist())
        )
        ends = np.searchsorted(self.nodes, graph.link_ends[self.links]).tolist()
        links = tuple(
            Link(
                index,
                (first, second),
                Duration(int(plan.delays[link])),
                Relationship.PEER if graph.link_kind[link] == PEERING else Relationship.CUSTOMER_PROVIDER,
            )
            for index, (link, (first, second)) in enumerate(zip(self.links.tolist(), ends, strict=True))
        )
        return Network(
            routers,
            links,
            pops=tuple(replace(pop, router=self.router(pop.router)) for pop in plan.pops),
            groups=tuple(replace(group, router=self.router(group.router)) for group in plan.groups),
        )


def _state(outcome: int, one_way: int, loss: float, path: bytes, directed: dict[int, int]) -> PathState:
    links = tuple(directed[slot] for slot in memoryview(path).cast("i"))
    return PathState(_FATES.get(outcome, Fate.DELIVERED), max(outcome, -1), Duration(one_way), loss, links)
