"""What happened to the ASes of an AS graph, as arrays: catchments over time, connectivity lost, detours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.instants import instants
from emulator.analysis.view import distinct, text_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.analysis.view import Floats, Ints, RunView
    from emulator.record.tables import Table

    Bools = npt.NDArray[np.bool_]

ANYCAST: Final = "anycast"
PREFIX: Final = "prefix"
"""Kind of all destinations where there is no CDN, and too many prefixes to name each."""
FATES: Final = {-1: "no route", -2: "blackhole", -3: "loop", -4: "elsewhere"}
"""What a site below zero stands for; the last one is delivered, to no POP of the CDN."""
_ELSEWHERE: Final = -4
_TABULATED: Final = 4
"""Events that a table of catchments has columns for."""
_AS_NAME: Final = re.compile(r"AS\d+")
"""What no POP of a CDN is called."""
_PREFIXES: Final = 4
"""So many prefixes are a kind each."""


def has_cdn(view: RunView) -> bool:
    """Tell whether sites are a CDN's POPs: without one they are the ASes that announce a prefix."""
    return not all(_AS_NAME.fullmatch(str(pop["code"])) for pop in view.atlas.get("pops", ()))


def site_word(view: RunView) -> str:
    """Return what a site is."""
    return "POP" if has_cdn(view) else "AS"


def kinds_of(destinations: Sequence[str], *, cdn: bool = True) -> dict[str, str]:
    """Return the kind of service address that each destination's name stands for, as pictures name it.

    Without a CDN a few prefixes are a kind each, and go by their name.
    """
    if cdn:
        return {name: _kind_of(name) for name in destinations}
    own = len(destinations) <= _PREFIXES and "shared" not in destinations
    return {name: name if own else PREFIX for name in destinations}


def _kind_of(destination: str) -> str:
    if destination == "shared":
        return ANYCAST
    if destination.startswith("pop "):
        return "unicast"
    return "IPA with cover" if destination.endswith(" with cover") else "IPA"


def is_delivered(site: Ints) -> Bools:
    """Tell which of ``site`` stand for packets that arrive."""
    found: Bools = (site >= 0) | (site == _ELSEWHERE)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Catchments:
    """Who serves whom at one destination: counts of shape (sites, instants)."""

    destination: str
    at_s: Floats
    """Ascending; a count holds until the next instant."""
    sites: Ints
    """Ascending: POP indices, and below zero `FATES`."""
    ases: Ints
    weight: Floats

    @property
    def total(self) -> int:
        """How many ASes are counted."""
        return int(self.ases[:, 0].sum())

    def before(self, at_s: float) -> int:
        """Return the position of the last instant before ``at_s``; 0 where there is none."""
        return max(0, int(np.searchsorted(self.at_s, at_s)) - 1)

    def held(self, end_s: float) -> Floats:
        """Return for which part of a run of ``end_s`` seconds each instant's counts hold."""
        end = max(end_s, 1e-9)
        parts: Floats = np.diff(np.append(self.at_s.clip(0, end), end)) / end
        return parts

    @property
    def distance(self) -> Floats:
        """Which share of ASes is served otherwise than at the start, at each instant (total variation)."""
        shares = self.shares()
        found: Floats = np.abs(shares - shares[:, :1]).sum(axis=0) / 2
        return found

    def shares(self, *, weighted: bool = False) -> Floats:
        """Return each site's share of all ASes, or of their weight, at each instant."""
        counts = self.weight if weighted else self.ases.astype(np.float64)
        shares: Floats = counts / np.maximum(counts.sum(axis=0), 1e-300)
        return shares


def catchments_of(table: Table | None) -> tuple[Catchments, ...]:
    """Take the table `sites` apart by destination, in the order it names them."""
    if table is None:
        return ()
    names = distinct(table["destination"])
    code = text_codes(table["destination"], names)
    at, site = np.asarray(table["at_s"], np.float64), np.asarray(table["site"], np.int64)
    ases, weight = np.asarray(table["ases"], np.int64), np.asarray(table["weight"], np.float64)
    found = []
    for i, name in enumerate(names):
        mine = np.flatnonzero(code == i)
        instants, column = np.unique(at[mine], return_inverse=True)
        sites, row = np.unique(site[mine], return_inverse=True)
        counts, weights = (
            np.zeros((len(sites), len(instants)), np.int64),
            np.zeros((len(sites), len(instants))),
        )
        counts[row, column], weights[row, column] = ases[mine], weight[mine]
        found.append(Catchments(name, instants, sites, counts, weights))
    return tuple(found)


def main_destination(view: RunView) -> int:
    """Return the position of the catchments to tell of: those at the shared address come first.

    Of prefixes without a CDN it is the one at which most changed for longest.
    """
    if has_cdn(view):
        return 0
    end = view.phases.end_s
    changed = [float(each.distance @ each.held(end)) for each in view.catchments]
    return int(np.argmax(changed)) if changed else 0


@dataclass(frozen=True, slots=True)
class Window:
    """From one event, or several of one instant, until the next or the run's end."""

    event: int
    """Index of the last of the events: the one that `reach` tells of."""
    at_s: float
    until_s: float
    label: str
    is_repair: bool
    """True where all that happened was that something came back."""


def windows(view: RunView) -> tuple[Window, ...]:
    """Return the windows of a run, in time order."""
    found = instants(view.events)
    until = [*(instant.at_s for instant in found[1:]), view.phases.end_s]
    return tuple(
        Window(each.index, each.at_s, end, each.label(), each.is_repair)
        for each, end in zip(found, until, strict=True)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The table `reach` with numbers for names; arrays with a value a row."""

    destinations: tuple[str, ...]
    kinds: tuple[str, ...]
    """Of `kinds_of`, in the order in which destinations have them."""
    event: Ints
    destination: Ints
    """Position in ``destinations``."""
    kind: Ints
    """Position in ``kinds``."""
    lost_s: Floats
    back_s: Floats
    before: Ints
    after: Ints
    rtt_before_ms: Floats
    rtt_after_ms: Floats


def reach_of(table: Table | None, *, known: Sequence[str] = (), cdn: bool = True) -> Reach | None:
    """Read the table `reach`; None where there is none.

    ``known``: all destinations of the run, whether anything happened to them or not. ``cdn``: see `has_cdn`.
    """
    if table is None:
        return None
    names = distinct(table["destination"])
    code = text_codes(table["destination"], names)
    kind_by_destination = kinds_of(list(dict.fromkeys((*known, *names))), cdn=cdn)
    kinds = list(dict.fromkeys(kind_by_destination[name] for name in names))
    kind_by_name = np.array([kinds.index(kind_by_destination[name]) for name in names])
    whole = {name: np.asarray(table[name], np.int64) for name in ("event", "site_before", "site_after")}
    real = {
        name: np.asarray(table[name], np.float64)
        for name in ("lost_s", "back_s", "rtt_before_ms", "rtt_after_ms")
    }
    return Reach(
        tuple(names), tuple(kinds), whole["event"], code, kind_by_name[code], real["lost_s"],
        real["back_s"], whole["site_before"], whole["site_after"], real["rtt_before_ms"],
        real["rtt_after_ms"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """Loss of connectivity after an event, over the ASes and destinations of one kind (RFC 7747)."""

    kind: str
    of: int
    """Pairs of an AS and a destination of this kind, whatever became of them; with one destination: ASes."""
    destinations: int
    periods_s: Floats
    """How long each pair that lost it was without, ascending; infinity for those without at the end."""

    @property
    def lost(self) -> int:
        """How many lost it."""
        return len(self.periods_s)

    @property
    def never(self) -> int:
        """How many were without it when the next event came, or the run ended."""
        return int(np.isinf(self.periods_s).sum())

    @property
    def longest_s(self) -> float:
        """The longest period of those that have it back; 0 where none has."""
        back = self.lost - self.never
        return float(self.periods_s[back - 1]) if back else 0.0

    def quantile_s(self, share: float) -> float:
        """Return the shortest period that a ``share`` of those that lost it did not exceed."""
        return float(self.periods_s[max(1, int(np.ceil(share * self.lost - 1e-9))) - 1])


def losses(view: RunView) -> list[tuple[Window, list[Loss]]]:
    """Return for each window what each kind of destination lost, kinds in the destinations' order.

    Kinds that lost nothing are left out, and so are windows in which nothing was lost.
    """
    reach = view.reach
    if reach is None:
        return []
    pairs: dict[str, list[int]] = {}
    kind_by_name = kinds_of([each.destination for each in view.catchments], cdn=has_cdn(view))
    for each in view.catchments:
        pairs.setdefault(kind_by_name[each.destination], []).append(each.total)
    is_lost = reach.lost_s > 0
    periods = np.where(np.isnan(reach.back_s), np.inf, reach.lost_s)
    found = []
    for window in windows(view):
        mine = is_lost & (reach.event == window.event)
        kinds = []
        for i, kind in enumerate(reach.kinds):
            its = np.sort(periods[mine & (reach.kind == i)])
            if len(its):
                totals = pairs.get(kind, [len(its)])
                kinds.append(Loss(kind, sum(totals), len(totals), its))
        if kinds:
            order = list(pairs)
            found.append(
                (window, sorted(kinds, key=lambda loss: order.index(loss.kind) if loss.kind in order else 0))
            )
    return found


def moved(reach: Reach, event: int, destination: int) -> int:
    """Return how many ASes another POP serves after ``event`` than before, at one destination."""
    mine = (reach.event == event) & (reach.destination == destination)
    return int((mine & (reach.before >= 0) & (reach.after >= 0) & (reach.before != reach.after)).sum())


def pop_names(view: RunView, sites: Sequence[int] | Ints) -> list[str]:
    """Return what to call each of ``sites``."""
    pops = view.atlas.get("pops", ())
    return [
        FATES[int(site)] if site < 0 else str(pops[int(site)]["code"]) if site < len(pops) else f"POP {site}"
        for site in sites
    ]


@dataclass(frozen=True, slots=True)
class CatchmentRow:
    """One site in a table of catchments: (ASes, share of their weight) in each column."""

    name: str
    cells: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class CatchmentTable:
    """The main destination's catchments at the start and at the end of some windows."""

    destination: str
    columns: tuple[str, ...]
    rows: tuple[CatchmentRow, ...]


def catchment_table(view: RunView) -> CatchmentTable | None:
    """Tabulate the main destination's catchments: at the start, and when those events that moved most ended.

    None where the run counts none. Rows are POPs in index order, then `FATES`; those that never serve
    anybody at these instants are left out.
    """
    if not view.catchments:
        return None
    main = view.catchments[main_destination(view)]
    moves = []
    for window in windows(view):
        before, after = main.before(window.at_s), main.before(window.until_s)
        if window.until_s >= float(main.at_s[-1]):
            after = len(main.at_s) - 1
        moves.append(
            (-int(np.abs(main.ases[:, after] - main.ases[:, before]).sum()), window.at_s, after, window.label)
        )
    chosen = sorted(sorted(moves)[:_TABULATED], key=lambda move: move[1])
    instants = [0, *(after for *_, after, _ in chosen)]
    shares = main.shares(weighted=True)
    order = sorted(range(len(main.sites)), key=lambda i: (main.sites[i] < 0, abs(int(main.sites[i]))))
    names = pop_names(view, main.sites)
    rows = [
        CatchmentRow(names[i], tuple((int(main.ases[i, at]), float(shares[i, at])) for at in instants))
        for i in order
        if main.ases[i, instants].any()
    ]
    return CatchmentTable(
        main.destination, ("at the start", *(f"after {label}" for *_, label in chosen)), tuple(rows)
    )
