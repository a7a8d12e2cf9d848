"""The forwarding history as a table of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.forwarding.history import Fate
from emulator.units import MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.forwarding.history import Destination, ForwardingHistory
    from emulator.record.tables import Table

_FATES = {
    Fate.DELIVERED: "delivered",
    Fate.NO_ROUTE: "no-route",
    Fate.BLACKHOLE: "blackhole",
    Fate.LOOP: "loop",
}


def paths_table(destinations: Sequence[Destination], history: ForwardingHistory) -> Table:
    """Every client group's path to every destination, one row a change."""
    states = history.states
    columns: Table = {name: [] for name in ("prefix", "group", "start_s", "state")}
    rows: list[int] = []
    for (destination, group), timeline in sorted(history.timelines.items()):
        count = len(timeline.states)
        columns["prefix"] += [destinations[destination].name] * count
        columns["group"] += [group] * count
        columns["start_s"] += (timeline.starts / SECOND).tolist()
        rows += timeline.states.tolist()
    fates = [_FATES[state.fate] for state in states]
    columns["state"] = [fates[row] for row in rows]
    chosen = np.array(rows, np.int64)
    delivered = np.array([state.fate is Fate.DELIVERED for state in states])
    rtt = np.array([2 * state.one_way / MILLISECOND for state in states])
    columns["pop"] = np.array([state.pop for state in states], np.int32)[chosen]
    columns["rtt_ms"] = np.where(delivered, rtt, np.nan).astype(np.float32)[chosen]
    columns["loss"] = np.array([state.loss for state in states], np.float32)[chosen]
    columns["hops"] = np.array([len(state.links) for state in states], np.int16)[chosen]
    return columns
