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
_FOLLOWING, _ORDER, _CODE, _VALUE, _WORDS = range(5)
CODE_MAX: Final = (1 << 31) - 1
"""Codes and values have 31 bits; so has the number of entries ever put in, which comes round after 2^31."""


class Wheel(NamedTuple):
    """The compiled queue: a pool of entries, chained by `_FOLLOWING`."""

    heads: npt.NDArray[np.int32]
    time: npt.NDArray[np.int64]
    entries: npt.NDArray[np.int32]
    near: npt.NDArray[np.int32]
    meta: npt.NDArray[np.int64]


EXAMPLE: Final = Wheel(
    np.zeros(0, np.int32),
    np.zeros(0, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
    np.zeros(0, np.int64),
)
"""For `emulator.compiled.compiled_for`."""
_loop = compiled_for(wheel=EXAMPLE, is_lost=np.zeros(0, np.uint8))


@inlined
def _is_before(wheel, one, other):
    if wheel.time[one] != wheel.time[other]:
        return wheel.time[one] < wheel.time[other]
    return wheel.entries[one * _WORDS + _ORDER] < wheel.entries[other * _WORDS + _ORDER]


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
    wheel.entries[entry * _WORDS + _FOLLOWING] = wheel.heads[place]
    wheel.heads[place] = entry


@_loop
def _first_bucket(wheel):
    """The bucket of the earliest entry on the ring."""
    earliest = NEVER
    for place in range(_BUCKETS):
        entry = wheel.heads[place]
        while entry >= 0:
            earliest = min(earliest, wheel.time[entry])
            entry = wheel.entries[entry * _WORDS + _FOLLOWING]
    return earliest >> _SHIFT


@_loop
def _turn(wheel):
    """Go to the next bucket that has something of this round; straight there, if that is a round away."""
    walked = 0
    while wheel.meta[_NEAR] == 0:
        if walked == _BUCKETS:
            wheel.meta[_BUCKET] = _first_bucket(wheel) - 1
        walked += 1
        wheel.meta[_BUCKET] += 1
        bucket = wheel.meta[_BUCKET]
        place = bucket & (_BUCKETS - 1)
        entry = wheel.heads[place]
        wheel.heads[place] = -1
        while entry >= 0:
            after = wheel.entries[entry * _WORDS + _FOLLOWING]
            if wheel.time[entry] >> _SHIFT == bucket:
                _sift_in(wheel, entry)
            else:
                _chain(wheel, entry, bucket)
            entry = after


@_loop
def push(wheel, time, code, value):
    """Put an entry in; there must be `room`."""
    entry = wheel.meta[_FREE]
    wheel.meta[_FREE] = wheel.entries[entry * _WORDS + _FOLLOWING]
    wheel.time[entry] = time
    at = entry * _WORDS
    wheel.entries[at + _ORDER] = wheel.meta[_SEQUENCE]
    wheel.entries[at + _CODE] = code
    wheel.entries[at + _VALUE] = value
    wheel.meta[_SEQUENCE] = (wheel.meta[_SEQUENCE] + 1) & CODE_MAX
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
    return wheel.time[wheel.near[0]]


@inlined
def pop(wheel):
    """Take the first entry out, after `next_time`: its code and value."""
    entry = _take_first(wheel)
    wheel.meta[_SIZE] -= 1
    wheel.entries[entry * _WORDS + _FOLLOWING] = wheel.meta[_FREE]
    wheel.meta[_FREE] = entry
    at = entry * _WORDS
    code = wheel.entries[at + _CODE]
    wheel.entries[at + _CODE] = NOTHING
    return code, wheel.entries[at + _VALUE]


@inlined
def room(wheel):
    """How many entries still fit in."""
    return len(wheel.near) - wheel.meta[_SIZE]


@_loop
def take_back(wheel, is_lost, kinds, kind, per_slot):
    """Make nothing of all entries of ``kind`` whose slot ``is_lost``; return how many."""
    count = 0
    for at in range(_CODE, len(wheel.entries), _WORDS):
        code = wheel.entries[at]
        if code >= 0 and code % kinds == kind and is_lost[code // kinds // per_slot]:
            wheel.entries[at] = NOTHING
            count += 1
    return count


def new_wheel(start: int) -> Wheel:
    """An empty one; nothing may be put in for before ``start``."""
    meta = np.zeros(5, np.int64)
    meta[_FREE], meta[_BUCKET] = -1, start >> _SHIFT
    heads, small, near = np.full(_BUCKETS, -1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int32)
    return enlarged(Wheel(heads, np.zeros(0, np.int64), small, near, meta), 1 << 12)


def enlarged(wheel: Wheel, count: int) -> Wheel:
    """``wheel``, in its place, with room for at least ``count`` entries more."""
    old = len(wheel.time)
    new = old + max(old // 4, count)
    wheel.time.resize(new, refcheck=False)
    wheel.near.resize(new, refcheck=False)
    wheel.entries.resize(new * _WORDS, refcheck=False)
    added = wheel.entries.reshape(-1, _WORDS)[old:]
    added[:, _CODE] = NOTHING
    added[:, _FOLLOWING] = np.arange(old + 1, new + 1)
    added[-1, _FOLLOWING] = wheel.meta[_FREE]
    wheel.meta[_FREE] = old
    return wheel


def size(wheel: Wheel) -> int:
    """How many entries there are, those taken back included."""
    return int(wheel.meta[_SIZE])
