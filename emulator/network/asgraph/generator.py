"""An Internet made up: as many ASes as asked for, hung together like the real one.

ASes are made in the order of a hierarchy: a clique of networks without
providers, other transit networks, stubs. Each buys from networks further up,
so that nobody is its own indirect provider and a way up, across the clique and
down joins any two. How many customers a transit network gets, how many
providers and peers an AS has, follows the tables in `measured`; ASes of one
region buy, and peer at its exchange, among themselves rather than elsewhere.

Chances are whole numbers and draws are integers, so that the same seed gives
the same graph on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from emulator.errors import InputError
from emulator.network.asgraph import measured
from emulator.network.asgraph.arrays import distinct, is_in
from emulator.network.asgraph.draws import ONE, Wheel, from_shares, sizes_by_rank, whole
from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, PEERING, PROVIDER, AsGraph, from_links
from emulator.network.asgraph.peerings import Networks, peerings
from emulator.rng import array_stream

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

ASES_MIN: Final = 4
ASES_MAX: Final = 1_000_000
LINKS_PER_AS_MAX: Final = 500
_AT_HOME: Final = 0.65
"""Chance that a further provider is sought in the region first."""
_DRAWN_TO_SIZE: Final = 0.09
_UNEVEN: Final = 1.0
"""How far the hierarchy strays from the order of size: standard deviation of the log of customers."""
_ROUNDS: Final = 30
_RESERVED: Final = ((23456, 23457), (64496, 65552))
"""AS numbers that nobody has, from, up to: AS_TRANS, documentation and private use (IANA's registry)."""


class _Tree(NamedTuple):
    """Who buys from whom; ASes in the order of the hierarchy: clique, other transit networks, stubs."""

    clique: int
    bought: Ints
    """(T, 2) customer, provider."""
    region: Ints
    """(N,) 0 for networks at home everywhere."""


def generate(ases: int, seed: int, *, links: int | None = None) -> AsGraph:
    """A graph of ``ases`` ASes without provider cycles, in which every AS reaches every other valley-free.

    ``links`` is the number of links; customer-provider links follow from
    ``ases``, so more links are more peerings. None stands for as many as the
    Internet of that size would have: 5.3 an AS at 65,000, fewer in small ones.
    Raises `InputError` where there is no such graph.
    """
    if not ASES_MIN <= ases <= ASES_MAX:
        message = f"expected {ASES_MIN:,} to {ASES_MAX:,} ASes, found {ases:,}"
        raise InputError(message)
    tree = _tree(ases, seed)
    above, below = np.triu_indices(tree.clique, 1)
    mesh = np.stack((above, below), axis=1).astype(np.int64)
    fixed = np.concatenate((tree.bought, mesh))
    customers = np.bincount(tree.bought[:, 1], minlength=ases)
    networks = Networks(customers, tree.region, tree.clique)
    count = _peerings_wanted(ases, links, len(fixed))
    peers = peerings(networks, fixed, count, array_stream(seed, "topology/peerings"))
    ends = np.concatenate((fixed, peers))
    kind = np.repeat((CUSTOMER_PROVIDER, PEERING), (len(tree.bought), len(mesh) + len(peers)))
    place = _by_age(customers, seed)
    return from_links(_numbers(ases), place[ends], kind)


def clique_of(graph: AsGraph) -> tuple[int, ...]:
    """AS numbers of the networks on top of a generated graph: those without providers."""
    return tuple(graph.asn[graph.degrees(PROVIDER) == 0].tolist())


def clique_size(ases: int) -> int:
    """How many networks stand on top without a provider: 18 in the Internet of 65,000 ASes."""
    size: int = max(2, round(measured.CLIQUE * (ases / measured.ASES) ** 0.25))
    return size


def _peerings_wanted(ases: int, links: int | None, fixed: int) -> int:
    """How many peerings to add to the ``fixed`` links. Raises `InputError` for what cannot be."""
    most = min(ases * (ases - 1) // 2, LINKS_PER_AS_MAX * ases)
    if links is None:
        return min(measured.usual_peerings(ases), most - fixed)
    if not fixed <= links <= most:
        message = f"{ases:,} ASes with this seed: expected {fixed:,} to {most:,} links, found {links:,}"
        raise InputError(message)
    return links - fixed


def _tree(ases: int, seed: int) -> _Tree:
    """Draw the hierarchy, the regions, and who buys from whom."""
    rng = array_stream(seed, "topology/hierarchy")
    clique = clique_size(ases)
    transit = min(max(clique + 1, round(measured.TRANSIT * ases)), ases - 1)
    wanted = sizes_by_rank(measured.CUSTOMERS, transit, max(4.0, measured.CUSTOMERS_MOST * ases))
    order = np.argsort(-(np.log(wanted) + _UNEVEN * rng.standard_normal(transit)), kind="stable")
    weights = whole(wanted[order])
    regions = int(np.clip(ases // 350, 1, 200))
    countries = Wheel(whole(1 / np.arange(1, regions + 1)))
    region = countries.draw(rng, ases) + 1
    region[:transit][(np.arange(transit) < clique) | (order < transit / 200)] = 0
    sold = _first_customers(rng, transit, ases)
    bought, region = _purchases(rng, clique, weights, region, sold)
    return _Tree(clique, bought, region)


def _first_customers(rng: np.random.Generator, transit: int, ases: int) -> Ints:
    """(N,) a provider, each another one, for as many stubs as there are transit networks; -1 elsewhere."""
    first = np.full(ases, -1, np.int64)
    stubs = rng.permutation(np.arange(transit, ases))[:transit]
    first[stubs] = np.arange(transit - 1, transit - 1 - len(stubs), -1)
    return first


def _purchases(
    rng: np.random.Generator, clique: int, weights: Ints, region: Ints, first: Ints
) -> tuple[Ints, Ints]:
    """(T, 2) customer and provider, and (N,) the regions, where a stub's is that of its first provider."""
    ases, transit = len(region), len(weights)
    node = np.arange(clique, ases)
    is_stub = node >= transit
    count = np.where(
        is_stub,
        from_shares(rng, measured.PROVIDERS_OF_STUBS, len(node)),
        from_shares(rng, measured.PROVIDERS_OF_TRANSIT, len(node)),
    )
    count = np.minimum(count, np.minimum(node, transit))
    extra = np.maximum(weights / ONE - 1, 0.02)  # one customer each they have already
    world = Wheel(whole(extra * np.maximum(extra, 1) ** _DRAWN_TO_SIZE))
    limit = np.minimum(node, transit)
    provider = np.where(first[node] >= 0, first[node], world.draw(rng, len(node), 0, limit))
    home = np.where(is_stub, region[provider], region[node])
    home = np.where(home > 0, home, region[node])
    region = region.copy()
    region[node] = home
    found = np.sort(node * ases + provider)
    near = Wheel(world.weights, region[:transit])
    for _ in range(_ROUNDS):
        have = np.bincount(found // ases, minlength=ases)[clique:]
        missing = np.repeat(np.arange(len(node)), np.maximum(count - have, 0))
        if not len(missing):
            break
        start, stop = near.span(home[missing], limit[missing])
        is_near = (rng.random(len(missing)) < _AT_HOME) & near.has(start, stop)
        pick = world.draw(rng, len(missing), 0, limit[missing])
        pick[is_near] = near.draw(rng, int(is_near.sum()), start[is_near], stop[is_near])
        new = distinct(node[missing] * ases + pick)
        found = np.sort(np.concatenate((found, new[~is_in(new, found)])))
    return np.stack((found // ases, found % ases), axis=1), region


def _by_age(customers: Ints, seed: int) -> Ints:
    """(N,) each AS's place in the order of AS numbers: what has many customers is old and has a low one."""
    rng = array_stream(seed, "topology/numbers")
    size = np.log10(1 + customers)
    exponent = (
        1 + 0.85 * size + 0.2 * size**2
    )  # fitted to the medians of stubs, transit networks, the largest
    place = np.empty(len(customers), np.int64)
    place[np.argsort(rng.random(len(customers)) ** exponent, kind="stable")] = np.arange(len(customers))
    return place


def _numbers(ases: int) -> Ints:
    """(N,) AS numbers from 1 on without the reserved ones, so that a scenario may add ASes of those."""
    numbers = np.arange(1, ases + 1)
    for start, stop in _RESERVED:
        numbers[numbers >= start] += stop - start
    return numbers
