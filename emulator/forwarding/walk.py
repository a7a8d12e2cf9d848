"""Every router's path to one destination, kept up to date by walking only what a change touched.

Forwarding looks at the destination alone, so the path of a router is its own
hop and then the path of the router it leads to. Walks from the client groups'
routers therefore share their tails, and a change at a router can concern only
the routers upstream of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.forwarding.fib import DELIVERED, DROPPED, NO_ROUTE
from emulator.forwarding.history import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.forwarding.fib import Fibs

Path = tuple[int, int, int, float, tuple[int, ...]]
"""The fields of a `PathState`, in its order, cheap to build and to hash."""

_UNKNOWN: Final = -4  # next to the negative values of Fibs.next_hop: no walk comes by, or not since a change
_ENDS: Final[dict[int, Path]] = {
    NO_ROUTE: (int(Fate.NO_ROUTE), -1, 0, 1.0, ()),
    DROPPED: (int(Fate.BLACKHOLE), -1, 0, 1.0, ()),
}
_ARRIVED: Final = int(Fate.DELIVERED)
_LOOPING: Final = int(Fate.LOOP)


class Walks:
    """The paths to one destination from all routers that walks pass.

    A router that no walk passes costs nothing when it changes. One that walks
    have left keeps its last path until it changes, and is forgotten then.
    """

    def __init__(self, fibs: Fibs, prefixes: Sequence[int], pop_at: Sequence[int]) -> None:
        """``prefixes`` cover the destination, longest first; ``pop_at`` is the POP at each router or -1."""
        self._fibs = fibs
        self._prefixes = prefixes
        self._pop_at = pop_at
        self._hops = [_UNKNOWN] * len(pop_at)
        self._paths: list[Path | None] = [None] * len(pop_at)
        self._touched: dict[int, bool] = {}
        self._entering: list[list[int]] = [[] for _ in pop_at]
        for directed, target in enumerate(fibs.target):
            self._entering[target].append(directed)

    def touch(self, router: int) -> None:
        """``router`` may forward differently from now on."""
        if self._hops[router] != _UNKNOWN:
            self._touched.setdefault(router, False)

    def touch_link(self, directed_link: int) -> None:
        """Crossing ``directed_link`` has another delay or loss from now on."""
        router = self._fibs.source[directed_link]
        if self._hops[router] == directed_link:
            self._touched[router] = True

    def stale(self) -> list[int]:
        """Forget every path that the touched routers changed; the routers concerned, in a fixed order."""
        if not self._touched:
            return []
        hops, next_hop, prefixes = self._hops, self._fibs.next_hop, self._prefixes
        stack = [
            router
            for router, repriced in self._touched.items()
            if repriced or next_hop(router, prefixes) != hops[router]
        ]
        self._touched.clear()
        for router in stack:
            hops[router] = _UNKNOWN
        stale: list[int] = []
        while stack:
            router = stack.pop()
            stale.append(router)
            self._paths[router] = None
            for directed in self._entering[router]:
                upstream = self._fibs.source[directed]
                if hops[upstream] == directed:
                    hops[upstream] = _UNKNOWN
                    stack.append(upstream)
        return stale

    def path(self, origin: int) -> Path:
        """Path from ``origin`` as things stand now, walked as far as it is not known."""
        hops, paths, target = self._hops, self._paths, self._fibs.target
        trail: list[int] = []
        router = origin
        while hops[router] == _UNKNOWN:
            hop = hops[router] = self._fibs.next_hop(router, self._prefixes)
            if hop < 0:
                paths[router] = self._end(router, hop)
                break
            trail.append(router)
            router = target[hop]
        onward = paths[router]
        if onward is None:  # a hop is known and no path yet: met on this very walk
            start = trail.index(router)
            onward = self._close(trail[start:])
            del trail[start:]
        for passed in reversed(trail):
            onward = paths[passed] = self._extend(hops[passed], onward)
        return onward

    def _end(self, router: int, hop: int) -> Path:
        """Path of a router that forwards no further."""
        if hop == DELIVERED:
            return (_ARRIVED, self._pop_at[router], 0, 0.0, ())
        return _ENDS[hop]

    def _extend(self, hop: int, onward: Path) -> Path:
        """``onward`` with ``hop`` before it."""
        fate, pop, one_way, loss, links = onward
        if fate != _ARRIVED:
            return (fate, pop, one_way, loss, (hop, *links))
        lost_here = self._fibs.loss[hop]
        # 1 - (1 - a)(1 - b), in the form that stays exact where one of them is 0
        loss = lost_here + loss * (1 - lost_here)
        return (fate, pop, one_way + self._fibs.delay[hop], loss, (hop, *links))

    def _close(self, cycle: list[int]) -> Path:
        """Give each router of a forwarding loop its path, once round and back; returns the first one's."""
        links = tuple(self._hops[router] for router in cycle)
        around: list[Path] = [
            (_LOOPING, -1, 0, 1.0, links[position:] + links[:position]) for position in range(len(cycle))
        ]
        for router, path in zip(cycle, around, strict=True):
            self._paths[router] = path
        return around[0]
