"""What is still to happen, in order of time; what has one instant, in the order it was put in.

In the form that goes with how this process has its loops: `wheel` or `heap`.
"""

from __future__ import annotations

from typing import Any

from emulator.compiled import is_compiled
from emulator.fleet import heap, wheel
from emulator.fleet.heap import Heap
from emulator.fleet.wheel import NEVER, NOTHING, Wheel, new_wheel

Queue = Wheel | Heap

_form: Any = wheel if is_compiled() else heap
push = _form.push
"""Put an entry in: queue, time, code, value. There must be `room`."""
next_time = _form.next_time
"""When the first entry of a queue is due, `NEVER` where there is none."""
pop = _form.pop
"""Take the first entry out of a queue, after `next_time`: its code and value."""
room = _form.room
"""How many entries still fit into a queue."""
take_back = _form.take_back
"""Make nothing of some entries: queue, whether each slot is meant, kinds, kind, places a slot."""
enlarged = _form.enlarged
"""A queue with room for so many entries more."""
size = _form.size
"""How many entries a queue has, those taken back included."""


def new_queue(start: int) -> Queue:
    """An empty queue; nothing may be put in for before ``start``."""
    return new_wheel(start) if is_compiled() else Heap([], [0])


__all__ = [
    "NEVER",
    "NOTHING",
    "Queue",
    "enlarged",
    "new_queue",
    "next_time",
    "pop",
    "push",
    "room",
    "size",
    "take_back",
]
