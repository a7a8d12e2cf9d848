"""Provider ranking by Wins Above Nominal (WAN), and the shares that follow from it.

For each client network (row) the RTT samples of its providers are pooled with
equal weight a provider; their median is *nominal*. A provider's win rate w is
the share of its samples better than nominal, ties counting half, and

    WAN = 100 (w - 1/2)   wins above nominal in 100 requests, in [-50, 50].

Where half the pooled weight lies below nominal (ties counted half) the WANs of a
network sum to 0, and demand shares x with sum(x WAN) > 0 give a median RTT no worse
than nominal: the mixture has more than half its weight at or below it. Only
comparisons enter, so any increasing transform of RTT leaves WAN as it is.

Arrays are (networks, providers, samples) or (networks, providers). A sample is
an RTT, +inf for a lost probe, NaN for none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[np.floating]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

SHRINKAGE = 20.0
"""k: an unmeasured provider counts as k samples, half of them wins."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the samples say; arrays of shape (networks, providers) unless noted."""

    nominal: Floats
    """(networks,) pooled median; +inf where most is lost, NaN where nothing was measured."""
    wan: Floats
    """Wins above nominal, unshrunk; NaN where unmeasured."""
    win_rate: Floats
    """Shrunk win rate w~ in (0, 1); 1/2 where unmeasured."""
    available: Bools
    """False where samples were taken and none succeeded."""


def rank(samples: Samples, shrinkage: float = SHRINKAGE) -> Ranking:
    """Rank the providers of every network by ``samples`` (networks, providers, samples)."""
    taken = ~np.isnan(samples)
    count = taken.sum(axis=2)
    nominal = _pooled_median(samples, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = nominal[:, None, None]
        wins = (samples < level).sum(axis=2) + 0.5 * (samples == level).sum(axis=2)
        wan = np.where(count > 0, 100 * (wins / count - 0.5), np.nan)
    win_rate = (wins + shrinkage / 2) / (count + shrinkage) if shrinkage else wins / count
    succeeded = np.isfinite(samples).any(axis=2)
    return Ranking(nominal, wan, win_rate, succeeded | (count == 0))


def _pooled_median(samples: Samples, count: npt.NDArray[np.int64]) -> Floats:
    """Median of each network's samples, every measured provider weighing the same."""
    if (count == samples.shape[2]).all() and samples.size:  # as usual: all weigh the same, sorting is enough
        ranked = np.sort(samples.reshape(len(samples), -1), axis=1)
        size = ranked.shape[1]
        return _midpoint(ranked[:, (size - 1) // 2], ranked[:, size // 2])
    with np.errstate(divide="ignore"):
        weight = np.where(count > 0, 1.0 / count, 0.0)
    return weighted_median(samples, np.broadcast_to(weight[:, :, None], samples.shape))


def weighted_median(samples: Samples, weights: Floats) -> Floats:
    """Medians over the last two axes; ``weights`` of NaN samples do not count.

    Where exactly half the weight lies at or below some value, the midpoint to the
    next one (just above the value where the next is infinite). NaN without samples.
    """
    networks = len(samples)
    flat = samples.reshape(networks, -1)
    order = np.argsort(flat, axis=1, kind="stable")  # NaN last
    ranked = np.take_along_axis(flat, order, axis=1)
    mass = np.where(np.isnan(flat), 0.0, weights.reshape(networks, -1))
    cumulative = np.cumsum(np.take_along_axis(mass, order, axis=1), axis=1)
    half = cumulative[:, -1:] / 2
    slack = half * 1e-9  # sums of 1/n are not exact
    rows = np.arange(networks)
    low = (cumulative >= half - slack).argmax(axis=1)
    high = (cumulative > half + slack).argmax(axis=1)
    return np.where(half[:, 0] > 0, _midpoint(ranked[rows, low], ranked[rows, high]), np.nan)


def _midpoint(below: Samples, above: Samples) -> Floats:
    """Halfway between two neighbouring samples; just above the first where the second is infinite."""
    first, second = below.astype(np.float64), above.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        middle = np.where(np.isinf(second), np.nextafter(first, np.inf), (first + second) / 2)
    return np.where(first == second, first, middle)


def delivered_median(samples: Samples, shares: Floats) -> Floats:
    """Median RTT (networks,) that clients see when demand is split by ``shares`` (networks, providers)."""
    count = (~np.isnan(samples)).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(count > 0, shares / count, 0.0)
    return weighted_median(samples, np.broadcast_to(weight[:, :, None], samples.shape))


def attraction(ranking: Ranking, base: Floats, bias: float) -> Floats:
    """Unnormalised shares b(p) exp(bias (w~ - 1/2)); 0 where a provider is not available.

    A network with no provider available is treated as if all were nominal:
    with nothing known to work, no answer is better than another.
    """
    pull = base * np.exp(bias * (ranking.win_rate - 0.5))
    pull = np.where(ranking.available, pull, 0.0)
    none_left = ~(pull > 0).any(axis=1, keepdims=True)
    return np.where(none_left, np.broadcast_to(base, pull.shape), pull)


def bounded_shares(pull: Floats, floor: float, cap: float) -> Floats:
    """Shares proportional to ``pull``, each available one in [floor, cap], rows summing to 1.

    With n providers available, a floor above 1/n or a cap below it gives way to
    1/n. The factor of proportionality is found by bisection.
    """
    available = pull > 0
    even = 1.0 / available.sum(axis=1, keepdims=True)
    low = np.where(available, np.minimum(floor, even), 0.0)
    high = np.where(available, np.maximum(cap, even), 0.0)
    weights = pull / pull.sum(axis=1, keepdims=True)
    shares = weights
    if (weights < low).any() or (weights > high).any():
        smallest = np.where(available, weights, np.inf).min(axis=1, keepdims=True)
        below, above = np.zeros_like(even), 1.0 / smallest
        for _ in range(100):
            factor = (below + above) / 2
            too_much = np.clip(weights * factor, low, high).sum(axis=1, keepdims=True) > 1
            above = np.where(too_much, factor, above)
            below = np.where(too_much, below, factor)
        shares = np.clip(weights * below, low, high)
    normalised: Floats = shares / shares.sum(axis=1, keepdims=True)
    return normalised


def fill_capacities(
    pull: Floats, floor: float, cap: float, *, demand: Floats, capacity: Floats, rounds: int = 200
) -> Floats:
    """Shares that fit the providers' capacities over all networks, by water-filling.

    ``demand`` (networks,) and ``capacity`` (providers,) are in one unit, for
    instance bit/s. A provider over its capacity has its pull lowered for every
    network alike until it just fits; what it gives up flows to the others by
    their own pull. Where demand exceeds all capacity together, all run over it
    by about the same factor. Floors are kept, so many networks' floors can hold
    a small provider above its capacity.
    """
    shares = bounded_shares(pull, floor, cap)
    if np.isinf(capacity).all():
        return shares
    level = np.ones(len(capacity))
    for _ in range(rounds):
        load = demand @ shares
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(load > 0, capacity / load, np.inf)
        corrected = np.minimum(1.0, np.maximum(level * room, 1e-12))
        if np.abs(corrected - level).max() <= 1e-9:  # noqa: PLR2004 - far below any floor
            break
        level = corrected
        shares = bounded_shares(pull * (level / level.max()), floor, cap)
    return shares
