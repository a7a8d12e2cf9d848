"""Routing tables are compared field by field, and what differs is said in operators' words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.bgp.attributes import Origin
from emulator.bgp.config import SpeakerConfig
from emulator.bgp.liveness import SessionConfig
from emulator.verify.compare import compare
from emulator.verify.daemons.base import RibEntry, RouterSetup

ENTRY = RibEntry(
    as_path=(65001, 65000),
    next_hop="100.64.0.1",
    local_pref=200,
    med=None,
    communities=(65000 << 16 | 7,),
    large_communities=((65000, 1, 2),),
)


def setup(name: str) -> RouterSetup:
    """A router of which only the name matters."""
    return RouterSetup(
        0, name, 65000, "0.0.0.1", {}, (), (), (), (), (), speaker=SpeakerConfig(), session=SessionConfig()
    )


def differences(ours: RibEntry | None, theirs: RibEntry | None) -> list[str]:
    """What is said of tables of one route, or none, on one router."""
    ribs = [({} if entry is None else {"10.0.0.0/24": entry},) for entry in (ours, theirs)]
    return [str(each) for each in compare([setup("r1")], *ribs)]


def test_equal_tables_have_no_difference() -> None:
    """The same route on both sides is no difference."""
    assert differences(ENTRY, replace(ENTRY)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"as_path": (65002,)}, "as_path: emulator 65001 65000, daemon 65002"),
        ({"next_hop": "100.64.0.3"}, "next_hop: emulator 100.64.0.1, daemon 100.64.0.3"),
        ({"local_pref": 100}, "local_pref: emulator 200, daemon 100"),
        ({"med": 5}, "med: emulator absent, daemon 5"),
        ({"communities": ()}, "communities: emulator 65000:7, daemon none"),
        ({"large_communities": ((65000, 1, 3),)}, "large_communities: emulator 65000:1:2, daemon 65000:1:3"),
        ({"origin": Origin.INCOMPLETE}, "origin: emulator IGP, daemon INCOMPLETE"),
    ],
)
def test_every_field_is_compared(changed: dict[str, object], said: str) -> None:
    """A change of any one field is one difference, which names router, prefix and field."""
    assert differences(ENTRY, replace(ENTRY, **changed)) == [f"r1 10.0.0.0/24 {said}"]


def test_a_route_that_one_side_lacks_is_one_difference() -> None:
    """Both ways round, with what the other side has."""
    there = "path 65001 65000 via 100.64.0.1"
    assert differences(ENTRY, None) == [f"r1 10.0.0.0/24 route: emulator {there}, daemon none"]
    assert differences(None, ENTRY) == [f"r1 10.0.0.0/24 route: emulator none, daemon {there}"]


def test_preference_of_a_route_originated_here_is_the_daemons_own_affair() -> None:
    """A route of one's own has no NEXT_HOP; that it is one's own must agree all the same."""
    own = RibEntry((), None, local_pref=400)
    assert differences(own, replace(own, local_pref=100)) == []
    assert differences(own, replace(own, next_hop="100.64.0.1")) != []
