"""A synthetic run of PyPI's size: 150 groups, 8 providers, 30 minutes, a fault."""

from __future__ import annotations

import numpy as np

from emulator.clients.config import (
    Address,
    ClientConfig,
    Demand,
    Fault,
    Kind,
    Phases,
    Strategy,
)
from emulator.forwarding.history import Destination, Fate, ForwardingHistory, PathState, PathTimeline
from emulator.network.model import ClientGroup, Network, Pop, Router
from emulator.units import MILLISECOND, MINUTE, SECOND, Duration

GROUPS, PROVIDERS, POPS = 150, 8, 30
FAULT_S = 60


def world(seed: int = 1) -> tuple[Network, ForwardingHistory]:
    """Provider 0 dies silently for 40 % of groups at 60 s; others are rerouted for up to a minute."""
    rng = np.random.default_rng(seed)
    routers = tuple(Router(i, f"r{i}", 65000 + i, i) for i in range(POPS + GROUPS))
    pops = tuple(Pop(i, f"P{i:02d}", f"city{i}", i) for i in range(POPS))
    weights = rng.lognormal(0, 1.5, GROUPS)
    groups = tuple(
        ClientGroup(i, f"group{i}", POPS + i, 70000 + i, f"c{i}", "XX", float(w), Duration(12 * MILLISECOND))
        for i, w in enumerate(weights)
    )
    states: list[PathState] = [PathState(Fate.BLACKHOLE, -1, Duration(0), 0.0, ())]
    timelines = {}
    for destination in range(PROVIDERS + 1):
        for group in range(GROUPS):
            starts, numbers = [0], [_new(states, rng)]
            if rng.random() < 0.4:
                for second in sorted(rng.uniform(FAULT_S, FAULT_S + 60, 6)):
                    starts.append(int(second * SECOND))
                    numbers.append(0 if rng.random() < 0.3 else _new(states, rng))
                if destination == 1:
                    starts.append(121 * SECOND)
                    numbers.append(0)
            timelines[destination, group] = PathTimeline(
                np.array(starts, dtype=np.int64), np.array(numbers, dtype=np.int32)
            )
    destinations = tuple(Destination(i, f"d{i}", (i,)) for i in range(PROVIDERS + 1))
    return (
        Network(routers=routers, links=(), pops=pops, groups=groups),
        ForwardingHistory(destinations, tuple(states), timelines, 30 * MINUTE),
    )


def _new(states: list[PathState], rng: np.random.Generator) -> int:
    one_way = Duration(int(rng.uniform(2, 90) * MILLISECOND))
    states.append(PathState(Fate.DELIVERED, int(rng.integers(POPS)), one_way, 0.0, ()))
    return len(states) - 1


def configuration(kind: Kind, minutes: int = 30) -> ClientConfig:
    """One strategy at 36,000 requests a second."""
    addresses = (
        (Address("shared", 0),)
        if kind is Kind.ANYCAST
        else tuple(Address(f"p{i}", i, provider=i) for i in range(1, PROVIDERS + 1))
    )
    phases = Phases(minutes * MINUTE, FAULT_S * SECOND, 11 * MINUTE)
    strategy = Strategy(kind.value, kind, addresses)
    return ClientConfig((strategy,), phases, (Fault(0, FAULT_S * SECOND),), demand=Demand(36_000))
