"""Measurements that steering rests on: low-rate RTT probes in a sliding window.

Every group probes every address of a strategy ``rate`` times a second, one probe
in each slot of 1/rate at a random instant. A probe sees the path at that
instant, its queueing and its loss, and the group's last mile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from emulator.clients.draws import QUANTILE_BITS, lognormal_quantiles, mix, name_keys, unit
from emulator.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.floating]
    Words = npt.NDArray[np.uint64]

_QUANTILE_MASK = np.uint64(2**QUANTILE_BITS - 1)


class Quality(Protocol):
    """What a packet meets on a path, by entry, congestion included."""

    def entries(self, pairs: Ints, instants: Ints) -> Ints:
        """Entries that hold for ``pairs`` at ``instants``."""
        ...

    def rtt_ms(self, entries: Ints) -> Floats:
        """Propagation and queueing both ways, ms."""
        ...

    def pass_share(self, entries: Ints) -> Floats:
        """Chance that a packet and its answer get through."""
        ...


@dataclass(frozen=True, slots=True)
class Prober:
    """Who measures what: names are for the random draws, ``pair`` (groups, addresses) for the paths."""

    words: Words
    """(groups, addresses) key of each pair's draws."""
    pair: Ints
    """(groups, addresses) pair number in `Paths`."""
    last_mile_ms: Floats
    """(groups,) median access RTT."""
    sigma: float
    """Log-normal spread of the access RTT."""


def make_prober(
    groups: Sequence[str],
    addresses: Sequence[str],
    pair: Ints,
    *,
    last_mile_ms: Floats,
    sigma: float,
    seed: int,
) -> Prober:
    """Give every (group, address) its own draws, the same under any strategy that uses the address."""
    keys = (
        name_keys(seed, (f"probe/{name}" for name in groups))[:, None]
        ^ name_keys(seed, (f"probe-address/{name}" for name in addresses))[None, :]
    )
    return Prober(mix(keys), pair, last_mile_ms, sigma)


class Window:
    """The last ``size`` samples of every (group, address)."""

    def __init__(self, prober: Prober, rate: float, window: int) -> None:
        """``rate`` probes a second, kept for ``window`` ns (at least one sample is)."""
        self._prober = prober
        self._slot = round(SECOND / rate)
        size = max(1, window // self._slot)
        self._next = -size
        """Number of the next slot; slot j lasts from j / rate to (j + 1) / rate."""
        self._ring = np.full((*prober.pair.shape, size), np.nan, dtype=np.float32)

    @property
    def samples(self) -> npt.NDArray[np.float32]:
        """(groups, addresses, size) RTT in ms, +inf for a loss, NaN for none yet; in no order."""
        return self._ring

    def measure_until(self, now: int, quality: Quality) -> None:
        """Take the samples of all slots that ended by ``now`` and had not been taken.

        The first call starts a window before t = 0, so that the settled network has been measured.
        """
        end = now // self._slot
        size = self._ring.shape[2]
        slots = np.arange(max(self._next, end - size), end)
        self._next = max(self._next, end)
        if not len(slots):
            return
        prober = self._prober
        words = mix(prober.words[:, :, None] + slots.astype(np.uint64))
        instants = slots * self._slot + (unit(words) * self._slot).astype(np.int64)
        entries = quality.entries(np.broadcast_to(prober.pair[:, :, None], instants.shape), instants)
        quantile = (words & _QUANTILE_MASK).astype(np.int64)
        access = prober.last_mile_ms[:, None, None] * lognormal_quantiles(prober.sigma)[quantile]
        rtt = (quality.rtt_ms(entries) + access).astype(np.float32)
        lost = unit(mix(words)) >= quality.pass_share(entries)
        self._ring[:, :, slots % size] = np.where(lost, np.float32(np.inf), rtt)
