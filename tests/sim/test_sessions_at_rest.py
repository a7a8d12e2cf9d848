"""A session becomes objects when something befalls it, and nobody can tell when that was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings

from emulator.bgp.liveness import SessionConfig
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.timeline import LinksDown
from emulator.units import SECOND, Duration

from labs import event, plan_of, ring
from random_networks import plans

if TYPE_CHECKING:
    from emulator.scenario.plan import Plan

    from random_networks import Case


def traced(plan: Plan, *, beforehand: bool) -> list[object]:
    """What a run notes, and why each session's ends fell last; ``beforehand``: all sessions made at t = 0."""
    emulation = Emulation(plan)
    emulation.settle()
    if beforehand:
        list(emulation.sessions)
    emulation.run(Faults(emulation).apply, lambda _: None)
    return [emulation.recorder.trace, [half.reason for each in emulation.sessions for half in each.halves]]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(plans(heals=False))
def test_when_a_session_is_made_changes_nothing(case: Case) -> None:
    """Whatever befalls sessions that were made at t = 0, or are made when it does: one trace."""
    assert traced(case.plan, beforehand=True) == traced(case.plan, beforehand=False)


def test_only_what_is_met_is_made() -> None:
    """At rest none of a ring of six is; a cut makes the session over that link and no other."""
    emulation = Emulation(plan_of(ring(6), events=[event(LinksDown((3,)))]))
    emulation.settle()
    assert [emulation.sessions.made(number) for number in range(6)] == [None] * 6
    emulation.light(3, is_on=False)
    made = [session for session in map(emulation.sessions.made, range(6)) if session is not None]
    assert [session.link for session in made] == [3]


def test_hold_timers_that_can_expire_are_watched_from_the_start() -> None:
    """KEEPALIVEs every 200 s against a hold time of 90 s: the sessions of that router are made at t = 0."""
    sessions = (
        SessionConfig(keepalive=Duration(200 * SECOND)),
        SessionConfig(),
        SessionConfig(),
        SessionConfig(),
    )
    emulation = Emulation(plan_of(ring(4), sessions=sessions))
    emulation.settle()
    made = [session for session in map(emulation.sessions.made, range(4)) if session is not None]
    assert len(made) == 2
    assert all(0 in [half.router.index for half in session.halves] for session in made)
