"""Small networks and hand-made forwarding histories for the tests of the clients' side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emulator.clients.config import Address, ClientConfig, Kind, Phases, Strategy
from emulator.forwarding.history import Destination, Fate, ForwardingHistory, PathState, PathTimeline
from emulator.network.model import ClientGroup, Network, Pop, Router
from emulator.units import MILLISECOND, SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.model import Link

    Line = list[tuple[float, PathState]]

DARK = PathState(Fate.BLACKHOLE, -1, Duration(0), 0.0, ())


def path(pop: int, one_way_ms: float, loss: float = 0.0, links: tuple[int, ...] = ()) -> PathState:
    """A path that delivers."""
    return PathState(Fate.DELIVERED, pop, Duration(round(one_way_ms * MILLISECOND)), loss, links)


def network(
    weights: Sequence[float],
    *,
    pops: int = 2,
    last_mile_ms: float = 10.0,
    capacity_rps: float | Sequence[float] = float("inf"),
    links: Sequence[Link] = (),
) -> Network:
    """POP i stands at router i, group j at router ``pops`` + j; POPs have one capacity, or one each."""
    routers = tuple(Router(i, f"r{i}", 65000 + i, i) for i in range(pops + len(weights)))
    groups = tuple(
        ClientGroup(
            i,
            f"g{i}",
            pops + i,
            65000 + pops + i,
            f"city{i}",
            "XX",
            w,
            Duration(round(last_mile_ms * MILLISECOND)),
        )
        for i, w in enumerate(weights)
    )
    each = np.broadcast_to(capacity_rps, (pops,)).tolist()
    sites = tuple(Pop(i, f"P{i}", f"city{i}", i, each[i]) for i in range(pops))
    return Network(routers=routers, links=tuple(links), pops=sites, groups=groups)


def history(lines: Sequence[Line | list[Line]], *, end_s: int, groups: int) -> ForwardingHistory:
    """``lines[destination]`` is one timeline for all groups, or one a group.

    A timeline is a list of (start in s, path).
    """
    states: list[PathState] = []
    timelines = {}
    for number, given in enumerate(lines):
        each: Any = given if isinstance(given[0], list) else [given] * groups
        for group, line in enumerate(each):
            numbers = []
            for _, state in line:
                if state not in states:
                    states.append(state)
                numbers.append(states.index(state))
            starts = np.array([round(start * SECOND) for start, _ in line], dtype=np.int64)
            timelines[number, group] = PathTimeline(starts, np.array(numbers, dtype=np.int32))
    destinations = tuple(Destination(i, f"d{i}", (i,)) for i in range(len(lines)))
    return ForwardingHistory(destinations, tuple(states), timelines, end_s * SECOND)


def anycast(destination: int = 0, **options: Any) -> Strategy:  # noqa: ANN401 - fields of Strategy
    """Plain anycast on one destination."""
    return Strategy("anycast", Kind.ANYCAST, (Address("shared", destination),), **options)


def ipa(*destinations: int, **options: Any) -> Strategy:  # noqa: ANN401 - fields of Strategy
    """IPA over some destinations."""
    addresses = tuple(Address(f"p{d}", d, provider=100 + d) for d in destinations)
    return Strategy("ipa", Kind.IPA, addresses, **options)


def config(
    *strategies: Strategy,
    end_s: int,
    fault_s: float | None = None,
    during_end_s: float | None = None,
    **options: Any,  # noqa: ANN401 - fields of ClientConfig
) -> ClientConfig:
    """Phases in seconds."""
    phases = Phases(
        end_s * SECOND,
        None if fault_s is None else round(fault_s * SECOND),
        None if during_end_s is None else round(during_end_s * SECOND),
    )
    return ClientConfig(strategies, phases, **options)
