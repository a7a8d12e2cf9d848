"""Forwarding over an AS graph is that of full speakers: every path of every client group, at every instant.

Both kinds of speakers make the same changes at the same instants (their own
tests hold that); here the two data planes are held to each other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.sim.fleet.forwarding import client_view
from emulator.sim.fleet.parts import run_fleet

from fleet_mishaps import random_plan
from fleets import as_lab

if TYPE_CHECKING:
    from emulator.forwarding.history import Fate, ForwardingHistory
    from emulator.network.model import Network
    from emulator.scenario.plan import FleetPlan


class Step(NamedTuple):
    """A path as a client has it from an instant (ns) on; ``hops`` name the routers of each link."""

    start: int
    fate: Fate
    pop: int
    one_way: int
    hops: tuple[tuple[str, str], ...]
    loss: float


def steps(network: Network, history: ForwardingHistory) -> dict[tuple[int, int], list[Step]]:
    """Every timeline, in terms that do not depend on how routers and links are numbered."""
    names = [router.name for router in network.routers]
    found = {}
    for key, line in history.timelines.items():
        found[key] = []
        for start, number in zip(line.starts.tolist(), line.states.tolist(), strict=True):
            state = history.states[number]
            ends = [(network.links[link // 2].ends, link % 2) for link in state.links]
            hops = tuple((names[pair[side]], names[pair[1 - side]]) for pair, side in ends)
            loss = round(state.loss, 7)
            found[key].append(Step(start, state.fate, state.pop, state.one_way, hops, loss))
    return found


def of_fleet(plan: FleetPlan) -> dict[tuple[int, int], list[Step]]:
    """The timelines of a fleet's run."""
    return steps(*client_view(plan, run_fleet(plan)))


def of_speakers(plan: FleetPlan) -> dict[tuple[int, int], list[Step]]:
    """Those of full speakers."""
    lab = as_lab(plan)
    network = replace(lab.network, pops=plan.pops, groups=plan.groups)
    emulation = Emulation(replace(lab, network=network, destinations=plan.destinations))
    emulation.settle()
    return steps(network, emulation.run(Faults(emulation).apply, lambda _: None))


@pytest.mark.parametrize("block", range(20))
def test_paths_are_those_of_full_speakers(block: int) -> None:
    """Fate, POP, delay, loss and every link, on fifteen random graphs a block."""
    seen = 0
    for seed in range(15 * block, 15 * block + 15):
        plan = random_plan(seed)
        theirs = of_speakers(plan)
        assert of_fleet(plan) == theirs, f"seed {seed}"
        seen += sum(len(line) - 1 for line in theirs.values())
    assert seen > 200  # changes: the test is about something
