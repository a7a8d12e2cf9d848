"""FRR, GoBGP and OpenBGPD agree with the emulator on every best route, before and after each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.verify.random_graphs import random_document

from daemon_labs import features, needs, told, transit, triangle, verified

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "daemon", [pytest.param(name, marks=needs(name)) for name in ("frr", "gobgp", "openbgpd")]
)
def test_triangle_through_withdrawal_cut_and_reset(tmp_path: Path, daemon: str) -> None:
    """Three ASes with relationships: 9 routes, and 6 while one of three prefixes is withdrawn."""
    outcome = verified(tmp_path, triangle(), daemon)
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9, 6, 9, 9, 9, 9]


@pytest.mark.parametrize("daemon", [pytest.param(name, marks=needs(name)) for name in ("frr", "openbgpd")])
def test_roles_origins_communities_and_path_matches(tmp_path: Path, daemon: str) -> None:
    """What a scenario can say beyond relationships: no difference, through a cut and an outage."""
    assert told(verified(tmp_path, features(tmp_path), daemon)) == []


@needs("frr")
@pytest.mark.parametrize("seed", range(1, 21))
def test_random_graphs_on_frr(tmp_path: Path, seed: int) -> None:
    """60 ASes with relationships, communities, MED and prepending: no difference in any field at any step."""
    outcome = verified(tmp_path, random_document(60, seed), "frr")
    assert told(outcome) == []
    assert outcome.steps[0].entries > 3000  # of 3,600: import rules refuse some routes


@needs("openbgpd")
@pytest.mark.parametrize("seed", range(1, 6))
def test_random_graphs_on_openbgpd(tmp_path: Path, seed: int) -> None:
    """The same."""
    assert told(verified(tmp_path, random_document(60, seed), "openbgpd")) == []


@needs("frr")
def test_route_reflectors_and_ospf_inside_a_transit(tmp_path: Path) -> None:
    """Every router leaves by the border nearest to it: before a cut inside the AS, after it, and repaired."""
    assert told(verified(tmp_path, transit(), "frr")) == []


@needs("bird")
@needs("frr")
@needs("openbgpd")
def test_daemons_mixed_in_one_network(tmp_path: Path) -> None:
    """BIRD, FRR and OpenBGPD dealt out over 30 ASes: no difference."""
    assert told(verified(tmp_path, random_document(30, 1), "bird", "frr", "openbgpd")) == []
