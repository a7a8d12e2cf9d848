"""Two phases: anything may fail; once it is mended everything must be right again, and the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings

from emulator.sim.emulation import Emulation
from emulator.sim.invariants import check_quiet

from labs import run
from random_networks import plans

if TYPE_CHECKING:
    from emulator.scenario.plan import Plan

    from random_networks import Case

_SETTINGS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a smaller example takes minutes to find
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def ribs(emulation: Emulation) -> dict[tuple[int, int], tuple[tuple[int, ...], int, int]]:
    """Every best route: AS path, next hop, session."""
    return {
        (router, prefix): (best.attributes.as_path, best.attributes.next_hop, best.peer)
        for router, speaker in enumerate(emulation.speakers)
        for prefix, best in speaker.loc_rib.items()
    }


def settled(plan: Plan, *, by_messages: bool) -> Emulation:
    """The network before anything happens."""
    emulation = Emulation(replace(plan, settle_by_messages=by_messages, timeline=()))
    emulation.settle()
    return emulation


@_SETTINGS
@given(plans(heals=True))
def test_healed_networks_are_as_if_nothing_had_happened(case: Case) -> None:
    """Quiet at last, all invariants hold (`labs.run` checks them), every RIB as settled from scratch."""
    result = run(case.plan)
    assert result.quiescent
    assert ribs(settled(case.plan, by_messages=False)) == ribs(result.emulation)


@_SETTINGS
@given(plans(heals=False))
def test_broken_networks_settle_on_what_is_left(case: Case) -> None:
    """Parted ASes, dead routers, muted exports: quiet, and the fixed point of what still stands."""
    assert run(case.plan).quiescent


@_SETTINGS
@given(plans(heals=True))
def test_both_ways_to_settle_agree(case: Case) -> None:
    """`settle: simulate` and `settle: solve` give the same RIBs, and both are right."""
    solved, simulated = settled(case.plan, by_messages=False), settled(case.plan, by_messages=True)
    check_quiet(solved)
    check_quiet(simulated)
    assert ribs(solved) == ribs(simulated)
