"""The queue when loops are not compiled: tuples, for which Python has `heapq`. As `wheel`, name by name."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

from emulator.fleet.wheel import NEVER, NOTHING


class Heap(NamedTuple):
    """The plain queue: tuples of time, sequence, code, value."""

    entries: list[tuple[int, int, int, int]]
    meta: list[int]


def push(heap: Heap, time: int, code: int, value: int) -> None:
    """Put an entry in."""
    meta = heap.meta
    heapq.heappush(heap.entries, (time, meta[0], code, value))
    meta[0] += 1


def next_time(heap: Heap) -> int:
    """When the first entry is due, `NEVER` where there is none."""
    entries = heap.entries
    return entries[0][0] if entries else NEVER


def pop(heap: Heap) -> tuple[int, int]:
    """Take the first entry out: its code and value."""
    entry = heapq.heappop(heap.entries)
    return entry[2], entry[3]


def room(heap: Heap) -> int:  # noqa: ARG001 - a list grows by itself
    """How many entries still fit in."""
    return NEVER


def take_back(heap: Heap, is_lost: Any, kinds: int, kind: int, per_slot: int) -> int:  # noqa: ANN401
    """Make nothing of all entries of ``kind`` whose slot ``is_lost``; return how many."""
    count = 0
    for place, (time, sequence, code, value) in enumerate(heap.entries):
        if code >= 0 and code % kinds == kind and is_lost[code // kinds // per_slot]:
            heap.entries[place] = (time, sequence, NOTHING, value)
            count += 1
    return count


def enlarged(heap: Heap, count: int) -> Heap:  # noqa: ARG001 - a list grows by itself
    """``heap``, which has room for everything."""
    return heap


def size(heap: Heap) -> int:
    """How many entries there are, those taken back included."""
    return len(heap.entries)
