"""FRR 8.4 and the emulator agree on every best route, before and after each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.verify.random_graphs import random_document

from daemon_labs import features, needs, told, transit, triangle, verified

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs("frr")


def test_triangle(tmp_path: Path) -> None:
    """Three ASes, three prefixes: nine routes, the same on both sides."""
    outcome = verified(tmp_path, {**triangle(), "timeline": []}, "frr")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9]


@pytest.mark.slow
def test_triangle_through_withdrawal_cut_and_reset(tmp_path: Path) -> None:
    """9 routes, and 6 while one of three prefixes is withdrawn."""
    outcome = verified(tmp_path, triangle(), "frr")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9, 6, 9, 9, 9, 9]


@pytest.mark.slow
def test_roles_origins_communities_and_path_matches(tmp_path: Path) -> None:
    """What a scenario can say beyond relationships: no difference, through a cut and an outage."""
    assert told(verified(tmp_path, features(tmp_path), "frr")) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_random_graphs(tmp_path: Path, seed: int) -> None:
    """60 ASes with relationships, communities, MED and prepending: no difference in any field at any step."""
    outcome = verified(tmp_path, random_document(60, seed), "frr")
    assert told(outcome) == []
    assert outcome.steps[0].entries > 3000  # of 3,600: import rules refuse some routes


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_random_graphs_in_both_families(tmp_path: Path, seed: int) -> None:
    """The same with every fourth prefix IPv6, over sessions that carry both families."""
    assert told(verified(tmp_path, random_document(30, seed, ipv6=True), "frr")) == []


@pytest.mark.slow
def test_route_reflectors_and_ospf_inside_a_transit(tmp_path: Path) -> None:
    """Every router leaves by the border nearest to it: before a cut inside the AS, after it, and repaired."""
    assert told(verified(tmp_path, transit(), "frr")) == []


@pytest.mark.slow
@needs("bird")
def test_a_transit_of_frr_and_bird(tmp_path: Path) -> None:
    """The same where every other router is BIRD: OSPF, reflection and next hops between the two."""
    assert told(verified(tmp_path, transit(), "frr", "bird")) == []


@pytest.mark.slow
@needs("bird", "openbgpd")
def test_features_on_three_daemons(tmp_path: Path) -> None:
    """Roles, origins, communities and path matches where neighbours are of different make."""
    assert told(verified(tmp_path, features(tmp_path), "frr", "bird", "openbgpd")) == []
