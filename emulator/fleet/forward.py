"""How packets for one destination get on, at every node of an AS graph, while FIBs and links change.

What a packet meets at a node is what `emulator.forwarding.fib` says, and all
changes of one instant count together. After each instant the nodes below those
whose next hop changed are looked at anew: each follows its next hop to a node
that is settled already, or back to itself, so that the work is in proportion to
the nodes whose packets took another way, and not to the size of the graph.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: ANN001, ANN201, ANN202 - compiled for the arrays they are given: nothing would read annotations

from __future__ import annotations

from typing import Final

from emulator.compiled import compiled_for, inlined
from emulator.fleet.forward_tables import (
    AT,
    BACK_AT,
    BLACKHOLE,
    CHANGES,
    CHILD,
    CONDITION,
    DEAD_END,
    DELAY,
    DROPPED,
    EMITTED,
    ENTRY,
    FOREST_WORDS,
    HERE,
    HOP,
    INDEX,
    IS_BLACKHOLE,
    IS_DEAD,
    IS_FOLLOWED,
    IS_ON_TRAIL,
    IS_PENDING,
    IS_RECORDING,
    IS_REPRICED,
    IS_STALE,
    LEDGER_WORDS,
    LINK,
    LOOPED,
    LOST_FOR,
    MARK,
    MOVES,
    NEXT,
    NEXT_PHYSICAL,
    NEXT_ROUTE,
    NO_HOP,
    NO_ROUTE,
    NOW,
    NOWHERE,
    ONE_NODE,
    ONE_WAY,
    ONE_WAY_BEFORE,
    ONE_WAY_WAS,
    OTHER_NODE,
    OUTCOME,
    OUTCOME_BEFORE,
    OUTCOME_WAS,
    PATHS_END,
    PENDING_COUNT,
    PHYSICAL_WORDS,
    PLACE,
    PREFIXES,
    PREVIOUS,
    RECORD_AT,
    RECORD_LENGTH,
    RECORD_NODE,
    RECORD_ONE_WAY,
    RECORD_OUTCOME,
    RECORD_WORDS,
    RECORDED,
    ROUTE_CHANGE_WORDS,
    ROUTER,
    SEEN,
    SINCE,
    SITE,
    STALE_COUNT,
    STAMP,
    TOUCHED_COUNT,
    VALUE,
    WHAT,
    WINDOW,
    WINDOW_NUMBER,
    WINDOW_START,
    example,
)
from emulator.fleet.tables import NONE, OWN

REACHED, WANTS_ROOM = range(2)
"""Why `forward` returned: the instant is reached, or there is no room for the paths that it is to record."""
NEVER: Final = 1 << 62
_loop = compiled_for(t=example())


@inlined
def _hop(t, node):
    """The slot that packets leave the node over, or why over none: `Fibs.next_hop`, in its order."""
    condition = t.nodes[node * FOREST_WORDS + CONDITION]
    if condition & IS_DEAD:
        return DEAD_END
    count = t.var[PREFIXES]
    for place in range(node * count, (node + 1) * count):
        slot = t.fib[place]
        if slot == OWN:
            return HERE
        if slot != NONE:
            if condition & IS_BLACKHOLE or not t.lit[t.link[slot]]:
                return DEAD_END
            return slot
    return NO_HOP


@_loop
def _touch(t, node, mark):
    """Have the node looked at when the instant is over."""
    at = node * FOREST_WORDS + MARK
    if not t.nodes[at] & IS_PENDING:
        t.lists[t.var[PENDING_COUNT]] = node
        t.var[PENDING_COUNT] += 1
    t.nodes[at] |= IS_PENDING | mark


@_loop
def _set_condition(t, node, bit, is_on):
    """Set one bit of the node's condition."""
    at = node * FOREST_WORDS + CONDITION
    t.nodes[at] &= ~bit
    if is_on:
        t.nodes[at] |= bit
    _touch(t, node, 0)


@inlined
def _befall(t, at):
    """Something befalls a link or a router."""
    what = t.physical[at + WHAT]
    index = t.physical[at + INDEX]
    value = t.physical[at + VALUE]
    one = t.physical[at + ONE_NODE]
    if what == LINK:
        t.lit[index] = value
        _touch(t, one, 0)
        _touch(t, t.physical[at + OTHER_NODE], 0)
    elif what == ROUTER:
        _set_condition(t, index, IS_DEAD, 1 - value)
    elif what == BLACKHOLE:
        _set_condition(t, index, IS_BLACKHOLE, value)
    else:
        if what == DELAY:
            t.delay[index] = value
        if t.nodes[one * FOREST_WORDS + HOP] == index:
            _touch(t, one, IS_REPRICED)


@inlined
def _is_shadowed(t, node, entry):
    """Whether a longer prefix has an entry at the node, so that packets do not come to this one."""
    place = node * t.var[PREFIXES]
    while place < entry and t.fib[place] == NONE:
        place += 1
    return place < entry


@_loop
def _take_in(t, now):
    """Take in every change of the instant."""
    place = t.var[NEXT_ROUTE]
    while place < len(t.route_times) and t.route_times[place] == now:
        entry = t.routes[place * ROUTE_CHANGE_WORDS + PLACE]
        t.fib[entry] = t.routes[place * ROUTE_CHANGE_WORDS + ENTRY]
        node = entry // t.var[PREFIXES]
        if not _is_shadowed(t, node, entry):
            _touch(t, node, 0)
        place += 1
    t.var[NEXT_ROUTE] = place
    place = t.var[NEXT_PHYSICAL]
    while place * PHYSICAL_WORDS < len(t.physical) and t.physical[place * PHYSICAL_WORDS + AT] == now:
        _befall(t, place * PHYSICAL_WORDS)
        place += 1
    t.var[NEXT_PHYSICAL] = place


@inlined
def _leave(t, node, parent):
    """Take the node out of those below ``parent``."""
    at = node * FOREST_WORDS
    before = t.nodes[at + PREVIOUS]
    after = t.nodes[at + NEXT]
    if before >= 0:
        t.nodes[before * FOREST_WORDS + NEXT] = after
    else:
        t.nodes[parent * FOREST_WORDS + CHILD] = after
    if after >= 0:
        t.nodes[after * FOREST_WORDS + PREVIOUS] = before


@inlined
def _join(t, node, parent):
    """Put the node first among those below ``parent``."""
    at = node * FOREST_WORDS
    first = t.nodes[parent * FOREST_WORDS + CHILD]
    t.nodes[at + PREVIOUS] = -1
    t.nodes[at + NEXT] = first
    if first >= 0:
        t.nodes[first * FOREST_WORDS + PREVIOUS] = node
    t.nodes[parent * FOREST_WORDS + CHILD] = node


@_loop
def _make_stale(t, node):
    """Put the node among those to be looked at anew, and keep what was."""
    at = node * FOREST_WORDS
    if t.nodes[at + MARK] & IS_STALE:
        return
    t.nodes[at + MARK] |= IS_STALE
    t.nodes[at + OUTCOME_WAS] = t.nodes[at + OUTCOME]
    t.ledger[node * LEDGER_WORDS + ONE_WAY_WAS] = t.ledger[node * LEDGER_WORDS + ONE_WAY]
    t.lists[len(t.lists) // 4 + t.var[STALE_COUNT]] = node
    t.var[STALE_COUNT] += 1


@_loop
def _rehang(t):
    """Hang the pending nodes where they belong now; they and all below them are stale."""
    t.var[STALE_COUNT] = 0
    for place in range(t.var[PENDING_COUNT]):
        node = t.lists[place]
        at = node * FOREST_WORDS
        is_repriced = t.nodes[at + MARK] & IS_REPRICED
        t.nodes[at + MARK] &= ~(IS_PENDING | IS_REPRICED)
        old = t.nodes[at + HOP]
        new = _hop(t, node)
        if new != old:
            if old >= 0:
                _leave(t, node, t.neighbor[old])
            t.nodes[at + HOP] = new
            if new >= 0:
                _join(t, node, t.neighbor[new])
        if new != old or is_repriced:
            _make_stale(t, node)
    t.var[PENDING_COUNT] = 0
    stale = len(t.lists) // 4
    place = 0
    while place < t.var[STALE_COUNT]:
        node = t.nodes[t.lists[stale + place] * FOREST_WORDS + CHILD]
        while node >= 0:
            _make_stale(t, node)
            node = t.nodes[node * FOREST_WORDS + NEXT]
        place += 1


@inlined
def _end(t, node):
    """The outcome at a node that forwards no further."""
    hop = t.nodes[node * FOREST_WORDS + HOP]
    if hop == HERE:
        return t.nodes[node * FOREST_WORDS + SITE]
    return NO_ROUTE if hop == NO_HOP else DROPPED


@_loop
def _resolve(t, origin):
    """Follow the next hops from a stale node to one that is not, and settle all on the way."""
    trail = len(t.lists) // 2
    depth = 0
    node = origin
    mark = t.nodes[node * FOREST_WORDS + MARK]
    while mark & IS_STALE and not mark & IS_ON_TRAIL and t.nodes[node * FOREST_WORDS + HOP] >= 0:
        t.nodes[node * FOREST_WORDS + MARK] |= IS_ON_TRAIL
        t.lists[trail + depth] = node
        depth += 1
        node = t.neighbor[t.nodes[node * FOREST_WORDS + HOP]]
        mark = t.nodes[node * FOREST_WORDS + MARK]
    at = node * FOREST_WORDS
    outcome = t.nodes[at + OUTCOME]
    one_way = t.ledger[node * LEDGER_WORDS + ONE_WAY]
    if mark & IS_ON_TRAIL:
        outcome = LOOPED
        one_way = 0
    elif mark & IS_STALE:
        outcome = _end(t, node)
        one_way = 0
        t.nodes[at + OUTCOME] = outcome
        t.ledger[node * LEDGER_WORDS + ONE_WAY] = 0
        t.nodes[at + MARK] &= ~IS_STALE
    is_delivered = outcome >= 0 or outcome == NOWHERE
    while depth > 0:
        depth -= 1
        node = t.lists[trail + depth]
        at = node * FOREST_WORDS
        if is_delivered:
            one_way += t.delay[t.nodes[at + HOP]]
        t.nodes[at + OUTCOME] = outcome
        t.ledger[node * LEDGER_WORDS + ONE_WAY] = one_way
        t.nodes[at + MARK] &= ~(IS_STALE | IS_ON_TRAIL)


@inlined
def _note(t, node, now):
    """Enter what the instant has changed for a node into the window's books."""
    at = node * FOREST_WORDS
    books = node * LEDGER_WORDS
    new = t.nodes[at + OUTCOME]
    old = t.nodes[at + OUTCOME_WAS]
    if new == old and t.ledger[books + ONE_WAY] == t.ledger[books + ONE_WAY_WAS]:
        return
    if t.nodes[at + WINDOW] != t.var[WINDOW_NUMBER]:
        t.nodes[at + WINDOW] = t.var[WINDOW_NUMBER]
        t.nodes[at + OUTCOME_BEFORE] = old
        t.nodes[at + CHANGES] = 0
        t.ledger[books + ONE_WAY_BEFORE] = t.ledger[books + ONE_WAY_WAS]
        t.ledger[books + SINCE] = t.var[WINDOW_START]
        t.ledger[books + BACK_AT] = t.var[WINDOW_START]
        t.ledger[books + LOST_FOR] = 0
        t.lists[len(t.lists) // 4 * 3 + t.var[TOUCHED_COUNT]] = node
        t.var[TOUCHED_COUNT] += 1
    if new == old:
        return
    t.var[MOVES] += 1
    t.nodes[at + CHANGES] += 1
    if old < 0 and old != NOWHERE:
        t.ledger[books + LOST_FOR] += now - t.ledger[books + SINCE]
        if new >= 0 or new == NOWHERE:
            t.ledger[books + BACK_AT] = now
    t.ledger[books + SINCE] = now


@_loop
def _record(t, origin):
    """Write down the path from a node, once round where it loops: whether there was room."""
    entry = t.var[RECORDED] * RECORD_WORDS
    if entry == len(t.records):
        return False
    t.var[STAMP] += 1
    stamp = t.var[STAMP]
    end = t.var[PATHS_END]
    node = origin
    while t.nodes[node * FOREST_WORDS + HOP] >= 0 and t.nodes[node * FOREST_WORDS + SEEN] != stamp:
        if end == len(t.paths):
            return False
        t.nodes[node * FOREST_WORDS + SEEN] = stamp
        t.paths[end] = t.nodes[node * FOREST_WORDS + HOP]
        node = t.neighbor[t.paths[end]]
        end += 1
    t.records[entry + RECORD_AT] = t.var[NOW]
    t.records[entry + RECORD_NODE] = origin
    t.records[entry + RECORD_OUTCOME] = t.nodes[origin * FOREST_WORDS + OUTCOME]
    t.records[entry + RECORD_ONE_WAY] = t.ledger[origin * LEDGER_WORDS + ONE_WAY]
    t.records[entry + RECORD_LENGTH] = end - t.var[PATHS_END]
    t.var[PATHS_END] = end
    t.var[RECORDED] += 1
    return True


@inlined
def _emit(t):
    """Write down the paths of the followed ones among the stale nodes: whether there was room for all."""
    stale = len(t.lists) // 4
    while t.var[EMITTED] < t.var[STALE_COUNT]:
        node = t.lists[stale + t.var[EMITTED]]
        if t.nodes[node * FOREST_WORDS + MARK] & IS_FOLLOWED and not _record(t, node):
            return False
        t.var[EMITTED] += 1
    return True


@_loop
def settle_instant(t):
    """Bring every node in line with what the instant `NOW` has changed."""
    _rehang(t)
    stale = len(t.lists) // 4
    for place in range(stale, stale + t.var[STALE_COUNT]):
        if t.nodes[t.lists[place] * FOREST_WORDS + MARK] & IS_STALE:
            _resolve(t, t.lists[place])
    for place in range(stale, stale + t.var[STALE_COUNT]):
        _note(t, t.lists[place], t.var[NOW])
    t.var[EMITTED] = 0 if t.var[IS_RECORDING] else t.var[STALE_COUNT]


@_loop
def forward(t, until):
    """Let everything happen up to and including ``until``; return why it stopped, see `REACHED`."""
    while True:
        if not _emit(t):
            return WANTS_ROOM
        now = NEVER
        if t.var[NEXT_ROUTE] < len(t.route_times):
            now = t.route_times[t.var[NEXT_ROUTE]]
        if t.var[NEXT_PHYSICAL] * PHYSICAL_WORDS < len(t.physical):
            now = min(now, t.physical[t.var[NEXT_PHYSICAL] * PHYSICAL_WORDS + AT])
        if now > until:
            return REACHED
        t.var[NOW] = now
        _take_in(t, now)
        settle_instant(t)
