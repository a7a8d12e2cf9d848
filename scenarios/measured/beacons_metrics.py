"""What is counted on a beacon's updates, the same for those measured and those of the model.

All times are seconds after the first update of a prefix and phase that anybody
sent, as the reference rows have them.

A collector that writes its table down does nothing else meanwhile: RouteViews'
route-views2, a single-threaded Zebra/Quagga bgpd, dumps its table at every even
hour, which is when beacons are announced and withdrawn. What comes in then waits
in TCP buffers and is stamped when the dump is done. The data show it: of beacons
that are announced in seven cities the first update is stamped 56 s after the hour
for all seven, and 54 s after the withdrawal, and more than half of all updates of
the withdrawal, a dozen from one peer, are stamped within the next 3 s. `dumped`
does the same to a model's updates.
"""

# ruff: noqa: INP001 - part of a script, not a package

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WITHDRAWN_S: Final = 2 * 3600.0
"""When a beacon is withdrawn, after it was announced."""
ANNOUNCE, WITHDRAW = "announce", "withdraw"
PHASES: Final = {ANNOUNCE: (0.0, 3600.0), WITHDRAW: (WITHDRAWN_S, WITHDRAWN_S + 1800.0)}
"""From when to when updates count as an answer, after the announcement; later ones have other causes."""
QUANTILES: Final = (0.5, 0.75, 0.9, 0.95, 0.99)
ROUND_S: Final = (25.0, 35.0)
"""Gaps of a run of an MRAI timer of 30 s."""
QUICK_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Update:
    """A message to the collector: ``time`` s after the announcement; ``path`` None withdraws."""

    time: float
    prefix: str
    peer: str
    path: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Figures:
    """A value a (prefix, peer): seconds, or announcements; ``gaps`` (s) between updates of the withdrawal.

    ``last_change``: the last update of the announcement whose path differs from the
    one before. ``final``: the withdrawal after which a peer said no more, of peers
    whose last word is one. ``hunting``: announcements during the withdrawal, of
    peers that said anything then.
    """

    last_change: tuple[float, ...] = ()
    final: tuple[float, ...] = ()
    hunting: tuple[int, ...] = ()
    gaps: tuple[float, ...] = field(default=(), repr=False)

    def __add__(self, other: Figures) -> Figures:
        """Both together."""
        return Figures(
            self.last_change + other.last_change,
            self.final + other.final,
            self.hunting + other.hunting,
            self.gaps + other.gaps,
        )

    @property
    def mean_hunting(self) -> float:
        """Announcements a peer during the withdrawal; NaN without peers."""
        return float(np.mean(self.hunting)) if self.hunting else float("nan")

    def share_of_gaps(self, low: float, high: float) -> float:
        """Share of gaps in [low, high) s; NaN without gaps."""
        gaps = np.array(self.gaps)
        return float(np.mean((gaps >= low) & (gaps < high))) if len(gaps) else float("nan")


def quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """`QUANTILES` of values, between two of them in proportion; NaN without values."""
    if not values:
        return (float("nan"),) * len(QUANTILES)
    return tuple(float(each) for each in np.quantile(np.array(values, float), QUANTILES))


def first_stamps(updates: Iterable[Update]) -> dict[str, float]:
    """For each phase how long (s) after it began the first update of all was stamped; absent without any."""
    first: dict[str, float] = {}
    for update in updates:
        for phase, (start, end) in PHASES.items():
            if start <= update.time < end:
                first[phase] = min(first.get(phase, end), update.time - start)
    return first


def dumped(updates: Iterable[Update], until: dict[str, float]) -> tuple[Update, ...]:
    """``updates`` as a collector stamps them that is busy until so long (s) after the start of each phase."""
    found = []
    for update in updates:
        time = update.time
        for phase, (start, end) in PHASES.items():
            if start <= time < end:
                time = max(time, start + until.get(phase, 0.0))
        found.append(replace(update, time=time))
    return tuple(found)


def figures_of(updates: Iterable[Update]) -> dict[str, Figures]:
    """The figures of each prefix, in order. Updates of a peer at one instant count in the order given."""
    by_prefix: dict[str, list[Update]] = {}
    for update in updates:
        by_prefix.setdefault(update.prefix, []).append(update)
    return {prefix: _figures(by_prefix[prefix]) for prefix in sorted(by_prefix)}


def pooled(figures: Iterable[Figures]) -> Figures:
    """All of them together."""
    return sum(figures, Figures())


def _figures(updates: list[Update]) -> Figures:
    announced, withdrawn = (_by_peer(updates, *PHASES[phase]) for phase in (ANNOUNCE, WITHDRAW))
    last_change = [_last_change(each) for each in announced.values()]
    final = [each[-1].time for each in withdrawn.values() if each[-1].path is None]
    hunting = [sum(update.path is not None for update in each) for each in withdrawn.values()]
    gaps = [after.time - before.time for each in withdrawn.values() for before, after in pairwise(each)]
    return Figures(tuple(last_change), tuple(final), tuple(hunting), tuple(gaps))


def _by_peer(updates: list[Update], start: float, end: float) -> dict[str, list[Update]]:
    """Updates of one phase by peer in order of time, s after the first of all."""
    inside = sorted((each for each in updates if start <= each.time < end), key=lambda each: each.time)
    found: dict[str, list[Update]] = {}
    for update in inside:
        found.setdefault(update.peer, []).append(replace(update, time=update.time - inside[0].time))
    return found


def _last_change(updates: list[Update]) -> float:
    last, path = 0.0, None
    for place, update in enumerate(updates):
        if place == 0 or update.path != path:
            last, path = update.time, update.path
    return last
