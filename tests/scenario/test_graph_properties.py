"""What is added to an AS graph leaves the rest alone; clients are drawn in proportion; dicts as oracle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.network.asgraph.additions import NewLink, NewNode, with_additions
from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, PEERING, from_links
from emulator.scenario.build import build
from emulator.scenario.loader import load

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.network.asgraph.graph import AsGraph
    from emulator.scenario.plan import FleetPlan

GRAPH = """\
version: 1
name: g
network:
  generate: {ases: 80, seed: 3}
  cdn: {asn: 54113, pops: {AMS: {transit: [2, 5]}, LHR: {transit: [5]}, SIN: {transit: [4], peers: [30]}}}
  ADDED
bgp: {mrai: {0s: 60%, 30s: 40%}}
strategies: {anycast: {kind: anycast}}
clients: {population: {POPULATION}}
"""
ADDITIONS = {
    "a collector": "collectors: {rv: [7, 9]}",
    "a link": "links: [{ends: [77, 78], relationship: peer}]",
    "an AS below all": "links: [{ends: [70000, 3], relationship: customer-provider}]",
    "prefixes": "prefixes: {AS12: [203.0.113.0/24]}",
}


def plan_of(folder: Path, added: str = "", population: str = "count: 40") -> FleetPlan:
    """The plan of the scenario with something added to its network."""
    path = folder / "s.yaml"
    path.write_text(GRAPH.replace("ADDED", added).replace("POPULATION", population))
    return build(load(path))


def drawn(plan: FleetPlan) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Each link's delay and each router's MRAI, by names."""
    graph = plan.graph
    names = [graph.name(node) for node in range(len(graph))]
    ends = [tuple(sorted(names[int(end)] for end in pair)) for pair in graph.link_ends]
    delays = dict(zip(ends, plan.delays.tolist(), strict=True))
    return delays, dict(zip(names, plan.speakers.mrai.tolist(), strict=True))


@pytest.mark.parametrize("what", ADDITIONS)
def test_additions_shift_nobodys_draws(what: str, tmp_path: Path) -> None:
    """Delays of links and MRAI of routers are drawn by name; the indices of both have moved."""
    before, after = drawn(plan_of(tmp_path)), drawn(plan_of(tmp_path, ADDITIONS[what]))

    for old, new in zip(before, after, strict=True):
        assert len(set(old.values())) > 1
        assert {name: new[name] for name in old} == old
    assert what == "prefixes" or any(len(new) > len(old) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("weight", ["uniform", "customer-cone", "w.csv"])
@pytest.mark.parametrize("count", [1, 7, 40, 1000])
def test_clients_are_drawn_in_proportion(weight: str, count: int, tmp_path: Path) -> None:
    """The whole weight is 1; no AS is further from its part of the draws than one draw."""
    (tmp_path / "w.csv").write_text("asn,weight\n" + "".join(f"{asn},{asn % 7}\n" for asn in range(1, 60)))
    plan = plan_of(tmp_path, population=f"count: {count}, weight: {weight}")
    weights = plan.weight
    assert weights is not None
    mass = np.zeros(len(plan.graph))
    for group in plan.groups:
        mass[group.router] += group.weight

    assert mass.sum() == pytest.approx(1)
    assert not mass[[pop.router for pop in plan.pops]].any()
    expected = weights / weights.sum()
    if count >= np.count_nonzero(weights):
        assert mass == pytest.approx(expected)
    else:
        assert np.abs(mass - expected).max() < 1 / count + 1e-9
        assert np.allclose(mass * count, np.rint(mass * count))


# with_additions, with dicts ------------------------------------------------------------

Links = dict[frozenset[int], tuple[int, int, int]]
ASNS = st.integers(1, 12)


@st.composite
def graphs(draw: st.DrawFn) -> Links:
    """Links between ASes 1 to 12 by their pair: first (the customer), second, kind."""
    pairs = draw(st.lists(st.tuples(ASNS, ASNS).filter(lambda pair: pair[0] != pair[1]), min_size=1))
    return {frozenset(pair): (*pair, draw(st.sampled_from([CUSTOMER_PROVIDER, PEERING]))) for pair in pairs}


@st.composite
def new_nodes(draw: st.DrawFn) -> list[NewNode]:
    """Sites of an AS that may be there, and collectors of ASes that are not, with other neighbours."""
    nodes = []
    replaced = draw(st.integers(1, 14))
    others = st.lists(ASNS.filter(lambda asn: asn != replaced), unique=True, max_size=5)
    for number in range(draw(st.integers(0, 3))):
        near = draw(others)
        cut = draw(st.integers(0, len(near)))
        nodes.append(NewNode(f"POP{number}", replaced, tuple(near[:cut]), tuple(near[cut:])))
    nodes += [NewNode(f"rv{n}", 900 - n, feeds=tuple(draw(others))) for n in range(draw(st.integers(0, 2)))]
    return nodes


def told(graph: AsGraph) -> Counter[tuple[str, str, int]]:
    """The links of a graph by names, of peerings the lower name first."""
    found: Counter[tuple[str, str, int]] = Counter()
    for (first, second), kind in zip(graph.link_ends.tolist(), graph.link_kind.tolist(), strict=True):
        found[in_order(graph.name(first), graph.name(second), kind)] += 1
    return found


def in_order(first: str, second: str, kind: int) -> tuple[str, str, int]:
    """A link between names as `told` has it."""
    return (*sorted((first, second)), kind) if kind == PEERING else (first, second, kind)  # type: ignore[return-value]


@given(graphs(), graphs() | st.just({}), new_nodes())
def test_additions_as_dicts_have_them(base: Links, added: Links, nodes: list[NewNode]) -> None:
    """New links take the place of old ones, new nodes that of their AS; unknown neighbours are left out."""
    asn = np.array(sorted({asn for pair in base for asn in pair}))
    rows = np.array(list(base.values()))
    graph = from_links(asn, np.searchsorted(asn, rows[:, :2]), rows[:, 2])
    links = [NewLink((first, second), kind == PEERING) for first, second, kind in added.values()]

    expected: Counter[tuple[str, str, int]] = Counter()
    replaced = {node.asn for node in nodes}
    joined = {**base, **added}
    known = {int(each) for each in asn} | {end for pair in added for end in pair if not pair & replaced}
    known -= replaced
    for pair, (first, second, kind) in joined.items():
        if not pair & replaced:
            expected[in_order(f"AS{first}", f"AS{second}", kind)] += 1
    for node in nodes:
        for near, kind in (
            (node.providers, CUSTOMER_PROVIDER), (node.peers, PEERING), (node.feeds, CUSTOMER_PROVIDER)
        ):  # fmt: skip
            expected.update(in_order(node.name, f"AS{each}", kind) for each in near if each in known)
    made = with_additions(graph, nodes, links)

    assert told(made) == expected
    numbers = made.asn.tolist()
    assert numbers == sorted(numbers)
    assert Counter(numbers) == Counter([*known, *(node.asn for node in nodes)])
    assert [made.labels[n] for n in sorted(made.labels)] == [
        node.name for node in sorted(nodes, key=lambda each: each.asn)
    ]
