"""GoBGP 3.10 and the emulator agree on every best route.

But for one thing: GoBGP does not announce a path to an AS that is in it, and
does not withdraw what it had announced there before either (``isASLoop`` in
pkg/server/server.go). The neighbour keeps a route that its sender has long lost.
Whether it comes to that depends on the order of messages, so steps that take
routes away are looked at on their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emulator.verify.random_graphs import random_document

from daemon_labs import features, needs, told, triangle, verified

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs("gobgp")


@pytest.mark.slow
def test_triangle(tmp_path: Path) -> None:
    """Three ASes, three prefixes: nine routes, the same on both sides."""
    outcome = verified(tmp_path, {**triangle(), "timeline": []}, "gobgp")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9]


@pytest.mark.slow
def test_triangle_through_withdrawal_cut_and_reset(tmp_path: Path) -> None:
    """In so small a network no path leads back through a neighbour: no ghosts."""
    outcome = verified(tmp_path, triangle(), "gobgp")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9, 6, 9, 9, 9, 9]


def _features(folder: Path) -> dict[str, Any]:
    """`features` less roles and less graceful shutdown: GoBGP has no roles and no LOCAL_PREF 0."""
    document = features(folder)
    document["bgp"]["roles"] = False
    prefixes = document["network"]["routers"]["r1"]["prefixes"]
    prefixes[:] = [each for each in prefixes if "graceful-shutdown" not in str(each)]
    return document


@pytest.mark.slow
def test_origins_communities_and_path_matches(tmp_path: Path) -> None:
    """What a scenario can say beyond relationships: no difference, through a cut and an outage."""
    assert told(verified(tmp_path, _features(tmp_path), "gobgp")) == []


@pytest.mark.slow
@needs("bird", "frr", "openbgpd")
def test_one_network_on_four_daemons(tmp_path: Path) -> None:
    """Every router's neighbours are of another make."""
    assert told(verified(tmp_path, _features(tmp_path), "gobgp", "frr", "openbgpd", "bird")) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_random_graphs(tmp_path: Path, seed: int) -> None:
    """60 ASes with relationships, communities, MED and prepending: no difference in any field."""
    outcome = verified(tmp_path, {**random_document(60, seed), "timeline": []}, "gobgp")
    assert told(outcome) == []
    assert outcome.steps[0].entries > 3000


@pytest.mark.slow
def test_random_graph_in_both_families(tmp_path: Path) -> None:
    """The same with every fourth prefix IPv6, over sessions that carry both families."""
    document = {**random_document(20, 1, ipv6=True), "timeline": []}
    assert told(verified(tmp_path, document, "gobgp")) == []


@pytest.mark.slow
def test_after_a_withdrawal_only_ghosts_differ(tmp_path: Path) -> None:
    """GoBGP's named difference: a route may be left over; never is one missing or another one chosen."""
    document = random_document(10, 2, ipv6=True)
    document["timeline"] = document["timeline"][:1]
    outcome = verified(tmp_path, document, "gobgp")
    withdrawn = document["timeline"][0]["withdraw"]
    left_over = [d for step in outcome.steps for d in step.differences]
    assert [
        str(d) for d in left_over if (d.prefix, d.field, d.emulator) != (withdrawn, "route", "none")
    ] == []
