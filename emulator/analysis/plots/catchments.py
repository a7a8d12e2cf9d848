"""Catchments over time on an AS graph: which share of the ASes, and of their weight, each POP serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.graphview import ANYCAST, FATES, is_delivered, kind_of, moved, pop_names, windows
from emulator.analysis.plots.style import (
    ADDRESSES,
    INK,
    MUTED,
    end_labels,
    sheet,
    shortened,
)
from emulator.analysis.plots.timeaxis import mark_events, time_axis
from emulator.analysis.wording import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.graphview import Catchments
    from emulator.analysis.view import Floats, RunView

OTHER_POPS: Final = "#d3d9de"
WARNINGS: Final = {
    -4: ("#fff3bf", "..."),
    -1: ("#e5484d", ""),
    -2: ("#1f2933", ""),
    -3: ("#ffd400", "////"),
}
"""Fate -> colour and hatching: told apart by lightness as well, and from every POP's colour."""
_WARNING_COLOURS: Final = tuple(colour for colour, _ in WARNINGS.values())
_NAMED: Final = 10
"""POPs of the first destination with a colour of their own, at most."""
_SMALL: Final = 0.01
"""Share that a POP has at some instant to have a colour of its own."""
_LARGE: Final = 0.1
"""The same, where it has one for the sake of a destination further down."""
_MULTIPLES: Final = 6
_COLUMNS: Final = 3
_MULTIPLE_IN, _BELOW_IN = 0.8, 0.5
_CHANGED: Final = 0.005
"""A destination whose shares move by less counts as unchanged."""
_LABEL_PT: Final = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """One layer of a stack."""

    name: str
    colour: str
    hatch: str
    shares: Floats
    """By instant."""

    @property
    def ink(self) -> str:
        """The colour of its name: its own where that is dark enough to read."""
        return MUTED if self.colour in (OTHER_POPS, WARNINGS[-3][0], WARNINGS[-4][0]) else self.colour


def draw_catchments(view: RunView) -> Figure | None:
    """Draw the first destination's catchments, and small ones of others that change; None off AS graphs."""
    if not view.catchments:
        return None
    main, others = view.catchments[0], view.catchments[1:]
    changing = sorted((-_change(each), i) for i, each in enumerate(others))
    chosen = sorted(i for change, i in changing[:_MULTIPLES] if -change >= _CHANGED)
    shown = [others[i] for i in chosen]
    colours = _colours(main, shown)
    weighted = bool(np.abs(main.shares(weighted=True) - main.shares()).max() > _CHANGED)
    rows = -(-len(shown) // _COLUMNS)
    foot = rows * (_MULTIPLE_IN + _BELOW_IN) + (0.25 if rows else 0.0)
    made = sheet(
        _title(view, main),
        _subtitle(main, len(shown), sum(-change >= _CHANGED for change, _ in changing), len(others)),
        0.55 + foot + (1.8 if weighted else 0.0) + 2.85,
    )
    base = 0.55 + foot
    if weighted:
        ax = made.axes(0.85, base, 6.3, 1.5)
        _stack(ax, view, main, _bands(view, main, colours, weighted=True), labelled=True)
        ax.set_ylabel("of their weight, %")
        base += 1.8
    ax = made.axes(0.85, base, 6.3, 2.5)
    _stack(ax, view, main, _bands(view, main, colours), labelled=not weighted, events=True)
    ax.set_ylabel("of the ASes, %")
    for place, each in enumerate(shown):
        row, column = divmod(place, _COLUMNS)
        bottom = 0.5 + (rows - 1 - row) * (_MULTIPLE_IN + _BELOW_IN)
        _multiple(
            made.axes(0.85 + 2.72 * column, bottom, 2.45, _MULTIPLE_IN), view, each, colours,
            labelled=place + _COLUMNS >= len(shown), ticked=not column,
        )  # fmt: skip
    return made.figure


def _colours(main: Catchments, shown: list[Catchments]) -> dict[int, str]:
    """POP index -> colour: the largest of the first destination, then those that others need."""
    peak = dict(zip(main.sites.tolist(), _peaks(main).tolist(), strict=True))
    ranked = sorted((site for site in peak if site >= 0), key=lambda site: (-peak[site], site))
    named = [site for site in ranked if peak[site] >= _SMALL][:_NAMED]
    for each in shown:
        at_some_time = zip(each.sites.tolist(), _peaks(each).tolist(), strict=True)
        named += [site for site, part in at_some_time if site not in (*named, *FATES) and part >= _LARGE]
    return {site: ADDRESSES[i] for i, site in enumerate(sorted(named[: len(ADDRESSES)]))}


def _peaks(each: Catchments) -> Floats:
    """Each site's largest share ever, of ASes or of weight."""
    peaks: Floats = np.maximum(each.shares(), each.shares(weighted=True)).max(axis=1)
    return peaks


def _bands(
    view: RunView, each: Catchments, colours: dict[int, str], *, weighted: bool = False
) -> list[_Band]:
    """POPs in index order from below, those without a colour together, then what is not delivered."""
    shares = each.shares(weighted=weighted)
    sites = each.sites.tolist()
    names = pop_names(view, sites)
    bands = [
        _Band(name, colours[site], "", row)
        for site, name, row in zip(sites, names, shares, strict=True)
        if site in colours
    ]
    rest = [i for i, site in enumerate(sites) if site >= 0 and site not in colours]
    if rest:
        name = names[rest[0]] if len(rest) == 1 else f"{len(rest)} other POPs"
        bands.append(_Band(name, OTHER_POPS, "", shares[rest].sum(axis=0)))
    warnings = [
        _Band(FATES[fate], colour, hatch, shares[sites.index(fate)])
        for fate, (colour, hatch) in WARNINGS.items()
        if fate in sites
    ]
    return bands + warnings


def _stack(
    ax: Axes, view: RunView, each: Catchments, bands: list[_Band], *, labelled: bool, events: bool = False
) -> None:
    """Fill ``ax`` with ``bands`` over the run's time, with their names beside it."""
    unit = time_axis(ax, view, labelled=labelled)
    shares = np.array([band.shares for band in bands])
    _fill(ax, each.at_s / unit.seconds, view.phases.end_s / unit.seconds, bands)
    mark_events(ax, view, unit, labelled=events, above=3)
    middles = 100 * (np.cumsum(shares[:, -1]) - shares[:, -1] / 2)
    height_pt = float(ax.get_position().height * ax.figure.get_figheight() * 72)  # type: ignore[union-attr]
    room = int(height_pt / _LABEL_PT) + 1
    fates = [bool(band.hatch) or band.colour in _WARNING_COLOURS for band in bands]
    important = sorted(range(len(bands)), key=lambda i: (not fates[i], -float(shares[i].max()), i))[:room]
    end_labels(
        ax,
        [
            (float(middles[i]), f"{shortened(bands[i].name, 14)} {_history(bands[i].shares)}", bands[i].ink)
            for i in sorted(important)
        ],
        gap_pt=_LABEL_PT,
    )


def _history(shares: Floats) -> str:
    """Return a share in percent: first and last where these differ, else the last and its range."""
    start, end = round(100 * float(shares[0])), round(100 * float(shares[-1]))
    low, high = round(100 * float(shares.min())), round(100 * float(shares.max()))
    if start != end:
        return f"{start} → {end} %"
    return f"{end} %" if low == high else f"{end} % ({low}\N{EN DASH}{high})"


def _fill(ax: Axes, x: Floats, end: float, bands: list[_Band]) -> None:
    """Draw the stack as steps; instants at which nothing changed are left out."""
    shares = 100 * np.array([band.shares for band in bands])
    kept = np.append(True, (np.diff(shares, axis=1) != 0).any(axis=0))
    shares = np.hstack([shares[:, kept], shares[:, -1:]])
    ax.stackplot(
        np.append(x[kept], end), shares, step="post", colors=[band.colour for band in bands],
        hatch=[band.hatch for band in bands], linewidth=0.35, edgecolor="white", zorder=2,
    )  # fmt: skip
    ax.set_ylim(0, 100)
    ax.grid(visible=False)


def _multiple(
    ax: Axes, view: RunView, each: Catchments, colours: dict[int, str], *, labelled: bool, ticked: bool
) -> None:
    """One small stack: ASes at one destination; its title says between which POPs it changed most."""
    unit = time_axis(ax, view, labelled=labelled)
    ax.locator_params("x", nbins=5)
    _fill(ax, each.at_s / unit.seconds, view.phases.end_s / unit.seconds, _bands(view, each, colours))
    mark_events(ax, view, unit, labelled=False, above=3)
    ax.set_yticks((0, 50, 100))
    ax.tick_params(axis="y", labelleft=ticked)
    ax.set_title(
        shortened(f"{each.destination.replace(' with ', '+')}: {_story(view, each)}", 46), loc="left",
        fontsize=8.0, color=INK, pad=3, parse_math=False,
    )  # fmt: skip


def _story(view: RunView, each: Catchments) -> str:
    """Return which POP most ASes were served by first, what most of them met meanwhile, and last."""
    shares = each.shares()
    places = [
        int(np.argmax(shares[:, 0])),
        int(np.argmax((shares - np.maximum(shares[:, :1], shares[:, -1:])).max(axis=1))),
        int(np.argmax(shares[:, -1])),
    ]
    if float((shares[places[1]] - np.maximum(shares[places[1], 0], shares[places[1], -1])).max()) < _CHANGED:
        del places[1]
    names = pop_names(view, each.sites[places])
    return " → ".join(name for i, name in enumerate(names) if not i or name != names[i - 1])


def _change(each: Catchments) -> float:
    """Return the largest share of ASes that is ever served otherwise than at the start (total variation)."""
    shares = each.shares()
    return float((np.abs(shares - shares[:, :1]).sum(axis=0) / 2).max())


def _title(view: RunView, main: Catchments) -> str:
    without = main.shares()[~is_delivered(main.sites)].sum(axis=0)
    worst = float(without.max(initial=0.0))
    lost = f"; at worst {percent(worst)} of ASes reached none" if worst > float(without[0]) else ""
    reach = view.reach
    most, label = 0, ""
    if reach is not None and main.destination in reach.destinations:
        code = reach.destinations.index(main.destination)
        for window in windows(view):
            count_of = moved(reach, window.event, code)
            if count_of > most:
                most, label = count_of, window.label
    if not most:
        return f"No event moved an AS from one POP to another{lost}"
    return f"“{shortened(label, 60)}” moved {percent(most / main.total)} of ASes to another POP{lost}"


def _subtitle(main: Catchments, shown: int, changing: int, others: int) -> str:
    at = "under plain anycast" if kind_of(main.destination) == ANYCAST else f"at {main.destination}"
    text = f"Top: the share of the {count(main.total)} ASes that each POP serves {at}, over time."
    if not others:
        return text
    if not shown:
        return f"{text} At the {others} other service addresses nothing changed."
    of = f"the {shown} that changed most" if shown < changing else f"{shown} that changed"
    return f"{text} Bottom: the same at other service addresses, {of} of {others}."
