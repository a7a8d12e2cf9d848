"""The queue when loops are compiled: a timing wheel (Varghese and Lauck, SOSP 1987).

A ring of buckets, one a millisecond, each an unsorted chain, and a small heap of
what is in the current one: putting something in costs the same however much there is.
"""

# mypy: allow-untyped-defs
# ruff: noqa: ANN001, ANN201, ANN202 - compiled for the arrays they are given: nothing would read annotations

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from emulator.compiled import compiled_for, inlined

if TYPE_CHECKING:
    import numpy.typing as npt

NEVER: Final = 1 << 62
"""Later than everything."""
NOTHING: Final = -1
"""Code of an entry that has been taken back."""

_SHIFT: Final = 20
"""A bucket is 2^20 ns, about a millisecond."""
_BUCKETS: Final = 1 << 15
"""The ring goes round in 34 s, longer than the usual MRAI: what lies beyond waits another round."""

_SIZE, _NEAR, _FREE, _BUCKET, _SEQUENCE = range(5)
_TIME, _ORDER, _CODE, _ENTRY_WORDS = range(4)
_FOLLOWING, _VALUE, _LINK_WORDS = range(3)


class Wheel(NamedTuple):
    """The compiled queue: a pool of entries, chained by `_FOLLOWING`."""

    heads: npt.NDArray[np.int32]
    links: npt.NDArray[np.int32]
    entries: npt.NDArray[np.int64]
    near: npt.NDArray[np.int32]
    meta: npt.NDArray[np.int64]


EXAMPLE: Final = Wheel(
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
    np.zeros(0, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.int64),
)
"""For `emulator.compiled.compiled_for`."""
_loop = compiled_for(wheel=EXAMPLE, is_lost=np.zeros(0, np.uint8))


@inlined
def _is_before(wheel, one, other):
    first = one * _ENTRY_WORDS
    second = other * _ENTRY_WORDS
    if wheel.entries[first] != wheel.entries[second]:
        return wheel.entries[first] < wheel.entries[second]
    return wheel.entries[first + _ORDER] < wheel.entries[second + _ORDER]


@_loop
def _sift_in(wheel, entry):
    near = wheel.near
    place = wheel.meta[_NEAR]
    wheel.meta[_NEAR] += 1
    while place > 0:
        above = (place - 1) >> 1
        if not _is_before(wheel, entry, near[above]):
            break
        near[place] = near[above]
        place = above
    near[place] = entry


@inlined
def _take_first(wheel):
    near = wheel.near
    first = near[0]
    wheel.meta[_NEAR] -= 1
    count = wheel.meta[_NEAR]
    if count:
        last = near[count]
        place = 0
        while True:
            child = 2 * place + 1
            if child >= count:
                break
            if child + 1 < count and _is_before(wheel, near[child + 1], near[child]):
                child += 1
            if not _is_before(wheel, near[child], last):
                break
            near[place] = near[child]
            place = child
        near[place] = last
    return first


@inlined
def _chain(wheel, entry, bucket):
    """Put an entry into the bucket's place on the ring."""
    place = bucket & (_BUCKETS - 1)
    wheel.links[entry * _LINK_WORDS + _FOLLOWING] = wheel.heads[place]
    wheel.heads[place] = entry


@_loop
def _turn(wheel):
    """Go to the next bucket that has something of this round."""
    while wheel.meta[_NEAR] == 0:
        wheel.meta[_BUCKET] += 1
        bucket = wheel.meta[_BUCKET]
        place = bucket & (_BUCKETS - 1)
        entry = wheel.heads[place]
        wheel.heads[place] = -1
        while entry >= 0:
            after = wheel.links[entry * _LINK_WORDS + _FOLLOWING]
            if wheel.entries[entry * _ENTRY_WORDS + _TIME] >> _SHIFT == bucket:
                _sift_in(wheel, entry)
            else:
                _chain(wheel, entry, bucket)
            entry = after


@_loop
def push(wheel, time, code, value):
    """Put an entry in; there must be `room`."""
    entry = wheel.meta[_FREE]
    wheel.meta[_FREE] = wheel.links[entry * _LINK_WORDS + _FOLLOWING]
    wheel.links[entry * _LINK_WORDS + _VALUE] = value
    at = entry * _ENTRY_WORDS
    wheel.entries[at + _TIME] = time
    wheel.entries[at + _ORDER] = wheel.meta[_SEQUENCE]
    wheel.entries[at + _CODE] = code
    wheel.meta[_SEQUENCE] += 1
    wheel.meta[_SIZE] += 1
    bucket = time >> _SHIFT
    if bucket <= wheel.meta[_BUCKET]:
        _sift_in(wheel, entry)
    else:
        _chain(wheel, entry, bucket)


@inlined
def next_time(wheel):
    """When the first entry is due, `NEVER` where there is none."""
    if wheel.meta[_SIZE] == 0:
        return NEVER
    if wheel.meta[_NEAR] == 0:
        _turn(wheel)
    return wheel.entries[wheel.near[0] * _ENTRY_WORDS + _TIME]


@inlined
def pop(wheel):
    """Take the first entry out, after `next_time`: its code and value."""
    entry = _take_first(wheel)
    wheel.meta[_SIZE] -= 1
    wheel.links[entry * _LINK_WORDS + _FOLLOWING] = wheel.meta[_FREE]
    wheel.meta[_FREE] = entry
    at = entry * _ENTRY_WORDS + _CODE
    code = wheel.entries[at]
    wheel.entries[at] = NOTHING
    return code, wheel.links[entry * _LINK_WORDS + _VALUE]


@inlined
def room(wheel):
    """How many entries still fit in."""
    return len(wheel.near) - wheel.meta[_SIZE]


@_loop
def take_back(wheel, is_lost, kinds, kind, per_slot):
    """Make nothing of all entries of ``kind`` whose slot ``is_lost``; return how many."""
    count = 0
    for at in range(_CODE, len(wheel.entries), _ENTRY_WORDS):
        code = wheel.entries[at]
        if code >= 0 and code % kinds == kind and is_lost[code // kinds // per_slot]:
            wheel.entries[at] = NOTHING
            count += 1
    return count


def new_wheel(start: int) -> Wheel:
    """An empty one; nothing may be put in for before ``start``."""
    meta = np.zeros(5, np.int64)
    meta[_FREE], meta[_BUCKET] = -1, start >> _SHIFT
    heads, short = np.full(_BUCKETS, -1, np.int32), np.zeros(0, np.int32)
    return enlarged(Wheel(heads, short, np.zeros(0, np.int64), short, meta), 1 << 12)


def enlarged(wheel: Wheel, count: int) -> Wheel:
    """``wheel`` with room for at least ``count`` entries more."""
    old = len(wheel.near)
    new = old + max(old // 2, count)
    links = np.zeros((new, _LINK_WORDS), np.int32)
    links[:old] = wheel.links.reshape(-1, _LINK_WORDS)
    links[old:, _FOLLOWING] = np.arange(old + 1, new + 1)
    links[new - 1, _FOLLOWING] = wheel.meta[_FREE]
    wheel.meta[_FREE] = old
    entries = np.full((new, _ENTRY_WORDS), NOTHING, np.int64)
    entries[:old] = wheel.entries.reshape(-1, _ENTRY_WORDS)
    near = np.zeros(new, np.int32)
    near[:old] = wheel.near
    return Wheel(wheel.heads, links.ravel(), entries.ravel(), near, wheel.meta)


def size(wheel: Wheel) -> int:
    """How many entries there are, those taken back included."""
    return int(wheel.meta[_SIZE])
