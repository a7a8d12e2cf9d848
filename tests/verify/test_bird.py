"""BIRD 2 and the emulator agree on every best route, before and after each step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.messages import Family
from emulator.bgp.policy import GaoRexford, Relation
from emulator.cli.main import main
from emulator.verify.blueprint import blueprint
from emulator.verify.expected import EmulatorView, steps_of
from emulator.verify.random_graphs import random_document

from daemon_labs import features, needs, plan_of, scenario_file, told, transit, triangle, verified

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.bgp.attributes import Attributes
    from emulator.bgp.peer import PeerConfig

pytestmark = needs("bird")


def test_triangle(tmp_path: Path) -> None:
    """Three ASes, three prefixes: nine routes, the same on both sides."""
    outcome = verified(tmp_path, {**triangle(), "timeline": []}, "bird")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9]


@pytest.mark.slow
def test_triangle_through_withdrawal_cut_and_reset(tmp_path: Path) -> None:
    """Three ASes with relationships: 9 routes, and 6 while one of three prefixes is withdrawn."""
    outcome = verified(tmp_path, triangle(), "bird")
    assert told(outcome) == []
    assert [step.entries for step in outcome.steps] == [9, 6, 9, 9, 9, 9]


@pytest.mark.slow
def test_an_emulator_that_is_wrong_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With LOCAL_PREF 201 instead of 200 for peers in the emulator alone, each peer's one route differs."""
    right = GaoRexford.accept

    def wrong(
        self: GaoRexford, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int
    ) -> Attributes | None:
        accepted = right(self, attributes, prefix, peer, asn)
        if accepted is None or peer.relation is not Relation.PEER:
            return accepted
        return replace(accepted, local_pref=201)

    monkeypatch.setattr(GaoRexford, "accept", wrong)
    document = triangle()
    document["timeline"] = []
    code = main(["verify", str(scenario_file(tmp_path, document)), "--against", "bird"])
    printed = capsys.readouterr().out
    assert code == 1
    assert "start: r1 10.0.2.0/24 local_pref: emulator 201, daemon 200" in printed
    assert "start: r2 10.0.1.0/24 local_pref: emulator 201, daemon 200" in printed
    assert "2 differences" in printed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_random_graphs(tmp_path: Path, seed: int) -> None:
    """60 ASes with relationships, communities, MED and prepending: no difference in any field at any step."""
    outcome = verified(tmp_path, random_document(60, seed), "bird")
    assert told(outcome) == []
    assert outcome.steps[0].entries > 3000  # of 3,600: import rules refuse some routes


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_random_graphs_in_both_families(tmp_path: Path, seed: int) -> None:
    """The same with every fourth prefix IPv6, over sessions that carry both families."""
    assert told(verified(tmp_path, random_document(30, seed, ipv6=True), "bird")) == []


@pytest.mark.nightly
@pytest.mark.parametrize("routers", [500, 1000])
def test_large_random_graphs(tmp_path: Path, routers: int) -> None:
    """250,000 and 1,000,000 routes: no difference."""
    document: dict[str, Any] = random_document(routers, 1, rules=False)
    document["timeline"] = []
    outcome = verified(tmp_path, document, "bird", limit_s=900.0)
    assert told(outcome)[:20] == []
    assert outcome.steps[0].entries == routers * routers


@pytest.mark.slow
def test_route_reflectors_and_ospf_inside_a_transit(tmp_path: Path) -> None:
    """Every router leaves by the border nearest to it: before a cut inside the AS, after it, and repaired.

    Over t2-t4 (10) t4 is 20 from t1 and 35 from t6; without it, 50 (over t3 and
    t2) and 35. So the cut changes t4's border, without which the test were of no use.
    """
    plan = plan_of(tmp_path, transit())
    view = EmulatorView(plan)
    layout = blueprint(plan, view.wiring)
    t4 = plan.network.router_by_name["t4"].index
    before = view.settled(layout).ribs[t4]["10.1.0.0/16"].next_hop
    after = view.step(steps_of(plan)[0], layout).ribs[t4]["10.1.0.0/16"].next_hop
    indices = [plan.network.router_by_name[name].index for name in ("t1", "t6")]
    borders = [layout.setups[index].loopback[Family.IPV4] for index in indices]
    assert [before, after] == borders
    assert told(verified(tmp_path, transit(), "bird")) == []


@pytest.mark.slow
@pytest.mark.parametrize("routers", [3, 4])
def test_clique_forgets_a_prefix_in_n_hops(tmp_path: Path, routers: int) -> None:
    """Without MRAI a clique of n that loses its stub takes n d: the longest path explored has n + 1 ASes.

    d is 10 ms. The daemons' own work, the relay's and whatever else the machine
    does can only add to it, hence the shortest of five: within 10 %.
    """
    delay_ms = 10
    names = [f"r{i}" for i in range(routers + 1)]
    pairs = [(0, 1)] + [(i, j) for i in range(1, routers + 1) for j in range(i + 1, routers + 1)]
    document = {
        "version": 1,
        "name": f"clique-{routers}",
        "network": {
            "routers": {name: {"asn": 65000 + i, "like": "bird"} for i, name in enumerate(names)},
            "links": [{"ends": [names[i], names[j]], "delay": f"{delay_ms}ms"} for i, j in pairs],
        },
        "bgp": {"policy": "permit-all", "mrai": "0s"},
        "duration": "2h",
        "timeline": [
            {"at": f"{10 * step}min", verb: "203.0.113.0/24", "router": "r0"}
            for step, verb in enumerate(["announce", "withdraw"] * 5)
        ],
    }
    outcome = verified(tmp_path, document, "bird", measure=True)
    assert told(outcome) == []
    withdrawals = outcome.steps[2::2]
    assert {step.expected.duration_ns for step in withdrawals} == {routers * delay_ms * 1_000_000}
    times_ms = [step.measured.duration_ns / 1e6 for step in withdrawals if step.measured]  # type: ignore[operator]
    assert len(times_ms) == 5
    assert 1.0 <= min(times_ms) / (routers * delay_ms) <= 1.1


@pytest.mark.slow
def test_roles_origins_communities_and_path_matches(tmp_path: Path) -> None:
    """What a scenario can say beyond relationships: no difference, through a cut and an outage."""
    assert told(verified(tmp_path, features(tmp_path), "bird")) == []
