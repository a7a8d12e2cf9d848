"""OpenBGPD 7.7 and the emulator agree on every best route, before and after each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.verify.random_graphs import random_document

from daemon_labs import features, needs, told, triangle, verified

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs("openbgpd")


def test_triangle(tmp_path: Path) -> None:
    """Three ASes, three prefixes: nine routes, the same on both sides."""
    outcome = verified(tmp_path, {**triangle(), "timeline": []}, "openbgpd")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9]


@pytest.mark.slow
def test_triangle_through_withdrawal_cut_and_reset(tmp_path: Path) -> None:
    """Sessions over a cut link are closed by order: OpenBGPD does not watch its interfaces."""
    outcome = verified(tmp_path, triangle(), "openbgpd")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9, 6, 9, 9, 9, 9]


@pytest.mark.slow
def test_a_cut_is_noticed_by_the_hold_timer(tmp_path: Path) -> None:
    """With hold timers of 9 s nothing is closed by order, and within 9 s of the last KEEPALIVE it is noticed.

    KEEPALIVEs go every third of that, so the routes are gone 6 s after the cut at the earliest.
    """
    document = triangle(failure_detection="hold-timer", hold_time="9s", keepalive="3s")
    document["timeline"] = [{"at": "0s", "cut": ["r1", "r2"]}]
    outcome = verified(tmp_path, document, "openbgpd")
    assert told(outcome) == []
    assert 5.0 < outcome.steps[1].waited_s < 12.0


@pytest.mark.slow
def test_roles_origins_communities_and_path_matches(tmp_path: Path) -> None:
    """What a scenario can say beyond relationships: no difference, through a cut and an outage."""
    assert told(verified(tmp_path, features(tmp_path), "openbgpd")) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_random_graphs(tmp_path: Path, seed: int) -> None:
    """60 ASes, through a withdrawal, an announcement, a cut and its repair: no difference in any field.

    The session reset is left out: OpenBGPD stays idle for 30 s after a Cease.
    """
    document = random_document(60, seed)
    document["timeline"] = [event for event in document["timeline"] if "reset" not in event]
    outcome = verified(tmp_path, document, "openbgpd")
    assert told(outcome) == []
    assert outcome.steps[0].entries > 3000


@pytest.mark.slow
def test_random_graph_in_both_families(tmp_path: Path) -> None:
    """The same with every fourth prefix IPv6, over sessions that carry both families."""
    document = {**random_document(20, 1, ipv6=True), "timeline": []}
    assert told(verified(tmp_path, document, "openbgpd")) == []
