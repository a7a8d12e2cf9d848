"""An Internet made up: as many ASes as asked for, hung together like the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.errors import InputError
from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, PEERING, AsGraph, from_links
from emulator.rng import array_stream

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

ASES_MIN: Final = 3
LINKS_PER_AS: Final = 5.28
_STUB_PROVIDERS: Final = (0.4525, 0.3973, 0.0961, 0.0302, 0.0106, 0.0046, 0.0027, 0.0060)
_TRANSIT_PROVIDERS: Final = (0.2333, 0.3097, 0.1980, 0.1126, 0.0599, 0.0323, 0.0177, 0.0104, 0.0082, 0.0179)


def generate(ases: int, seed: int, *, links: int | None = None) -> AsGraph:
    """A graph of ``ases`` ASes with ``links`` links, or as many as the Internet of that size would have."""
    if ases < ASES_MIN:
        message = f"expected at least {ASES_MIN} ASes, found {ases}"
        raise InputError(message)
    clique = min(max(2, round(17 * (ases / 65438) ** 0.3)), ases)
    transit = max(clique, round(0.152 * ases))
    weights = _weights(transit)
    up = _transit_links(ases, clique, transit, weights, seed)
    mesh = np.array([(i, j) for i in range(clique) for j in range(i + 1, clique)], np.int64).reshape(-1, 2)
    wanted = round(LINKS_PER_AS * ases) if links is None else links
    most = ases * (ases - 1) // 2
    wanted = min(wanted, most)
    peers = _peerings(ases, transit, np.concatenate((up, mesh)), wanted - len(up) - len(mesh), seed)
    ends = np.concatenate((up, mesh, peers))
    kind = np.repeat((CUSTOMER_PROVIDER, PEERING), (len(up), len(mesh) + len(peers)))
    place = array_stream(seed, "topology/numbers").permutation(ases)
    return from_links(np.arange(1, ases + 1), place[ends], kind)


def _weights(transit: int) -> Floats:
    return 0.7 * (np.arange(1, transit + 1) / transit) ** -1.1


def _transit_links(ases: int, clique: int, transit: int, weights: Floats, seed: int) -> Ints:
    rng = array_stream(seed, "topology/providers")
    node = np.arange(clique, ases)
    wanted = np.where(
        node < transit, _drawn(rng, _TRANSIT_PROVIDERS, len(node)), _drawn(rng, _STUB_PROVIDERS, len(node))
    )
    total = np.concatenate((np.zeros(1), np.cumsum(weights)))
    limit = total[np.minimum(node, transit)]
    found = np.zeros(0, np.int64)
    for _ in range(20):
        have = np.bincount(found // ases, minlength=ases)[clique:]
        missing = np.repeat(np.arange(len(node)), np.maximum(wanted - have, 0))
        if not len(missing):
            break
        pick = np.searchsorted(total, rng.random(len(missing)) * limit[missing], side="right") - 1
        found = np.unique(np.concatenate((found, node[missing] * ases + np.minimum(pick, node[missing] - 1))))
    return np.stack((found // ases, found % ases), axis=1)


def _drawn(rng: np.random.Generator, shares: tuple[float, ...], count: int) -> Ints:
    bounds = np.cumsum(shares)
    return np.searchsorted(bounds / bounds[-1], rng.random(count), side="right") + 1


def _peerings(ases: int, transit: int, taken: Ints, count: int, seed: int) -> Ints:
    rng = array_stream(seed, "topology/peerings")
    weights = np.where(np.arange(ases) < transit, 1.0, 0.06) * rng.pareto(1.1, ases)
    weights = np.minimum(weights, 300.0)
    total = np.cumsum(weights)
    used = np.sort(_keys(taken, ases))
    found = np.zeros(0, np.int64)
    for _ in range(200):
        if len(found) >= count:
            break
        pick = np.searchsorted(total, rng.random((2 * (count - len(found)) + 8, 2)) * total[-1], side="right")
        pairs = np.minimum(pick, ases - 1)
        key = _keys(pairs[pairs[:, 0] != pairs[:, 1]], ases)
        key = key[~np.isin(key, used) & ~np.isin(key, found)]
        found = np.concatenate((found, key[np.sort(np.unique(key, return_index=True)[1])]))
    found = found[: max(0, count)]
    return np.stack((found // ases, found % ases), axis=1)


def _keys(pairs: Ints, ases: int) -> Any:
    return pairs.min(axis=1) * ases + pairs.max(axis=1)
