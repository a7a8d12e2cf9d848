"""Stable-paths problems (Griffin, Shepherd, Wilfong, ToN 2002): policies decide whether BGP ever rests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.errors import EmulatorError
from emulator.record.trace import BEST_PATH
from emulator.sim.emulation import Emulation
from emulator.sim.invariants import check_quiet
from emulator.timeline import Originate

from labs import M, Result, event, lab, paths, plan_of, r0, ranked, run

if TYPE_CHECKING:
    from emulator.bgp.config import SpeakerConfig
    from emulator.network.model import Network

BAD = (r0(), ranked((2, 0), (0,)), ranked((3, 0), (0,)), ranked((1, 0), (0,)))
"""Around r0, each of r1, r2, r3 would rather go through the next one than straight to r0."""
GOOD = (r0(), ranked((3, 0), (0,)), ranked((1, 0), (0,)), ranked((0,)), ranked((3, 0), (2, 0)))
DISAGREE = (r0(), ranked((2, 0), (0,)), ranked((1, 0), (0,)))


def around(n: int, *more: tuple[int, int]) -> Network:
    """r0 in the middle of a ring of ``n`` routers."""
    rim = [(i, i % n + 1) for i in range(1, n + 1)] if n > 2 else [(1, 2)]
    return lab([(0, i) for i in range(1, n + 1)] + rim + list(more), n + 1 + bool(more))


GOOD_NETWORK = around(3, (4, 2), (4, 3))
GOOD_STATE = {(0, 0): (), (1, 0): (3, 0), (2, 0): (0,), (3, 0): (0,), (4, 0): (3, 0)}


def announced(network: Network, configs: tuple[SpeakerConfig, ...], **options: Any) -> Result:  # noqa: ANN401
    """Let r0 announce into silence."""
    happening = [event(Originate(0, 0))]
    return run(plan_of(network, configs=configs, announced=False, events=happening, **options))


def test_bad_gadget_never_settles() -> None:
    """It has no stable state: three best routes change in every round of MRAI, for ever.

    Everybody takes the direct way at D, sees at 2 D the neighbour's and moves
    there, hears of that after MRAI and moves back, and so on.
    """
    result = announced(around(3), BAD, duration=100 * M)
    assert not result.quiescent
    changes = [e["at_s"] for e in result.emulation.recorder.trace if e["type"] == BEST_PATH]
    rounds = [sum(start * 30 <= at < start * 30 + 30 for at in changes) for start in range(1, 99)]
    assert rounds == [3] * 98


def test_bad_gadget_cannot_be_settled() -> None:
    """Neither way to settle claims a state that does not exist."""
    for by_messages in (False, True):
        emulation = Emulation(plan_of(around(3), configs=BAD, by_messages=by_messages))
        with pytest.raises(EmulatorError):
            emulation.settle()


def jittered(configs: tuple[SpeakerConfig, ...]) -> tuple[SpeakerConfig, ...]:
    """The same speakers, out of step."""
    return tuple(replace(config, mrai_jitter=(0.5, 1.0)) for config in configs)


@pytest.mark.parametrize("seed", range(12))
def test_good_gadget_settles_to_one_state(seed: int) -> None:
    """One preference less and there is one stable state, reached whatever the timers do."""
    result = announced(GOOD_NETWORK, jittered(GOOD), seed=seed)
    assert result.quiescent
    assert paths(result) == GOOD_STATE


@pytest.mark.parametrize("by_messages", [False, True])
def test_good_gadget_can_be_settled(by_messages: bool) -> None:
    """Both ways to settle find it."""
    emulation = Emulation(plan_of(GOOD_NETWORK, configs=GOOD, by_messages=by_messages))
    emulation.settle()
    check_quiet(emulation)
    assert {
        router: speaker.loc_rib[0].attributes.as_path for router, speaker in enumerate(emulation.speakers)
    } == {router: tuple(65000 + asn for asn in path) for (router, _), path in GOOD_STATE.items()}


def test_disagree_reaches_one_of_two_states() -> None:
    """Two stable states; which one is left to the timers, and nothing else ever comes out."""
    seen = set()
    for seed in range(20):
        result = announced(around(2), jittered(DISAGREE), seed=seed)
        assert result.quiescent
        seen.add(tuple(sorted(paths(result).items())))
    one = (((0, 0), ()), ((1, 0), (2, 0)), ((2, 0), (0,)))
    other = (((0, 0), ()), ((1, 0), (0,)), ((2, 0), (1, 0)))
    assert seen == {one, other}


def test_disagree_in_lockstep_never_decides() -> None:
    """With equal timers both move at the same instant, for ever."""
    assert not announced(around(2), DISAGREE).quiescent
