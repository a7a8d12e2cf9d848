"""The event loop of the fleet: one instant after the other, each in two halves.

All that arrives at one instant is taken in first, then every router that heard
something decides once, in the order in which they first heard; what routers
that take time over a message (``processing_delay``) have worked through is
decided on message by message. `emulator.sim.router` says why.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: ANN001, ANN201, ANN202 - compiled for the arrays they are given: nothing would read annotations

from __future__ import annotations

from typing import Final

from emulator.compiled import compiled_for, inlined
from emulator.fleet.chance import from_table, uniform
from emulator.fleet.queue import NEVER, NOTHING, next_time, pop, push, room
from emulator.fleet.speakers import (
    ADVERTISE,
    DEFERRED,
    DELIVER,
    KINDS,
    LEAKS,
    MUTED,
    ORIGINATE,
    PROCESSED,
    SESSION_DOWN,
    SESSION_UP,
    TIMER,
    UNMUTED,
    advertise,
    advertise_late,
    decide,
    make_dirty,
    receive,
    session_down,
)
from emulator.fleet.tables import (
    BATCHES,
    BUSY_UNTIL,
    DECIDED,
    DIRTY,
    IS_LATE,
    IS_LEAKING,
    IS_MUTED,
    IS_OWN,
    IS_UP,
    LOGGED,
    NODE,
    NODE_WORDS,
    NOW,
    OWES_ALL,
    OWING_BIT,
    PER_PREFIX,
    PREFIX_COUNT,
    PROCESSING_KEY,
    QUEUED,
    READY,
    ROUTE_STATE,
    ROUTE_WORDS,
    SENT,
    SENT_WORDS,
    SLOT_WORDS,
    STATE,
    TAKEN_BACK,
    example,
)
from emulator.fleet.wheel import EXAMPLE

REACHED, WANTS_BREATH, WANTS_ROOM = range(3)
"""Why `advance` returned: the instant is reached, its budget is spent, an array is full."""

_ALL: Final = (1 << 62) - 1


_loop = compiled_for(t=example(), queue=EXAMPLE)


@inlined
def _deliver(t, queue, place, path):
    """A message arrives; a router that takes time puts it at the end of what it has to do."""
    slot = place // t.var[PREFIX_COUNT]
    if t.var[BATCHES]:
        receive(t, slot, place % t.var[PREFIX_COUNT], path)
        return
    node = t.slots[slot * SLOT_WORDS + NODE]
    busy = node * NODE_WORDS + BUSY_UNTIL
    start = max(t.var[NOW], t.nodes[busy])
    chance = uniform(t.var[PROCESSING_KEY], place, start & (NEVER - 1))
    start += from_table(t.processing, chance)
    t.nodes[busy] = start
    t.nodes[node * NODE_WORDS + QUEUED] += 1
    push(queue, start, place * KINDS + PROCESSED, path)


@inlined
def _decide_alone(t, queue, node):
    """Decide on the one thing that the router has just taken in."""
    if t.nodes[node * NODE_WORDS + DIRTY]:
        decide(t, queue, node)


@_loop
def _processed(t, queue, place, path):
    """A router that takes one message at a time has taken it in, and decides on it alone."""
    slot = place // t.var[PREFIX_COUNT]
    node = t.slots[slot * SLOT_WORDS + NODE]
    t.nodes[node * NODE_WORDS + QUEUED] -= 1
    receive(t, slot, place % t.var[PREFIX_COUNT], path)
    _decide_alone(t, queue, node)
    if t.nodes[node * NODE_WORDS + IS_LATE]:
        t.nodes[node * NODE_WORDS + IS_LATE] = 0
        advertise_late(t, queue, node)


@inlined
def _timer(t, queue, place):
    """An MRAI timer expires, unless it was reset meanwhile; a busy router notices when it has a moment."""
    slot = place // t.var[PREFIX_COUNT]
    node = t.slots[slot * SLOT_WORDS + NODE]
    timer = place if t.var[PER_PREFIX] else slot
    if t.timers[timer] == (t.var[NOW] << 1) + 1:
        if t.nodes[node * NODE_WORDS + QUEUED]:
            t.nodes[node * NODE_WORDS + IS_LATE] = 1
            return
        t.timers[timer] -= 1
        if t.slots[slot * SLOT_WORDS + STATE] & IS_UP:
            prefixes = 1 << (place % t.var[PREFIX_COUNT]) if t.var[PER_PREFIX] else _ALL
            advertise(t, queue, node, slot, prefixes, 1)


@inlined
def _change_policy(t, node, slot, what):
    """Mute a peer, or leak to all; or no more."""
    if what == MUTED:
        t.slots[slot * SLOT_WORDS + STATE] |= IS_MUTED
    elif what == UNMUTED:
        t.slots[slot * SLOT_WORDS + STATE] &= ~IS_MUTED
    else:
        t.nodes[node * NODE_WORDS + IS_LEAKING] = 1 if what == LEAKS else 0


@_loop
def _act(t, queue, code, value):
    """Something is done to a router from outside; one that is busy sees to it after what came before."""
    kind = code % KINDS
    is_due = kind >= DEFERRED
    if is_due:
        kind -= DEFERRED
    place = code // KINDS
    slot = place // t.var[PREFIX_COUNT]
    node = slot if kind == ORIGINATE else t.slots[slot * SLOT_WORDS + NODE]
    if not is_due and t.nodes[node * NODE_WORDS + QUEUED]:
        push(queue, t.nodes[node * NODE_WORDS + BUSY_UNTIL], code + DEFERRED, value)
    elif kind == SESSION_DOWN:
        session_down(t, slot)
        if not t.var[BATCHES]:
            _decide_alone(t, queue, node)
    elif kind == ORIGINATE:
        state = t.routes[place * ROUTE_WORDS + ROUTE_STATE] & ~IS_OWN
        t.routes[place * ROUTE_WORDS + ROUTE_STATE] = state + (IS_OWN if value else 0)
        make_dirty(t, node, place % t.var[PREFIX_COUNT])
        if not t.var[BATCHES]:
            _decide_alone(t, queue, node)
    else:
        if kind == ADVERTISE and value:
            _change_policy(t, node, slot, value)
        if kind == SESSION_UP or t.slots[slot * SLOT_WORDS + STATE] & IS_UP:
            t.slots[slot * SLOT_WORDS + STATE] |= IS_UP | OWES_ALL
            make_dirty(t, node, OWING_BIT)
            if not t.var[BATCHES]:
                _decide_alone(t, queue, node)


@inlined
def _happen(t, queue, code, value):
    """What an entry of the queue is about comes to pass."""
    kind = code % KINDS
    if kind == DELIVER:
        _deliver(t, queue, code // KINDS, value)
    elif kind == PROCESSED:
        _processed(t, queue, code // KINDS, value)
    elif kind == TIMER:
        _timer(t, queue, code // KINDS)
    else:
        _act(t, queue, code, value)


@_loop
def advance(t, queue, until, budget, reserve):
    """Let everything happen up to and including ``until``; return why it stopped, see `REACHED`.

    At most ``budget`` entries at once. The queue, and the messages watched, are
    to have room for ``reserve`` more: what one router may need at one instant.
    """
    while True:
        is_full = room(queue) < reserve or len(t.sent) - t.var[SENT] * SENT_WORDS < reserve * SENT_WORDS
        if is_full or len(t.log_time) - t.var[LOGGED] < t.var[PREFIX_COUNT]:
            return WANTS_ROOM
        time = next_time(queue)
        if t.var[DECIDED] > 0 or (t.var[READY] > 0 and time > t.var[NOW]):
            node = t.ready[t.var[DECIDED]]
            t.var[DECIDED] += 1
            if t.var[DECIDED] == t.var[READY]:
                t.var[DECIDED] = 0
                t.var[READY] = 0
            _decide_alone(t, queue, node)
            continue
        if time > until:
            return REACHED
        if budget <= 0:
            return WANTS_BREATH
        budget -= 1
        t.var[NOW] = time
        code, value = pop(queue)
        if code == NOTHING:
            t.var[TAKEN_BACK] -= 1
        else:
            _happen(t, queue, code, value)
