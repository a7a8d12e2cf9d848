"""Every request of the run, under every strategy: arrays in, tables out.

Time goes by in chunks. A chunk's requests are generated once and replayed under
each strategy, so strategies are compared on the same requests with the same luck.
Most cells (group, host, resolver) meet one answer and one lossless path for all of
a chunk, and their requests need only their RTT; the others' requests are
played one by one through `emulator.clients.attempts`, and what fails waits for
its next attempt in a later chunk. Where POPs have a capacity, SYNs are played bin by
bin instead (`emulator.clients.admission`). Requests arrive until the run ends; those
under way then are followed to their end on the last paths.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.arrivals import Source
from emulator.clients.replay import Replay
from emulator.clients.scene import chunk_edges, make_scene
from emulator.clients.tally import second_count, stack
from emulator.record import tables as layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.clients.config import ClientConfig
    from emulator.forwarding.history import ForwardingHistory
    from emulator.network.model import Network
    from emulator.record.tables import Table

_WRITTEN = ("requests", "rtt", "catchment", "steering", "load", "reconvergence", "hosts")


def evaluate(
    network: Network,
    history: ForwardingHistory,
    config: ClientConfig,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Table]:
    """Evaluate all requests under all strategies of ``config``.

    Returns the tables `requests`, `rtt`, `catchment`, `steering`, `load`,
    `reconvergence` and `hosts` of `emulator.record.tables`. ``progress`` is called
    with the instant (ns) reached after each chunk. Raises `InputError` where the
    configuration contradicts itself or a user's strategy returns nonsense.
    """
    scene = make_scene(network, history, config, seed)
    source = Source(
        scene.cells,
        scene.groups,
        demand=config.demand,
        group_last_mile_ms=scene.last_mile_ms,
        sigma=config.last_mile_sigma,
        seed=seed,
    )
    replays = [Replay(scene, strategy) for strategy in config.strategies]
    requests = np.zeros((len(scene.groups), second_count(config.phases.end)), dtype=np.int64)
    edges = chunk_edges(config)
    for begin, end in pairwise(edges):
        arrivals = source.chunk(begin, end)
        group = np.repeat(np.arange(len(scene.groups)), np.diff(arrivals.group_starts))
        seconds = second_count(end) - arrivals.first_second
        key = group * seconds + arrivals.second
        counted = np.bincount(key, minlength=len(scene.groups) * seconds).reshape(-1, seconds)
        requests[:, arrivals.first_second : arrivals.first_second + seconds] += counted
        for replay in replays:
            replay.step(arrivals, key, seconds, source.rate_at(begin))
        if progress is not None:
            progress(end)
    end = edges[-1]
    while any(replay.is_waiting for replay in replays):
        rest = source.nothing(end, end + config.chunk)
        for replay in replays:
            replay.drain(rest)
        end = rest.end
    made = [replay.tables(requests) for replay in replays]
    return {name: stack([tables[name] for tables in made], layout.TABLES[name]) for name in _WRITTEN}
