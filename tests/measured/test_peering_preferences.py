"""Catchments learned and predicted, on graphs small enough to say what must come out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import InputError
from emulator.network.asgraph.graph import CUSTOMER, PROVIDER, AsGraph, from_links
from emulator.steady.preferences import UNKNOWN, Trial, carry, learn, predict
from emulator.steady.preferences_reach import OWN, Reach, Seen, observe, reach
from emulator.steady.preferences_sites import Attached, attach, relation_of, to_site
from emulator.steady.valley_free import Origin, solve

from as_files import random_graph

CDN = 47065
PROVIDES, PEERS = -1, 0


def graph_of(*links: tuple[int, int, int]) -> AsGraph:
    """A graph of ``(first, second, PROVIDES or PEERS)``."""
    asn = np.unique([each for a, b, _ in links for each in (a, b)])
    ends = [(b, a) if kind == PROVIDES else (a, b) for a, b, kind in links]
    return from_links(
        asn, np.searchsorted(asn, ends), np.array([kind == PEERS for *_, kind in links]).astype(int)
    )


def unseen(graph: AsGraph) -> Seen:
    """No path at all."""
    return Seen(np.full(len(graph), -1), np.zeros(len(graph), np.int64))


def reaches_of(attached: Attached, paths: dict[str, list[tuple[int, ...]]]) -> list[Reach]:
    """How each site is reached, by its paths."""
    return [reach(attached.graph, attached.site[s], observe(attached, s, paths[s])) for s in paths]


def sites_of(attached: Attached, shares: np.ndarray, *asns: int) -> list[int]:
    """Where ASes are said to land."""
    nodes = [attached.graph.node(asn) for asn in asns]
    return shares[nodes].argmax(axis=1).tolist()


def test_a_path_ends_where_the_origin_begins() -> None:
    """What an origin puts behind its AS number is not a part of the way."""
    assert to_site((1, 2, 2, CDN, 61574, CDN), CDN) == (1, 2, 2, CDN)
    assert to_site((1, 2), CDN) is None
    assert to_site((CDN,), CDN) is None
    assert to_site((), CDN) is None


def test_paths_say_who_a_sites_neighbours_are() -> None:
    """Who passes a site on to peers and providers sells it transit; who only serves customers is a peer."""
    graph = graph_of(
        (1, 10, PROVIDES), (2, 10, PROVIDES), (20, 3, PROVIDES), (1, 2, PEERS), (CDN, 3, PROVIDES)
    )
    paths = {
        "east": [(1, 10, CDN, 61574, CDN), (2, 10, CDN), (1, 10, CDN), (3, 20, CDN), (3, 20, CDN)],
        "west": [(3, 99, 20, CDN), (10, 1, CDN)],
    }
    attached = attach(graph, CDN, paths)
    assert attached.transit == {"east": (10,), "west": ()}
    assert attached.peers == {"east": (20,), "west": (1, 20)}
    assert attached.hidden == ((3, 99), (99, 20))
    joined = attached.graph
    assert [joined.name(node) for node in joined.nodes(CDN)] == ["east", "west"]
    assert [joined.asn[joined.neighbor[slot]] for slot in joined.slots(attached.site["east"])] == [20, 10]
    assert relation_of(joined, 99, 20) == PROVIDER
    assert relation_of(joined, 3, CDN) is None
    assert joined.link_count == graph.link_count - 1 + 2 + 4
    plain = attach(graph, CDN, paths, with_hidden=False)
    assert plain.hidden == attached.hidden
    assert plain.graph.node(99) is None


def test_a_site_that_nobody_saw_is_not_attached() -> None:
    """Nor sites to a graph that has some already: each with what to do about it."""
    graph = graph_of((1, 2, PROVIDES))
    with pytest.raises(InputError, match="west announces alone"):
        attach(graph, CDN, {"east": [(1, CDN)], "west": [(1, 2)]})
    attached = attach(graph, CDN, {"east": [(1, CDN)], "west": [(2, CDN)]})
    with pytest.raises(InputError, match="several nodes of one AS"):
        attach(attached.graph, CDN, {"north": [(1, CDN)]})


def test_a_path_shows_the_route_of_every_as_on_it() -> None:
    """With its length, prepending included, and the most frequent of several."""
    graph = graph_of((1, 2, PROVIDES), (2, 3, PROVIDES), (3, 4, PROVIDES), (1, 3, PROVIDES))
    paths = {"east": [(1, 2, 3, 3, 3, CDN), (1, 3, CDN), (1, 3, CDN)]}
    attached = attach(graph, CDN, paths)
    seen, joined = observe(attached, "east", paths["east"]), attached.graph
    hops = {n: int(joined.asn[joined.neighbor[seen.slot[joined.node(n)]]]) for n in (1, 2, 3)}
    assert hops == {1: 3, 2: 3, 3: CDN}
    assert [int(seen.length[joined.node(n)]) for n in (1, 2, 3)] == [2, 4, 1]
    assert seen.slot[joined.node(4)] == -1
    routes = reach(joined, attached.site["east"], seen)
    assert routes.length[joined.node(4)] == 2
    assert [int(routes.relation[joined.node(n)]) for n in (1, 2, 3, 4)] == [
        CUSTOMER,
        CUSTOMER,
        CUSTOMER,
        PROVIDER,
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 39))
def test_without_paths_a_site_is_reached_as_the_solver_says(seed: int, site: int) -> None:
    """Kind and length of everybody's route, on any graph."""
    graph = random_graph(seed)
    site %= len(graph)
    routes, found = solve(graph, [Origin(site)]), reach(graph, site, unseen(graph))
    has_route = routes.origin >= 0
    others = np.arange(len(graph)) != site
    assert np.array_equal(found.relation > 0, has_route)
    assert found.relation[site] == OWN
    assert np.array_equal(found.relation[has_route & others], routes.relation[has_route & others])
    assert np.array_equal(found.length[has_route], routes.length[has_route])


TWO = graph_of((10, 1, PROVIDES), (20, 1, PROVIDES), (10, 30, PEERS), (20, 30, PEERS), (1, 100, PROVIDES))
"""AS1 buys from 10, where east is, and from 20, where west is, and sells to 100; 30 peers with both."""
TWO_PATHS = {
    "east": [(30, 10, CDN), (30, 10, CDN), (1, 10, CDN)],
    "west": [(30, 20, 20, CDN), (30, 20, 20, CDN), (1, 20, CDN)],
}


def test_the_shorter_of_two_seen_paths_wins_and_customers_follow() -> None:
    """30 sees west prepended; nothing tells 1 apart, so the share is even."""
    attached = attach(TWO, CDN, TWO_PATHS)
    shares = predict(attached.graph, reaches_of(attached, TWO_PATHS))
    assert sites_of(attached, shares, 10, 20, 30) == [0, 1, 0]
    assert shares[attached.graph.node(1)] == pytest.approx([0.5, 0.5], abs=0.05)
    paths = {**TWO_PATHS, "east": [*TWO_PATHS["east"][:2], (1, 10, 10, 10, CDN)]}
    shares = predict(attached.graph, reaches_of(attached, paths))
    assert sites_of(attached, shares, 1, 100) == [1, 1]


def trial(attached: Attached, paths: dict[str, list[tuple[int, ...]]], landed: dict[int, int]) -> Trial:
    """A trial of the sites of ``paths`` in their order."""
    found = np.full(len(attached.graph), UNKNOWN)
    for asn, site in landed.items():
        found[attached.graph.node(asn)] = site
    return Trial(tuple(reaches_of(attached, paths)), found)


def test_preferences_carry_over_a_third_site() -> None:
    """East over north and north over west makes east over west, and for a customer that nobody measured."""
    graph = graph_of(*((n, 1, PROVIDES) for n in (10, 20, 40)), (1, 100, PROVIDES))
    paths = {s: [(1, n, CDN), (1, n, CDN)] for s, n in (("east", 10), ("west", 20), ("north", 40))}
    attached = attach(graph, CDN, paths)

    def some(*names: str) -> dict[str, list[tuple[int, ...]]]:
        return {name: paths[name] for name in names}

    for first, second, expected in ((0, 0, 0), (1, 1, 1)):
        trials = [
            trial(attached, some("east", "north"), {1: first}),
            trial(attached, some("north", "west"), {1: second}),
        ]
        learned = learn(attached.graph, [carry(attached.graph, each) for each in trials])
        shares = predict(attached.graph, reaches_of(attached, some("east", "west")), learned)
        assert sites_of(attached, shares, 1, 100) == [expected, expected]
        assert shares[attached.graph.node(1), expected] > 0.9
    # worse than north, both of them: says nothing of the two
    trials = [
        trial(attached, some("east", "north"), {1: 1}),
        trial(attached, some("north", "west"), {1: 0}),
    ]
    learned = learn(attached.graph, [carry(attached.graph, each) for each in trials])
    shares = predict(attached.graph, reaches_of(attached, some("east", "west")), learned)
    assert shares[attached.graph.node(1)] == pytest.approx([0.5, 0.5], abs=0.1)


def test_an_as_leans_on_the_provider_that_it_landed_with() -> None:
    """100 went where 10 did when 10 and 20 were apart; it does so again for sites that it never saw."""
    graph = graph_of(
        *((a, b, PROVIDES) for a, b in ((10, 100), (20, 100), (10, 11), (20, 21), (10, 12), (20, 22)))
    )
    homes = {"a": 11, "b": 21, "c": 22, "d": 12}
    paths = {s: [(10 if n < 20 else 20, n, CDN)] * 2 for s, n in homes.items()}
    attached = attach(graph, CDN, paths)
    for leans, expected in ((0, 1), (1, 0)):
        apart = trial(attached, {s: paths[s] for s in ("a", "b")}, {10: 0, 20: 1, 100: leans})
        learned = learn(attached.graph, [carry(attached.graph, apart)])
        shares = predict(attached.graph, reaches_of(attached, {s: paths[s] for s in ("c", "d")}), learned)
        assert sites_of(attached, shares, 10, 20, 100) == [1, 0, expected]


def test_a_measured_provider_is_told_by_its_customers() -> None:
    """Nobody measured 1 itself, but all of its customers landed in the west."""
    graph = graph_of((10, 1, PROVIDES), (20, 1, PROVIDES), *((1, n, PROVIDES) for n in range(100, 106)))
    paths = {"east": [(1, 10, CDN)] * 2, "west": [(1, 20, CDN)] * 2}
    attached = attach(graph, CDN, paths)
    field = carry(attached.graph, trial(attached, paths, dict.fromkeys(range(100, 105), 1)))
    assert sites_of(attached, field.share, 1, 105) == [1, 1]


def test_what_decides_is_learned_from_the_trials() -> None:
    """Where everybody took the longer path, the longer path is what the model expects of others."""
    asns = range(101, 131)
    graph = graph_of(*((p, n, PROVIDES) for n in asns for p in (10, 20)))
    paths = {
        "near": [(n, 10, CDN) for n in asns],
        "far": [(n, 20, 20, 20, CDN) for n in asns],
    }
    attached = attach(graph, CDN, paths)
    contrary = carry(attached.graph, trial(attached, paths, dict.fromkeys(asns, 1)))
    learned = learn(attached.graph, [contrary])
    assert learned.decides[0] < -1
    assert sites_of(attached, predict(attached.graph, reaches_of(attached, paths)), 101) == [0]
    assert learn(attached.graph, []).decides == pytest.approx(0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_shares_are_shares_and_do_not_depend_on_the_order_of_sites(seed: int) -> None:
    """With or without something learned, on any graph and for three sites."""
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    if len(graph) < 3:
        return
    sites = rng.choice(len(graph), 3, replace=False).tolist()
    reaches = [reach(graph, site, unseen(graph)) for site in sites]
    landed = rng.integers(-1, 2, len(graph))
    learned = learn(graph, [carry(graph, Trial((reaches[0], reaches[1]), landed))])
    for preferences in (None, learned):
        shares = predict(graph, reaches, preferences)
        assert shares.sum(axis=1) == pytest.approx(1)
        assert (shares >= 0).all()
        assert np.array_equal(shares[sites], np.eye(3))
        turned = predict(graph, reaches[::-1], preferences)
        assert turned[:, ::-1] == pytest.approx(shares)


def test_arrays_of_another_graph_are_refused() -> None:
    """Routes, measurements and preferences alike."""
    attached = attach(TWO, CDN, TWO_PATHS)
    reaches = reaches_of(attached, TWO_PATHS)
    with pytest.raises(InputError, match="another graph"):
        predict(TWO, reaches)
    with pytest.raises(InputError, match="another graph"):
        carry(attached.graph, Trial(tuple(reaches), np.zeros(3, np.int64)))
    with pytest.raises(InputError, match="another graph"):
        predict(attached.graph, reaches, learn(TWO, []))
    trial = Trial(tuple(reaches), np.full(len(attached.graph), UNKNOWN))
    habit = learn(TWO, []).habit
    with pytest.raises(InputError, match="another graph"):
        carry(attached.graph, trial, habit)
    larger = attach(
        graph_of((10, 1, PROVIDES), *((1, asn, PROVIDES) for asn in range(50, 70))), CDN, TWO_PATHS
    )
    for graph in (TWO, larger.graph):
        with pytest.raises(InputError, match="another graph"):
            carry(graph, trial)
        with pytest.raises(InputError, match="another graph"):
            learn(graph, [carry(attached.graph, trial)])


def test_without_a_site_nobody_lands() -> None:
    """Which is said, for trials and for predictions."""
    with pytest.raises(InputError, match="without a site"):
        predict(TWO, [])
    with pytest.raises(InputError, match="without a site"):
        carry(TWO, Trial((), np.full(len(TWO), UNKNOWN)))
