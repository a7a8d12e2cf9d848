"""Who peers with whom in a made-up Internet: at exchanges, a few with everybody, most with those few.

A soft configuration model: two ASes peer with the chance ``1 - exp(-x y)``,
where the weights ``x`` are fitted so that each AS has the peers meant for it in
the mean although no two can peer twice. Networks with many peers are at every
exchange; the others meet those, and each other only in their own region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from emulator.network.asgraph import measured
from emulator.network.asgraph.arrays import is_in
from emulator.network.asgraph.draws import Wheel, sizes_by_rank, whole

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_EVERYWHERE: Final = 4.0
"""An AS meant to have this many times the mean of peers is at the exchanges of all regions."""
_PULL: Final = 0.32
"""How much customers add to an AS's chance of many peers."""
_CLIQUE_PEERS: Final = 2.0
"""Peers of a network of the clique relative to the mean: they are picky."""
_BUCKETS: Final = 160
_STEPS: Final = 60


class Networks(NamedTuple):
    """What is known of N ASes before they peer; the first ``clique`` are on top."""

    customers: Ints
    region: Ints
    clique: int


def peerings(networks: Networks, taken: Ints, count: int, rng: np.random.Generator) -> Ints:
    """(count, 2) pairs of ASes, none of which is among ``taken`` (T, 2) either way around."""
    ases = len(networks.customers)
    used = np.sort(_keys(taken, ases))
    member = np.flatnonzero(_members(networks, count, rng))
    found = _meetings(networks, member, used, count, rng) if count else used[:0]
    if len(found) < count:
        found = _anybody(ases, used, found, count, rng)
    return np.stack((found // ases, found % ases), axis=1)


def _members(networks: Networks, count: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(N,) which ASes are at an exchange at all; more of them where more peerings are asked for."""
    ases = len(networks.customers)
    customers, shares = np.array(measured.PEERING).T
    share = np.interp(np.log1p(networks.customers), np.log1p(customers), shares)
    share *= 1.1 * max(1.0, (count / measured.usual_peerings(ases)) ** 0.3)
    enough = 2 * count**0.5 / ases  # so many that half of their pairs would do
    share = np.maximum(share, enough)
    is_member: npt.NDArray[np.bool_] = rng.random(ases) < share
    is_member[: networks.clique] = True
    return is_member


def _meetings(networks: Networks, member: Ints, used: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Up to ``count`` keys of pairs that met at exchanges; fewer where all that would meet have."""
    ases = len(networks.customers)
    wanted = _wanted(networks, member, count, rng)
    weights = whole(_fitted(wanted) * 64)
    region = np.where(wanted > _EVERYWHERE * 2 * count / len(member), 0, networks.region[member])
    everybody, at_home = Wheel(weights), Wheel(weights, region)
    found, known = used[:0], used
    while len(found) < count:
        tries = 2 * (count - len(found)) + 64
        one, two = everybody.draw(rng, tries), everybody.draw(rng, tries)
        is_apart = (region[one] > 0) & (region[two] > 0)
        start, stop = at_home.span(region[one[is_apart]], np.full(int(is_apart.sum()), len(member)))
        two[is_apart] = at_home.draw(rng, len(start), start, stop)
        new = _new(np.stack((member[one], member[two]), axis=1), ases, known)
        found = np.concatenate((found, new))
        known = np.sort(np.concatenate((known, new)))
        if len(new) * 200 < tries:  # they know each other by now
            break
    return found[:count]


def _wanted(networks: Networks, member: Ints, count: int, rng: np.random.Generator) -> Floats:
    """(M,) how many peers each member is meant to have."""
    score = _PULL * np.log1p(networks.customers[member]) + rng.standard_normal(len(member))
    sizes = sizes_by_rank(measured.PEERS, len(member), 0.5 * len(member) * len(member) / (2 * count))
    wanted = np.empty(len(member))
    wanted[np.argsort(-score, kind="stable")] = sizes
    is_clique = member < networks.clique
    wanted[is_clique] = np.minimum(_CLIQUE_PEERS, sizes[0])
    wanted[np.argmax(~is_clique)] = sizes[0]
    scaled: Floats = wanted * (2 * count / wanted.sum())
    return scaled


def _fitted(wanted: Floats) -> Floats:
    """(M,) weights with which each is expected to have ``wanted`` peers; equal ones share a bucket."""
    order = np.argsort(wanted, kind="stable")
    logs = np.log(wanted[order])
    step = max(1e-9, (logs[-1] - logs[0]) / _BUCKETS)
    # rounded, so that the ends, where many are equal, are in the middle of a bucket on every machine
    bucket = np.unique(np.rint((logs - logs[0]) / step), return_inverse=True)[1]
    size = np.bincount(bucket)
    mean = np.bincount(bucket, wanted[order]) / size
    x = mean / wanted.sum() ** 0.5
    for _ in range(_STEPS):
        met = 1 - np.exp(-x[:, None] * x[None, :])
        expected = (met * size).sum(axis=1) - np.diag(met)
        x *= np.clip(mean / np.maximum(expected, 1e-12), 0.25, 4.0) ** 0.5
        x = np.minimum(x, 1e3)
    weights = np.empty(len(wanted))
    weights[order] = x[bucket] * wanted[order] / mean[bucket]
    return weights


def _anybody(ases: int, used: Ints, found: Ints, count: int, rng: np.random.Generator) -> Ints:
    """``found`` filled up to ``count`` with any pairs that are free, all equally likely."""
    if 4 * (len(used) + count) > ases * (ases - 1) // 2:  # few pairs are free: look at all
        low, high = np.triu_indices(ases, 1)
        key = (low * ases + high).astype(np.int64)
        free = key[~is_in(key, np.sort(np.concatenate((used, found))))]
        more = rng.permutation(free)[: count - len(found)]
        return np.concatenate((found, more))
    while len(found) < count:
        pairs = rng.integers(0, ases, (2 * (count - len(found)) + 256, 2))
        known = np.sort(np.concatenate((used, found)))
        found = np.concatenate((found, _new(pairs, ases, known)))
    return found[:count]


def _new(pairs: Ints, ases: int, known: Ints) -> Ints:
    """Keys of those ``pairs`` that are not ``known``, each once, in the order of drawing."""
    key = _keys(pairs[pairs[:, 0] != pairs[:, 1]], ases)
    key = key[~is_in(key, known)]
    return key[np.sort(np.unique(key, return_index=True)[1])]


def _keys(pairs: Ints, ases: int) -> Ints:
    """A number for each pair, the same either way around."""
    one, two = pairs[:, 0], pairs[:, 1]
    return np.minimum(one, two) * ases + np.maximum(one, two)
