"""What one speaker of the fleet does: take a message in, decide, advertise (RFC 4271 9).

Written for `emulator.compiled`: the same source is compiled, or runs as it is.
Names and order follow `emulator.bgp.speaker` and `emulator.bgp.mrai`.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: ANN001, ANN201, ANN202 - compiled for the arrays they are given: nothing would read annotations
# ruff: noqa: PLR0917 - nor do compiled functions take keywords, or sets

from __future__ import annotations

from typing import Final

from emulator.compiled import compiled_for, inlined
from emulator.fleet.chance import timer_run, uniform
from emulator.fleet.queue import push
from emulator.fleet.tables import (
    ADJ_IN,
    ADJ_OUT,
    ANNOUNCED,
    BAR_PREFIXES,
    BAR_SLOT,
    BAR_WORDS,
    BATCHES,
    BEST,
    BIN_NS,
    CURRENT,
    CUSTOMER_END,
    DIRTY,
    ECHO,
    FIRST,
    GHOST_FLUSHING,
    HELD_WITHDRAWALS,
    INCUMBENT,
    IS_BARRED,
    IS_DARK,
    IS_LEAKING,
    IS_MUTED,
    IS_OWN,
    IS_UP,
    IS_WATCHED,
    JITTER_KEY,
    LENGTH_PREFIX,
    LENGTH_SHIFT,
    LOG_NODE,
    LOG_SLOT,
    LOG_WORDS,
    LOGGED,
    LONG_AGO,
    LOOP_CHECK,
    MRAI,
    NEIGHBOR,
    NO_PATH,
    NODE,
    NODE_WORDS,
    NONE,
    NOW,
    OWES_ALL,
    OWING_BIT,
    OWN,
    PARENT,
    PER_PREFIX,
    PHASE_KEY,
    PREFIX_COUNT,
    PREPEND,
    READY,
    RELATION,
    RESCAN,
    RESTS,
    REVERSE,
    RIB_WORDS,
    RIVAL,
    ROUTE_STATE,
    ROUTE_WORDS,
    SENT,
    SENT_PATH,
    SENT_PLACE,
    SENT_TIME,
    SENT_WORDS,
    SLOT_WORDS,
    SPREADS,
    STATE,
    SYSTEM,
    UNSEEN,
    WITHDRAWN,
    example,
)
from emulator.fleet.wheel import EXAMPLE

# What an entry of the queue is about: the code is (slot * P + prefix) * KINDS + kind.
# For an announcement or its end it is (node * P + prefix) * KINDS + ORIGINATE.
DELIVER, PROCESSED, TIMER, SESSION_DOWN, SESSION_UP, ADVERTISE, ORIGINATE = range(7)
DEFERRED: Final = 8
"""Added to what a busy router has put behind the messages that it had then."""
KINDS: Final = 16
MUTED, UNMUTED, LEAKS, LEAKS_NO_MORE = range(1, 5)
"""What an `ADVERTISE` does first, by its value: to the peer behind the slot, or to all; 0: nothing."""

_CUSTOMER: Final = 3
_NO_RELATION: Final = 0
_WORST: Final = 1 << 62
_TIE: Final = (1 << 32) - 1
_ALL: Final = (1 << 62) - 1

_FREE, _STARTS_TIMER, _HELD = range(3)
"""What becomes of an offer: no timer minds, it was sent and starts the MRAI timer, it waits for that."""


_loop = compiled_for(t=example(), queue=EXAMPLE)


@inlined
def _length(t, slot, path):
    """Length of the AS path of a route that came over ``slot``."""
    far = t.slots[slot * SLOT_WORDS + REVERSE]
    prepended = t.slots[far * SLOT_WORDS + PREPEND]
    return (t.log[path * LOG_WORDS + LENGTH_PREFIX] >> LENGTH_SHIFT) + 1 + prepended


@inlined
def _key(t, slot, path):
    """The rank of a route, less is better: relationship, AS path length, lowest neighbour.

    The neighbour's part is never 0: that is kept for the current best, where it stays against its like.
    """
    at = slot * SLOT_WORDS
    rank = _CUSTOMER - t.slots[at + RELATION]
    return (rank << 52) + (_length(t, slot, path) << 32) + t.slots[at + NEIGHBOR] + 1


@_loop
def _has_looped(t, node, path):
    """Whether the node's own AS is in the path."""
    own = t.nodes[node * NODE_WORDS + SYSTEM]
    while path >= 0:
        at = path * LOG_WORDS
        if t.nodes[t.log[at + LOG_NODE] * NODE_WORDS + SYSTEM] == own:
            return True
        path = t.log[at + PARENT]
    return False


@_loop
def _is_same(t, one, other):
    """Whether two paths that a node advertised are the same, by ASes: a CDN's sites are all one in them."""
    while one != other:
        if one < 0 or other < 0:
            return False
        first = one * LOG_WORDS
        second = other * LOG_WORDS
        if t.log[first + LENGTH_PREFIX] != t.log[second + LENGTH_PREFIX]:
            return False
        near = t.log[first + LOG_NODE]
        far = t.log[second + LOG_NODE]
        if near != far and t.nodes[near * NODE_WORDS + SYSTEM] != t.nodes[far * NODE_WORDS + SYSTEM]:
            return False
        one = t.log[first + PARENT]
        other = t.log[second + PARENT]
    return True


@inlined
def make_dirty(t, node, prefix):
    """Have the node's next decision look at the prefix; where it batches, at the end of the instant."""
    at = node * NODE_WORDS + DIRTY
    if t.nodes[at] == 0 and t.var[BATCHES]:
        t.ready[t.var[READY]] = node
        t.var[READY] += 1
    t.nodes[at] |= 1 << prefix


@_loop
def receive(t, slot, prefix, path):
    """Take a message into the Adj-RIB-In; its decision waits."""
    if not t.slots[slot * SLOT_WORDS + STATE] & IS_UP:
        return
    node = t.slots[slot * SLOT_WORDS + NODE]
    count = t.var[PREFIX_COUNT]
    place = (slot * count + prefix) * RIB_WORDS + ADJ_IN
    new = path
    if new >= 0 and _has_looped(t, node, new):
        new = NO_PATH
    if t.ribs[place] < 0 and new < 0:
        return
    t.ribs[place] = new
    route = node * count + prefix
    at = route * ROUTE_WORDS
    rival = t.routes[at + RIVAL]
    if slot == t.routes[at + BEST] or slot == rival:
        t.routes[at + RIVAL] = RESCAN
        make_dirty(t, node, prefix)
    elif new >= 0 and rival != RESCAN:
        bound = t.keys[route]
        if rival != UNSEEN:
            bound = _key(t, rival, t.ribs[(rival * count + prefix) * RIB_WORDS + ADJ_IN])
        if _key(t, slot, new) < bound:
            t.routes[at + RIVAL] = slot
            make_dirty(t, node, prefix)


@_loop
def _scan(t, node, prefix):
    """The slot of the best of all routes, and its rank."""
    count = t.var[PREFIX_COUNT]
    incumbent = t.routes[(node * count + prefix) * ROUTE_WORDS + BEST]
    keeps = t.var[INCUMBENT]
    found = NONE
    lowest = _WORST
    relation = 0
    for slot in range(t.nodes[node * NODE_WORDS + FIRST], t.nodes[(node + 1) * NODE_WORDS + FIRST]):
        path = t.ribs[(slot * count + prefix) * RIB_WORDS + ADJ_IN]
        if path >= 0:
            if found >= 0 and t.slots[slot * SLOT_WORDS + RELATION] != relation:
                break  # slots come in order of preference
            key = _key(t, slot, path)
            if keeps and slot == incumbent:
                key &= ~_TIE
            if key < lowest:
                lowest = key
                found = slot
                relation = t.slots[slot * SLOT_WORDS + RELATION]
    return found, lowest


@inlined
def _record(t, node, prefix, best, path):
    """Put a change of a Loc-RIB into the log."""
    entry = t.var[LOGGED]
    t.var[LOGGED] = entry + 1
    length = 0
    spreads = best == OWN
    if best >= 0:
        length = _length(t, best, path)
        relation = t.slots[best * SLOT_WORDS + RELATION]
        spreads = not _NO_RELATION < relation < _CUSTOMER
    t.log_time[entry] = t.var[NOW]
    at = entry * LOG_WORDS
    t.log[at + LOG_NODE] = node
    t.log[at + LOG_SLOT] = best
    t.log[at + PARENT] = path
    t.log[at + LENGTH_PREFIX] = (length << LENGTH_SHIFT) + prefix
    at = (node * t.var[PREFIX_COUNT] + prefix) * ROUTE_WORDS
    t.routes[at + BEST] = best
    t.routes[at + CURRENT] = entry
    if spreads:
        t.routes[at + ROUTE_STATE] |= SPREADS


@inlined
def _choose(t, node, prefix):
    """Phase 2 for one prefix: whether the Loc-RIB changed."""
    count = t.var[PREFIX_COUNT]
    route = node * count + prefix
    at = route * ROUTE_WORDS
    rival = t.routes[at + RIVAL]
    t.routes[at + RIVAL] = UNSEEN
    old = t.routes[at + BEST]
    best = old
    key = t.keys[route]
    if t.routes[at + ROUTE_STATE] & IS_OWN:
        best = OWN
        key = -1
    elif rival == RESCAN or best == OWN:
        best, key = _scan(t, node, prefix)
    elif rival >= 0:
        best = rival
        key = _key(t, rival, t.ribs[(rival * count + prefix) * RIB_WORDS + ADJ_IN])
    path = NO_PATH
    if best >= 0:
        path = t.ribs[(best * count + prefix) * RIB_WORDS + ADJ_IN]
        if t.var[INCUMBENT]:
            key &= ~_TIE  # from now on it stays against others of its kind
    t.keys[route] = key
    is_change = best != old or (best >= 0 and path != t.log[t.routes[at + CURRENT] * LOG_WORDS + PARENT])
    if is_change:
        _record(t, node, prefix, best, path)
    return is_change


@inlined
def _is_barred(t, slot, prefix):
    """Whether a route originated here is not for this peer."""
    for place in range(0, len(t.bars), BAR_WORDS):
        if t.bars[place + BAR_SLOT] == slot:
            return (t.bars[place + BAR_PREFIXES] >> prefix) & 1 == 1
    return False


@inlined
def _is_exported(t, node, slot, prefix, best):
    """Whether the route over slot ``best`` may go to the peer behind ``slot``."""
    state = t.slots[slot * SLOT_WORDS + STATE]
    if best == NONE or state & IS_MUTED:
        return False
    if best == OWN:
        return not (state & IS_BARRED and _is_barred(t, slot, prefix))
    if best == slot and not t.var[ECHO]:
        return False
    source = t.slots[best * SLOT_WORDS + RELATION]
    towards = t.slots[slot * SLOT_WORDS + RELATION]
    is_from_above = _NO_RELATION < source < _CUSTOMER
    return not is_from_above or towards == _CUSTOMER or t.nodes[node * NODE_WORDS + IS_LEAKING] != 0


@_loop
def _interval(t, node, slot, prefix):
    """One run of the MRAI timer, jittered (RFC 4271 section 10)."""
    base = t.nodes[node * NODE_WORDS + MRAI]
    factor = t.jitter[0]
    if base and factor != t.jitter[1]:
        who = slot * (t.var[PREFIX_COUNT] + 1) + prefix
        chance = uniform(t.var[JITTER_KEY], who, t.var[NOW] & (_WORST - 1))
        factor += (t.jitter[1] - factor) * chance
    return int(base * factor + 0.5)


@_loop
def _emit(t, queue, slot, prefix, path):
    """Send, and remember what the peer has."""
    now = t.var[NOW]
    count = t.var[PREFIX_COUNT]
    at = slot * SLOT_WORDS
    t.ribs[(slot * count + prefix) * RIB_WORDS + ADJ_OUT] = path
    far = t.slots[at + REVERSE] * count + prefix
    if not t.slots[at + STATE] & IS_DARK:
        push(queue, now + t.delay[slot], far * KINDS + DELIVER, path)
    is_withdrawal = 1 if path < 0 else 0
    t.var[ANNOUNCED] += 1 - is_withdrawal
    t.var[WITHDRAWN] += is_withdrawal
    if now >= 0:
        bin_ = min(now // t.var[BIN_NS], len(t.rate) // 2 - 1)
        t.rate[2 * bin_ + is_withdrawal] += 1
    if t.slots[at + STATE] & IS_WATCHED:
        entry = t.var[SENT] * SENT_WORDS
        t.var[SENT] += 1
        t.sent[entry + SENT_TIME] = now
        t.sent[entry + SENT_PLACE] = slot * count + prefix
        t.sent[entry + SENT_PATH] = path


@inlined
def _ask_for_timer(t, queue, timer, place):
    """Be woken when the timer expires."""
    if not t.timers[timer] & 1:
        push(queue, t.timers[timer] >> 1, place * KINDS + TIMER, 0)
        t.timers[timer] |= 1


@_loop
def _offer(t, queue, node, slot, prefix, is_held):
    """Send the peer what changed for it, unless it is held; return what became of it."""
    at = (node * t.var[PREFIX_COUNT] + prefix) * ROUTE_WORDS
    last = t.ribs[(slot * t.var[PREFIX_COUNT] + prefix) * RIB_WORDS + ADJ_OUT]
    path = NO_PATH
    if _is_exported(t, node, slot, prefix, t.routes[at + BEST]):
        path = t.routes[at + CURRENT]
        if t.var[LOOP_CHECK] and _has_looped(t, t.slots[slot * SLOT_WORDS + NEIGHBOR], path):
            path = NO_PATH
    if path == last:
        return _FREE
    if path >= 0 and last >= 0 and _is_same(t, path, last):
        t.ribs[(slot * t.var[PREFIX_COUNT] + prefix) * RIB_WORDS + ADJ_OUT] = path
        return _FREE
    waits = t.var[HELD_WITHDRAWALS]
    if is_held and (path >= 0 or waits):
        if (
            t.var[GHOST_FLUSHING]
            and path >= 0
            and last >= 0
            and t.log[path * LOG_WORDS + LENGTH_PREFIX] > t.log[last * LOG_WORDS + LENGTH_PREFIX]
        ):
            _emit(t, queue, slot, prefix, NO_PATH)
        return _HELD
    _emit(t, queue, slot, prefix, path)
    return _STARTS_TIMER if path >= 0 or waits else _FREE


@_loop
def _next_expiry(t, node, slot):
    """When a timer that never rests expires next; now, where it did while its router was busy."""
    now = t.var[NOW]
    base = t.nodes[node * NODE_WORDS + MRAI]
    if base == 0 or (t.timers[slot] & 1 and t.timers[slot] >> 1 <= now):
        return now
    far = t.slots[slot * SLOT_WORDS + NEIGHBOR]
    first = uniform(t.var[PHASE_KEY], node, 2 * far)
    second = uniform(t.var[PHASE_KEY], node, 2 * far + 1)
    period, phase = timer_run(base, t.jitter[0], t.jitter[1], first, second)
    return now + (phase - now) % period


@inlined
def _due(t, slot, prefixes, is_held):
    """``prefixes``, or all of them where some wait for a timer that a busy router has not seen expire."""
    if is_held or not t.timers[slot] & 1:
        return prefixes
    t.timers[slot] -= 1
    return _ALL


@_loop
def _advertise_by_prefix(t, queue, node, slot, prefixes, has_expired):
    """`advertise` where each prefix has a timer of its own."""
    now = t.var[NOW]
    count = t.var[PREFIX_COUNT]
    for prefix in range(count):
        if (prefixes >> prefix) & 1:
            timer = slot * count + prefix
            is_held = t.timers[timer] >> 1 > now and not has_expired
            outcome = _offer(t, queue, node, slot, prefix, is_held)
            if outcome == _STARTS_TIMER:
                t.timers[timer] = (now + _interval(t, node, slot, prefix + 1)) << 1
            elif outcome == _HELD:
                _ask_for_timer(t, queue, timer, timer)


@_loop
def advertise(t, queue, node, slot, prefixes, has_expired):
    """Send the peer what of the set ``prefixes`` may go now, hold what must wait (RFC 4271 9.2.1.1)."""
    now = t.var[NOW]
    count = t.var[PREFIX_COUNT]
    if t.var[PER_PREFIX]:
        _advertise_by_prefix(t, queue, node, slot, prefixes, has_expired)
        return
    deadline = t.timers[slot] >> 1
    if not t.var[RESTS]:
        deadline = _next_expiry(t, node, slot)
    is_held = deadline > now and not has_expired
    prefixes = _due(t, slot, prefixes, is_held)
    has_started = False
    is_waiting = False
    for prefix in range(count):
        if (prefixes >> prefix) & 1:
            outcome = _offer(t, queue, node, slot, prefix, is_held)
            has_started |= outcome == _STARTS_TIMER
            is_waiting |= outcome == _HELD
    if has_started and t.var[RESTS]:
        t.timers[slot] = (now + _interval(t, node, slot, 0)) << 1
    if is_waiting:
        if not t.var[RESTS] and not t.timers[slot] & 1:
            t.timers[slot] = deadline << 1
        _ask_for_timer(t, queue, slot, slot * count)


@inlined
def _advertise_owed(t, queue, node):
    """Send whatever there is to the peers that are owed all."""
    at = node * NODE_WORDS
    for slot in range(t.nodes[at + FIRST], t.nodes[at + NODE_WORDS + FIRST]):
        state = t.slots[slot * SLOT_WORDS + STATE]
        if state & OWES_ALL:
            t.slots[slot * SLOT_WORDS + STATE] = state - OWES_ALL
            if state & IS_UP:
                advertise(t, queue, node, slot, _ALL, 0)


@_loop
def decide(t, queue, node):
    """Decide for all that is dirty, then advertise what changed (RFC 4271 9.1 phases 2 and 3)."""
    at = node * NODE_WORDS
    dirty = t.nodes[at + DIRTY]
    t.nodes[at + DIRTY] = 0
    count = t.var[PREFIX_COUNT]
    changed = 0
    goes_up = t.nodes[at + IS_LEAKING] != 0
    for prefix in range(count):
        if (dirty >> prefix) & 1 and _choose(t, node, prefix):
            changed |= 1 << prefix
            state = t.routes[(node * count + prefix) * ROUTE_WORDS + ROUTE_STATE]
            goes_up |= (state & SPREADS) != 0
    if (dirty >> OWING_BIT) & 1:
        _advertise_owed(t, queue, node)
    if changed:
        end = t.nodes[at + NODE_WORDS + FIRST] if goes_up else t.nodes[at + CUSTOMER_END]
        for slot in range(t.nodes[at + FIRST], end):
            if t.slots[slot * SLOT_WORDS + STATE] & IS_UP:
                advertise(t, queue, node, slot, changed, 0)


@_loop
def advertise_late(t, queue, node):
    """Send what timers that expired while the router was busy have let go."""
    now = t.var[NOW]
    count = t.var[PREFIX_COUNT]
    at = node * NODE_WORDS
    for slot in range(t.nodes[at + FIRST], t.nodes[at + NODE_WORDS + FIRST]):
        timers = range(slot, slot + 1)
        if t.var[PER_PREFIX]:
            timers = range(slot * count, (slot + 1) * count)
        for timer in timers:
            if t.timers[timer] & 1 and t.timers[timer] >> 1 <= now:
                t.timers[timer] -= 1
                prefixes = 1 << (timer % count) if t.var[PER_PREFIX] else _ALL
                if t.slots[slot * SLOT_WORDS + STATE] & IS_UP:
                    advertise(t, queue, node, slot, prefixes, 1)


@_loop
def session_down(t, slot):
    """The session is lost at this end, and with it all that it brought (RFC 4271 8.2)."""
    at = slot * SLOT_WORDS
    if not t.slots[at + STATE] & IS_UP:
        return
    t.slots[at + STATE] -= IS_UP
    count = t.var[PREFIX_COUNT]
    node = t.slots[at + NODE]
    for prefix in range(count):
        place = slot * count + prefix
        route = (node * count + prefix) * ROUTE_WORDS
        if t.ribs[place * RIB_WORDS + ADJ_IN] >= 0:
            t.ribs[place * RIB_WORDS + ADJ_IN] = NO_PATH
            if slot == t.routes[route + BEST] or slot == t.routes[route + RIVAL]:
                t.routes[route + RIVAL] = RESCAN
                make_dirty(t, node, prefix)
        t.ribs[place * RIB_WORDS + ADJ_OUT] = NO_PATH
        if t.var[PER_PREFIX]:
            t.timers[place] = 2 * LONG_AGO
    if not t.var[PER_PREFIX]:
        t.timers[slot] = 2 * LONG_AGO
