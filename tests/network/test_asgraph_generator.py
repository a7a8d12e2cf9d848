"""Made-up Internets: always whole, always the same, and like the measured one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import InputError
from emulator.network.asgraph.cones import customer_cones
from emulator.network.asgraph.generator import ASES_MAX, ASES_MIN, clique_of, clique_size, generate
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEER, PROVIDER, AsGraph
from emulator.network.asgraph.relationships import as_text, parsed
from emulator.network.asgraph.structure import (
    components,
    cycle_members,
    neighbors_of,
    reached_valley_free,
)


def check_whole(graph: AsGraph, ases: int) -> None:
    """Everything that is promised of any size: connected, no cycles, a clique that everybody reaches."""
    assert len(graph) == ases
    assert not components(graph).any()
    assert np.array_equal(cycle_members(graph), np.arange(ases))
    clique = [graph.node(asn) for asn in clique_of(graph)]
    assert 2 <= len(clique) == clique_size(ases)
    for node in clique:
        peers = set(neighbors_of(graph, np.array([node]), PEER).tolist())
        assert peers | {node} >= set(clique)
        # up, across and down from any one member: as everybody gets there too, everybody reaches everybody
        assert reached_valley_free(graph, [node]).all()
    reserved = (graph.asn == 23456) | ((graph.asn >= 64496) & (graph.asn <= 65551)) | (graph.asn < 1)
    assert not reserved.any()


@pytest.mark.parametrize(
    "ases", [ASES_MIN, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 100, 350, 700, 3000, 24_000]
)
@pytest.mark.parametrize("seed", [0, 1, -7])
def test_any_size_is_whole(ases: int, seed: int) -> None:
    """Tiny ones too."""
    check_whole(generate(ases, seed), ases)


@given(ases=st.integers(ASES_MIN, 60), seed=st.integers(-(2**63), 2**63), data=st.data())
@settings(max_examples=60)
def test_as_many_links_as_asked_for(ases: int, seed: int, data: st.DataObject) -> None:
    """Any number between the fewest there can be and all pairs; the hierarchy stays the same."""
    most = ases * (ases - 1) // 2
    usual = generate(ases, seed)
    fixed = (
        int((usual.link_kind == CUSTOMER_PROVIDER).sum()) + clique_size(ases) * (clique_size(ases) - 1) // 2
    )
    links = data.draw(st.integers(fixed, most))
    graph = generate(ases, seed, links=links)
    assert graph.link_count == links
    check_whole(graph, ases)
    for nodes in (usual, graph):
        assert np.array_equal(nodes.degrees(PROVIDER), usual.degrees(PROVIDER))
        assert np.array_equal(nodes.degrees(CUSTOMER), usual.degrees(CUSTOMER))


def test_the_largest_density() -> None:
    """Half of all pairs of some thousand; and nearly no peerings at all."""
    assert generate(1500, 1, links=600_000).link_count == 600_000
    graph = generate(5000, 1, links=10_200)
    assert graph.link_count == 10_200
    check_whole(graph, 5000)


@pytest.mark.parametrize(
    ("ases", "links", "message"),
    [
        (3, None, "expected 4 to 1,000,000 ASes, found 3"),
        (-1, None, "expected 4 to 1,000,000 ASes, found -1"),
        (ASES_MAX + 1, None, "found 1,000,001"),
        (10, 46, "expected 12 to 45 links, found 46"),
        (10, 3, "expected 12 to 45 links, found 3"),
        (3000, 3000 * 500 + 1, "to 1,500,000 links"),
    ],
)
def test_what_cannot_be(ases: int, links: int | None, message: str) -> None:
    """Says between what it can be."""
    with pytest.raises(InputError, match=message):
        generate(ases, 1, links=links)


def test_the_same_bytes_in_another_process() -> None:
    """Whatever PYTHONHASHSEED, however many threads; another seed gives another Internet."""
    program = (
        "import sys, hashlib\n"
        "from emulator.network.asgraph.generator import generate\n"
        "from emulator.network.asgraph.relationships import as_text\n"
        "print(hashlib.sha256(as_text(generate(4000, 7, links=30_000))).hexdigest())\n"
    )
    digests = set()
    for seed, threads in (("0", "1"), ("12345", "2")):
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONHASHSEED": seed,
            "OPENBLAS_NUM_THREADS": threads,
        }
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    here = as_text(generate(4000, 7, links=30_000))
    assert digests == {hashlib.sha256(here).hexdigest()}
    assert as_text(generate(4000, 8, links=30_000)) != here
    assert as_text(parsed(here, "here").graph) == here


def test_the_same_bytes_on_other_machines() -> None:
    """Written down once: a change of the generator that changes its Internets has to say so."""
    digest = hashlib.sha256(as_text(generate(1000, 1))).hexdigest()
    assert digest == "9d616014c1cd55e10df3b378ea1f2feadc12fec0babeda5183d9b5fd283459d9"


def hops(graph: AsGraph, destination: int) -> np.ndarray:
    """(N,) AS hops to ``destination`` by customer routes, else peer, else provider routes, shortest first."""
    far = 10**6
    distance = np.full(len(graph), far)
    distance[destination] = 0

    def spread(relation: int, *, is_open: np.ndarray) -> None:
        for hop in range(1, 40):
            at = np.flatnonzero(distance == hop - 1)
            following = neighbors_of(graph, at, relation)
            following = following[is_open[following] & (distance[following] > hop)]
            distance[following] = hop

    spread(PROVIDER, is_open=np.ones(len(graph), bool))
    slots = np.flatnonzero(graph.relation == PEER)
    over_peer = np.full(len(graph), far)
    np.minimum.at(over_peer, graph.slot_node()[slots], distance[graph.neighbor[slots]] + 1)
    has_none = distance == far
    distance[has_none] = np.minimum(far, over_peer[has_none])
    spread(CUSTOMER, is_open=distance == far)
    return distance


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_like_the_internet(seed: int) -> None:
    """Figures of the Internet of 2016 to 2019 (see `emulator.network.asgraph.measured`), with some room."""
    graph = generate(65_438, seed, links=345_300)
    customers, peers, providers = (graph.degrees(relation) for relation in (CUSTOMER, PEER, PROVIDER))
    is_transit = customers > 0

    assert 0.145 < is_transit.mean() < 0.157
    assert 1.79 < providers[~is_transit].mean() < 1.85
    assert 2.80 < providers[is_transit].mean() < 2.95
    sold = np.quantile(customers[is_transit], (0.5, 0.75, 0.9, 0.95, 0.99, 0.999))
    assert np.all(abs(np.log(sold / (2, 6, 18, 39, 168, 1280))) < np.log(1.25))
    assert 4_500 < customers.max() < 6_500
    large = customers[customers >= 10]
    assert 1.80 < 1 + len(large) / np.log(large / 9.5).sum() < 2.00  # Hill; 1.89 to 1.92

    has_peers = peers > 0
    assert 0.09 < has_peers[~is_transit].mean() < 0.13
    assert 0.46 < has_peers[is_transit].mean() < 0.54
    met = np.quantile(peers[is_transit & has_peers], (0.75, 0.9, 0.95, 0.99))
    assert np.all(abs(np.log(met / (32, 98, 166, 1237))) < np.log(1.4))
    assert 5_000 < peers.max() < 7_500

    cones = np.sort(customer_cones(graph)[is_transit])
    assert np.quantile(cones, 0.5) in (3, 4)
    assert 40 < np.quantile(cones, 0.9) < 56
    assert 2_000 < np.quantile(cones, 0.99) < 6_000
    assert 0.7 < cones[-1] / len(graph) < 0.95

    drawn = np.random.default_rng(seed).choice(len(graph), 20, replace=False)
    lengths = np.concatenate([hops(graph, int(node)) for node in drawn])
    assert 3.9 < lengths.mean() < 4.7


def test_old_networks_have_low_numbers() -> None:
    """The tie-break by AS number meets large networks first, as in the real graphs."""
    graph = generate(20_000, 3)
    customers = graph.degrees(CUSTOMER)
    place = np.arange(len(graph)) / len(graph)
    largest = np.argsort(-customers, kind="stable")[:50]
    assert np.median(place[largest]) < 0.2
    assert np.median(place[largest]) < np.median(place[customers > 0]) < np.median(place[customers == 0])


@pytest.mark.slow
@pytest.mark.parametrize(("ases", "links"), [(75_000, 473_000), (150_000, None)])
def test_the_whole_internet_and_twice_that(ases: int, links: int | None) -> None:
    """Today's size with today's links, and one that is to come."""
    graph = generate(ases, 1, links=links)
    check_whole(graph, ases)
    assert links is None or graph.link_count == links
