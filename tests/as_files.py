"""AS relationships for tests: random ones, files that users bring, the same graph for networkx."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest
from hypothesis import strategies as st

from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, AsGraph, from_links

if TYPE_CHECKING:
    from collections.abc import Callable

Link = tuple[int, int, int]
"""First AS, second AS, -1 (the first is the provider) or 0."""

REAL = ("20161101.as-rel.txt.bz2", "20180101.as-rel.txt.xz", "20190701.as-rel.txt.xz")
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def brought(name: str) -> Path:
    """A file of CAIDA's, which cannot be part of this project; skips the test where nobody brought it."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("IPA_EMULATOR_DATA", beside)) / "bring-your-own" / name
    if not path.exists():
        pytest.skip(f"no {path}: CAIDA's AS relationships are brought by the user")
    return path


@st.composite
def links(draw: st.DrawFn, most: int = 30) -> list[Link]:
    """Links between ASes of 32 bits, no two of them between one pair, none from an AS to itself."""
    asns = draw(st.lists(st.integers(1, 2**32 - 1), min_size=2, max_size=12, unique=True))
    ends = st.tuples(st.sampled_from(asns), st.sampled_from(asns)).filter(lambda pair: pair[0] != pair[1])
    pairs = draw(st.lists(ends, min_size=1, max_size=most, unique_by=lambda pair: tuple(sorted(pair))))
    return [(one, two, draw(st.sampled_from((-1, 0)))) for one, two in pairs]


def written(graph: AsGraph) -> list[Link]:
    """The links of a graph as a file has them; of peers the lower AS first."""
    return sorted(
        (int(graph.asn[two]), int(graph.asn[one]), -1)
        if kind == CUSTOMER_PROVIDER
        else (int(graph.asn[one]), int(graph.asn[two]), 0)
        for (one, two), kind in zip(graph.link_ends.tolist(), graph.link_kind.tolist(), strict=True)
    )


def normal(rows: list[Link]) -> list[Link]:
    """Links as `written` has them."""
    return sorted((min(a, b), max(a, b), 0) if kind == 0 else (a, b, kind) for a, b, kind in rows)


def random_graph(seed: int, *, is_acyclic: bool = False) -> AsGraph:
    """A small graph with all that real ones have and should not: cycles, parts apart, no clique."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 40))
    ends = rng.integers(0, count, (int(rng.integers(0, 3 * count)), 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    ends = ends[np.unique(np.sort(ends, axis=1) @ (count, 1), return_index=True)[1]]
    if is_acyclic:
        ends = -np.sort(-ends, axis=1)
    asn = np.sort(rng.choice(10 * count, count, replace=False)) + 1
    return from_links(asn, ends, (rng.random(len(ends)) < 0.4).astype(int))


def downwards(graph: AsGraph) -> nx.DiGraph:
    """Edges from providers to customers, for networkx."""
    tree = nx.DiGraph()
    tree.add_nodes_from(range(len(graph)))
    transit = graph.link_ends[graph.link_kind == CUSTOMER_PROVIDER]
    tree.add_edges_from((provider, customer) for customer, provider in transit.tolist())
    return tree


def undirected(graph: AsGraph, kind: int | None = None) -> nx.Graph:
    """All links, or those of one kind, for networkx."""
    joined = nx.Graph()
    joined.add_nodes_from(range(len(graph)))
    of_kind = graph.link_ends if kind is None else graph.link_ends[graph.link_kind == kind]
    joined.add_edges_from(of_kind.tolist())
    return joined
