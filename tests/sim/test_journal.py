"""A router played again from its journal is the router of the run, whatever happened to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.attributes import Attributes, Origin
from emulator.bgp.config import Damping, SpeakerConfig
from emulator.bgp.policy import GaoRexford, RankedPaths
from emulator.bgp.speaker import Speaker
from emulator.errors import InputError
from emulator.scenario.build import build
from emulator.scenario.loader import load
from emulator.sim.control import control_plane
from emulator.sim.journal import INPUTS, QUESTIONS, Journal
from emulator.sim.replay import history_of
from emulator.sim.values import decode, encode
from emulator.units import MINUTE, Duration

if TYPE_CHECKING:
    from emulator.bgp.decision import Candidate
    from emulator.sim.emulation import Emulation

SCENARIOS = Path(__file__).parents[2] / "scenarios"
LABS = (
    "b-clique-4", "bad-gadget", "clique-5-withdraw", "good-gadget", "line-6", "maintenance", "origin-hijack",
    "policies", "ring-5", "route-leak", "route-reflectors",
)  # fmt: skip


def known(route: Candidate) -> tuple[Any, ...]:
    """A candidate, without the instants before t = 0, which are only an order."""
    return route.attributes, route.peer, route.is_ebgp, route.router_id, max(route.received_at, -1)


def state(speaker: Speaker) -> dict[str, Any]:
    """All that a later input could meet."""
    return {
        "candidates": {
            prefix: {peer: known(route) for peer, route in sorted(routes.items())}
            for prefix, routes in speaker.candidates.items()
            if routes
        },
        "loc_rib": {prefix: known(route) for prefix, route in speaker.loc_rib.items()},
        "peers": [
            (p.is_up, p.is_muted, p.is_draining, p.families, p.adj_rib_in, p.adj_rib_out, dict(p.stale),
             list(p.pending), p.mrai_until, p.mrai_until_prefix, p.timer_at)
            for p in speaker.peers
        ],
        "reasons": [
            (speaker.why(prefix).decided_by, speaker.refused(prefix), speaker.offered(prefix))
            for prefix in sorted(speaker.candidates)
        ],
    }  # fmt: skip


def journaled(name: str, until: int) -> tuple[Emulation, dict[str, Any]]:
    """A scenario's control plane up to an instant, and its journal as it comes from a file."""
    plan = build(load(SCENARIOS / f"{name}.yaml"))
    journal = Journal()
    emulation = control_plane(plan, plan.duration, journal=journal)
    members = json.loads(json.dumps(journal.members(plan, emulation.recorder.trace)))
    return (emulation if until == plan.duration else control_plane(plan, until)), members


@pytest.mark.parametrize("name", LABS)
@pytest.mark.parametrize("part", [0.0, 0.1, 0.37, 1.0])
def test_every_router_of_every_lab(name: str, part: float) -> None:
    """Tables, timers and reasons are the same at the start, in between and at the end."""
    until = round(build(load(SCENARIOS / f"{name}.yaml")).duration * part)
    emulation, members = journaled(name, until)
    for router, speaker in enumerate(emulation.speakers):
        assert state(speaker) == state(history_of(members, router).at(until)), speaker.router


@pytest.mark.slow
def test_routers_of_the_world() -> None:
    """With iBGP, interior costs and jittered timers, two seconds after a provider is gone."""
    emulation, members = journaled("provider-withdrawn", 62 * 10**9)
    for router in range(0, len(emulation.speakers), 7):
        assert state(emulation.speakers[router]) == state(history_of(members, router).at(62 * 10**9))


def test_nothing_is_given_to_a_speaker_unnoticed() -> None:
    """Every public method is an input, which is written down, or a question, which changes nothing."""
    public = {name for name in vars(Speaker) if not name.startswith("_")}
    assert public == {*INPUTS, *QUESTIONS}


def test_a_large_network_is_journaled_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit nothing is kept, unless it is asked for."""
    monkeypatch.setattr("emulator.sim.journal.KEPT_MAX", 1)
    plan = build(load(SCENARIOS / "policies.yaml"))
    for is_forced in (False, True):
        journal = Journal(is_forced=is_forced)
        emulation = control_plane(plan, plan.duration, journal=journal)
        assert (journal.members(plan, emulation.recorder.trace) is not None) is is_forced


@pytest.mark.parametrize(
    "value",
    [
        Attributes((65001, 4_200_000_000), 3, med=0, origin=Origin.EGP, communities=(0xFFFFFF01,)),
        SpeakerConfig(policy=GaoRexford(), mrai_jitter=(0.75, 1.0), damping=Damping(Duration(15 * MINUTE))),
        SpeakerConfig(policy=RankedPaths(((1, 2), (3,)))),
        {1: frozenset({2, 3}), 4: frozenset()},
        (None, True, "text", 2**70, float("inf")),
    ],
)
def test_values_come_back(value: object) -> None:
    """Through JSON, equal."""
    assert value == decode(json.loads(json.dumps(encode(value))))


@pytest.mark.parametrize(
    "written",
    [
        {"of": "os.system"},
        {"of": "attributes.Attributes", "colour": 1},
        {"of": "policy.learned_from"},
        {"enum": "..record.run.Json", "is": "X"},
        {"something": "else"},
    ],
)
def test_nothing_else_is_made_from_a_file(written: object) -> None:
    """Only dataclasses and enums of the protocol core."""
    with pytest.raises(InputError, match="route history"):
        decode(written)
    with pytest.raises(TypeError, match=r"has no place in a route history"):
        encode(Path())
