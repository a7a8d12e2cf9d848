"""Fluid link load: from bit rates on paths to queueing delay and congestion loss.

Rates are those of the content, which flows from the POP to the client. The
path of a `PathState` is the client's way to the POP; content is taken to come
back over the same links, so a rate loads every link of the path in the opposite
direction (directed link ``d`` loads ``d ^ 1``). Requests and acknowledgements
are small beside it and load nothing, nor does what is not delivered.

On a link of capacity c (bit/s) with offered load a, utilisation is r = a / c:

- queueing delay = min(buffer, B r / ((1 - r) c)): the mean wait in M/M/1
  (Kleinrock, Queueing Systems I, 1975, section 3.2) with bursts of B bits in the
  place of packets, B being the ten segments of 1500 bytes that TCP opens with
  (RFC 6928). From r = 1 on the buffer is full. Burst and depth (50 ms) are this
  model's choice, and arguments of `LoadModel`;
- loss = 1 - 1 / r above r = 1, the share that does not fit, and 0 below.

Load is not thinned by the loss of links before: a link's offered load is the
demand whose path crosses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.forwarding.history import Fate
from emulator.units import MILLISECOND, SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.forwarding.history import PathState
    from emulator.network.model import Network

BUFFER: Final = Duration(50 * MILLISECOND)
"""Queueing delay of a full buffer."""
BURST_BITS: Final = 10 * 1500 * 8
"""What arrives at once: an initial congestion window (RFC 6928) of full-sized segments."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The links under one set of rates, and what the paths feel of it.

    Link arrays are indexed by directed link, in the direction that the content
    flows in; state arrays like the states of the `LoadModel`.
    """

    offered_bps: npt.NDArray[np.float64]
    """Directed link -> offered load, bit/s."""
    utilisation: npt.NDArray[np.float64]
    """Directed link -> offered load over capacity; may exceed 1, is 0 where capacity is unlimited."""
    state_delay_ns: npt.NDArray[np.float64]
    """State -> queueing delay over the path, ns, POP to client: one way."""
    state_loss: npt.NDArray[np.float64]
    """State -> probability that congestion loses a packet on the path; beside `PathState.loss`."""


class LoadModel:
    """The links that each path state loads, indexed once and evaluated often."""

    def __init__(
        self,
        network: Network,
        states: Sequence[PathState],
        *,
        buffer: Duration = BUFFER,
        burst_bits: float = BURST_BITS,
    ) -> None:
        """``states`` as in `ForwardingHistory.states`; `extend` takes those that come later."""
        self._capacity = np.repeat(np.array([link.capacity_bps for link in network.links], dtype=float), 2)
        self.is_unlimited = bool(np.isinf(self._capacity).all())
        """No link has a capacity: every delay and loss is 0."""
        self._buffer = float(buffer)
        # a link without capacity is full at any load, so its burst is never asked for
        self._burst_ns = np.divide(
            burst_bits * SECOND, self._capacity, out=np.zeros_like(self._capacity), where=self._capacity > 0
        )
        self._count = 0
        self._links = np.empty(0, dtype=np.intp)  # row by row, the directed links that a state loads
        self._rows = np.empty(0, dtype=np.intp)  # the state that each of them belongs to
        self._filled = np.empty(0, dtype=np.intp)  # the states with any
        self._offsets = np.empty(0, dtype=np.intp)  # where those start in _links
        self.extend(states)

    def __len__(self) -> int:
        """Return how many states there are."""
        return self._count

    def extend(self, states: Sequence[PathState]) -> None:
        """Append ``states``, numbered on from the last."""
        loaded = [state.links if state.fate is Fate.DELIVERED else () for state in states]
        links = np.fromiter(chain.from_iterable(loaded), dtype=np.intp) ^ 1
        lengths = np.fromiter(map(len, loaded), dtype=np.intp, count=len(loaded))
        rows = np.repeat(np.arange(self._count, self._count + len(loaded)), lengths)
        self._links = np.concatenate((self._links, links))
        self._rows = np.concatenate((self._rows, rows))
        self._count += len(loaded)
        # rows ascend, so a state starts where the row changes
        self._offsets = np.flatnonzero(np.diff(self._rows, prepend=-1))
        self._filled = self._rows[self._offsets]

    def evaluate(self, rate_bps_per_state: npt.ArrayLike) -> LoadResult:
        """Load all links with a rate (bit/s, >= 0) for each state.

        Raises ``ValueError`` where there is not one rate a state.
        """
        rates = np.asarray(rate_bps_per_state, dtype=np.float64)
        if rates.shape != (self._count,):
            message = f"expected {self._count} rates, one a state, got shape {rates.shape}"
            raise ValueError(message)
        counted = np.bincount(self._links, weights=rates[self._rows], minlength=len(self._capacity))
        offered = counted.astype(np.float64, copy=False)
        delay, loss = np.zeros(self._count), np.zeros(self._count)
        if self.is_unlimited:
            return LoadResult(offered, np.zeros_like(offered), delay, loss)
        with np.errstate(divide="ignore", invalid="ignore"):
            utilisation = np.where(offered > 0, offered / self._capacity, 0.0)
            waiting = utilisation / (1 - utilisation) * self._burst_ns
        fits = 1 / np.maximum(utilisation, 1.0)
        queueing = np.where(utilisation < 1, np.minimum(waiting, self._buffer), self._buffer)
        if len(self._links):
            delay[self._filled] = np.add.reduceat(queueing[self._links], self._offsets)
            loss[self._filled] = 1 - np.multiply.reduceat(fits[self._links], self._offsets)
        return LoadResult(offered, utilisation, delay, loss)
