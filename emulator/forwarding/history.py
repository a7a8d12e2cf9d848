"""Forwarding as a timeline: where each client group's packets ended up, and when that changed.

The sim fills it while the control plane runs; clients are then evaluated
against it in arrays, every request exactly, with no packet walked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from emulator.units import Duration


class Fate(IntEnum):
    """What became of a packet sent to an address."""

    DELIVERED = 0
    NO_ROUTE = 1
    """Some router on the way had no FIB entry that matched."""
    BLACKHOLE = 2
    """A FIB entry pointed at a dead link or router, or at a network that drops everything."""
    LOOP = 3
    """It came back to a router that it had passed."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A service address that clients send to.

    ``prefixes`` are the indices of the announced prefixes that cover the
    address, longest first: longest-prefix match tries them in this order at
    every router. A provider address without a covering prefix has one.
    """

    index: int
    name: str
    prefixes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PathState:
    """One way through the network, as a client group's packets took it.

    ``links`` are directed: ``2 * link.index`` when crossed from ``ends[0]`` to
    ``ends[1]``, one more in the other direction; client to POP order. ``loss``
    is the probability that a packet is lost on the way, in one direction;
    ``one_way`` the propagation delay in nanoseconds (0 unless delivered).
    """

    fate: Fate
    pop: int
    """POP index, -1 unless delivered to one."""
    one_way: Duration
    loss: float
    links: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PathTimeline:
    """A piecewise-constant history: state ``states[i]`` holds in [starts[i], starts[i + 1]).

    ``starts`` (int64, ns, ascending, first one at or before 0) and ``states``
    (int32 indices into `ForwardingHistory.states`) have the same length;
    neighbouring states differ.
    """

    starts: npt.NDArray[np.int64]
    states: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class ForwardingHistory:
    """The whole run's data plane.

    ``states`` is interned: equal paths share an index. ``timelines`` is keyed by
    (destination index, client group index) and complete over both.
    """

    destinations: tuple[Destination, ...]
    states: tuple[PathState, ...]
    timelines: dict[tuple[int, int], PathTimeline]
    end: int
    """Instant (ns) the run ended at."""
