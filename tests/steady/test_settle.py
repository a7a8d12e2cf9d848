"""The fixed point without time, held against graph theory."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.sim.emulation import Emulation
from emulator.sim.invariants import check_quiet
from emulator.steady.messages import DoesNotSettleError, StillChangingError
from emulator.units import HOUR, Duration

from labs import lab, plan_of


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Routers and links: any simple graph of 2 to 10 routers, connected or not."""
    count = draw(st.integers(2, 10))
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    return count, draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True))


@settings(max_examples=60, deadline=None)
@given(graphs(), st.booleans())
def test_permit_all_finds_the_shortest_paths(
    graph: tuple[int, list[tuple[int, int]]], by_messages: bool
) -> None:
    """Every reachable router has a path of the length of the shortest, over links that exist; others none."""
    count, edges = graph
    emulation = Emulation(plan_of(lab(edges, count), by_messages=by_messages))
    emulation.settle()
    check_quiet(emulation)
    reference = nx.Graph()
    reference.add_nodes_from(range(count))
    reference.add_edges_from(edges)
    lengths = nx.single_source_shortest_path_length(reference, 0)
    found = {r: s.loc_rib[0].attributes.as_path for r, s in enumerate(emulation.speakers) if s.loc_rib}
    assert {router: len(path) for router, path in found.items()} == lengths
    for router, path in found.items():
        way = [router, *(asn - 65000 for asn in path)]
        assert way[-1] == 0
        assert nx.is_simple_path(reference, way)


def test_settled_speakers_are_at_rest() -> None:
    """No timer runs and nothing is held back at t = 0, so the first change is sent at once."""
    emulation = Emulation(plan_of(lab([(0, 1), (1, 2)], 3)))
    emulation.settle()
    assert emulation.engine.pending == 0
    assert emulation.engine.now == 0
    for speaker in emulation.speakers:
        for peer in speaker.peers:
            assert (peer.is_up, peer.pending) == (True, {})
            assert peer.mrai_until < 0


def test_the_error_says_what_to_do() -> None:
    """And can be built again from its arguments, as SimPy does."""
    error = DoesNotSettleError(17)
    assert str(type(error)(*error.args)) == str(error)
    assert "17" in str(error)
    with pytest.raises(DoesNotSettleError, match="no stable state"):
        raise error
    assert "still change after 1d" in str(StillChangingError(Duration(24 * HOUR)))
