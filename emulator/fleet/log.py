"""What a fleet did, when it is over: every change of a Loc-RIB, and the messages that were watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulator.fleet.tables import (
    LENGTH_PREFIX,
    LENGTH_SHIFT,
    LOG_NODE,
    LOG_SLOT,
    LONG_AGO,
    NO_PATH,
    NONE,
    PARENT,
    SENT_PATH,
    SENT_PLACE,
    SENT_TIME,
    SENT_WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class FleetLog:
    """E changes and M messages, each in order of time; `emulator.fleet.tables` says what their words are.

    ``times`` (E,) ns, `LONG_AGO` for what was settled at t = 0; ``entries`` (E, 4)
    int32; ``sent`` (M, 3) int64; ``rate`` (bins, 2) int64 announcements and
    withdrawals sent anywhere; ``current`` (N, P) int32 the number of the entry that
    holds now, -1 where there has been none.
    """

    graph: AsGraph
    prepend: npt.NDArray[np.int8]
    prefix_count: int
    times: Ints
    entries: Int32s
    sent: Ints
    rate: Ints
    current: Int32s

    def __len__(self) -> int:
        """Return the number of changes, the settled routes among them."""
        return len(self.times)

    @property
    def prefixes(self) -> Int32s:
        """(E,) the prefix of each change."""
        prefix: Int32s = self.entries[:, LENGTH_PREFIX] & ((1 << LENGTH_SHIFT) - 1)
        return prefix

    @property
    def lengths(self) -> Int32s:
        """(E,) the AS path length after each change, prepended ASes included; 0 without a route."""
        length: Int32s = self.entries[:, LENGTH_PREFIX] >> LENGTH_SHIFT
        return length

    @property
    def next_hops(self) -> Int32s:
        """(E,) the node that each change turns to: itself for a prefix of its own, -1 for no route."""
        slot, node = self.entries[:, LOG_SLOT], self.entries[:, LOG_NODE]
        found = np.where(slot >= 0, self.graph.neighbor[slot], node)
        hops: Int32s = np.where(slot == NONE, -1, found).astype(np.int32)
        return hops

    def path(self, entry: int) -> tuple[int, ...]:
        """The AS path after a change as in its node's Loc-RIB, prepended ASes included."""
        found: list[int] = []
        while self.entries[entry, LOG_SLOT] >= 0:
            far = self.graph.reverse[self.entries[entry, LOG_SLOT]]
            entry = int(self.entries[entry, PARENT])
            asn = int(self.graph.asn[self.entries[entry, LOG_NODE]])
            found += [asn] * (1 + int(self.prepend[far]))
        return tuple(found)

    def best(self, node: int, prefix: int) -> int | None:
        """The number of the entry with the node's present route, None where it has none."""
        entry = int(self.current[node, prefix])
        return None if entry < 0 or self.entries[entry, LOG_SLOT] == NONE else entry

    def best_hops(self, prefix: int) -> Int32s:
        """(N,) each node's present next hop: itself where the prefix is its own, -1 for none."""
        entry = self.current[:, prefix]
        hops: Int32s = np.where(entry < 0, np.int32(-1), self.next_hops[entry]) if len(self) else entry
        return hops

    def changes_fib(self) -> npt.NDArray[np.bool_]:
        """(E,) whether a change after t = 0 sends packets another way than the one before it."""
        place = self.entries[:, LOG_NODE].astype(np.int64) * self.prefix_count + self.prefixes
        order = np.argsort(place, kind="stable")
        slot = self.entries[order, LOG_SLOT]
        is_other = np.ones(len(self), np.bool_)
        is_other[1:] = (place[order][1:] != place[order][:-1]) | (slot[1:] != slot[:-1])
        changed = np.empty(len(self), np.bool_)
        changed[order] = is_other
        return changed & (self.times > LONG_AGO)


def merged(logs: Sequence[FleetLog]) -> FleetLog:
    """One log of fleets that had a prefix each, the first one prefix 0; at one instant in that order."""
    count = len(logs)
    sizes = [len(log) for log in logs]
    offsets = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    times = np.concatenate([log.times for log in logs])
    order = np.argsort(times, kind="stable")
    place = np.empty(len(times), np.int64)
    place[order] = np.arange(len(times))
    pieces, currents, messages = [], [], []
    for prefix, (log, offset) in enumerate(zip(logs, offsets, strict=True)):
        piece = log.entries.copy()
        piece[:, LENGTH_PREFIX] += prefix
        piece[:, PARENT] = _moved(piece[:, PARENT], place, int(offset))
        pieces.append(piece)
        currents.append(_moved(log.current[:, 0], place, int(offset)))
        sent = log.sent.copy()
        sent[:, SENT_PLACE] = sent[:, SENT_PLACE] * count + prefix
        sent[:, SENT_PATH] = _moved(sent[:, SENT_PATH], place, int(offset))
        messages.append(sent)
    sent = np.concatenate(messages).reshape(-1, SENT_WORDS)
    first = logs[0]
    return FleetLog(
        first.graph,
        first.prepend,
        count,
        times[order],
        np.concatenate(pieces)[order],
        sent[np.argsort(sent[:, SENT_TIME], kind="stable")],
        np.sum([log.rate for log in logs], axis=0),
        np.stack(currents, axis=1).astype(np.int32),
    )


def _moved(numbers: npt.NDArray[np.integer], place: Ints, offset: int) -> npt.NDArray[np.integer]:
    """Numbers of entries as they are in the merged log; `NO_PATH` stays."""
    if not len(place):
        return numbers
    return np.where(numbers < 0, NO_PATH, place[np.maximum(numbers, 0) + offset])
