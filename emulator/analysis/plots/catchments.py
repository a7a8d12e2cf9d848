"""Catchments over time on an AS graph: which share of the ASes, and of their weight, each POP serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.graphview import (
    FATES,
    has_cdn,
    is_delivered,
    main_destination,
    moved,
    pop_names,
    site_word,
    windows,
)
from emulator.analysis.plots.style import (
    ADDRESSES,
    INK,
    MUTED,
    end_labels,
    sheet,
    shortened,
)
from emulator.analysis.plots.timeaxis import headroom, mark_events, time_axis
from emulator.analysis.wording import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.graphview import Bools, Catchments
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
_WEIGHTED: Final = 0.005
"""Shares of weight are drawn where they differ by so much from shares of ASes."""
_SEEN: Final = 0.02
"""A part of a small stack that can be seen, of its height."""
_TRACE: Final = 0.003
"""The same, of a large one."""
_LASTING: Final = 0.008
"""What is there for a shorter part of the run cannot be seen, however high it is."""
_LABEL_PT: Final = 12.0
_WIDTH_IN: Final = 6.3


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
    """Draw the main destination's catchments, and small ones of others that change; None off AS graphs."""
    if not view.catchments:
        return None
    first = main_destination(view)
    main = view.catchments[first]
    others = [each for i, each in enumerate(view.catchments) if i != first]
    changing = sorted((-_change(view, each), i) for i, each in enumerate(others))
    changing = [(change, i) for change, i in changing if change]
    chosen = sorted(i for _, i in changing[:_MULTIPLES])
    shown = [others[i] for i in chosen]
    colours = _colours(main, shown)
    weighted = bool(np.abs(main.shares(weighted=True) - main.shares()).max() > _WEIGHTED)
    rows = -(-len(shown) // _COLUMNS)
    foot = rows * (_MULTIPLE_IN + _BELOW_IN) + (0.25 if rows else 0.0)
    made = sheet(
        _title(view, main),
        _subtitle(view, main, len(shown), len(changing)),
        0.55 + foot + (1.8 if weighted else 0.0) + 2.85 + headroom(view, _WIDTH_IN),
    )
    base = 0.55 + foot
    if weighted:
        ax = made.axes(0.85, base, _WIDTH_IN, 1.5)
        _stack(ax, view, main, _bands(view, main, colours, weighted=True), labelled=True)
        ax.set_ylabel("of their weight, %")
        base += 1.8
    ax = made.axes(0.85, base, _WIDTH_IN, 2.5)
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
        name = names[rest[0]] if len(rest) == 1 else f"{len(rest)} other {_sites(view)}"
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
    seen = [i for i, band in enumerate(bands) if _lasts(view, each, band.shares > _TRACE)]
    important = sorted(seen, key=lambda i: (not fates[i], -float(shares[i].max()), i))[:room]
    end_labels(
        ax,
        [
            (
                float(middles[i]),
                f"{shortened(bands[i].name, 14)} {_history(view, each, bands[i].shares)}",
                bands[i].ink,
            )
            for i in sorted(important)
        ],
        gap_pt=_LABEL_PT,
    )


def _history(view: RunView, each: Catchments, shares: Floats) -> str:
    """Return a share in percent: first and last where these differ, else the last and its range.

    What does not last is not in the range: nobody would find it in the picture.
    """
    start, end = round(100 * float(shares[0])), round(100 * float(shares[-1]))
    upwards, held = np.argsort(shares, kind="stable"), each.held(view.phases.end_s)
    low, high = (round(100 * _first_lasting(shares[i], held[i])) for i in (upwards, upwards[::-1]))
    if start != end:
        return f"{start} → {end} %"
    return f"{end} %" if low == high else f"{end} % ({low}\N{EN DASH}{high})"


def _first_lasting(shares: Floats, held: Floats) -> float:
    """Return the first of ``shares`` that, with those before it, is there for long enough to be seen."""
    position = int(np.searchsorted(held.cumsum(), _LASTING))
    return float(shares[min(position, len(shares) - 1)])


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
    """One small stack: ASes at one destination; its title says between which sites it changed most."""
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
    """Return where most ASes were served first, what most met meanwhile and for long, and last."""
    shares = each.shares()
    more = shares - np.maximum(shares[:, :1], shares[:, -1:])
    meanwhile = [i for i, row in enumerate(more) if _lasts(view, each, row > _SEEN)]
    places = [
        int(np.argmax(shares[:, 0])),
        *sorted(meanwhile, key=lambda i: -float(more[i].clip(0) @ each.held(view.phases.end_s)))[:1],
        int(np.argmax(shares[:, -1])),
    ]
    names = pop_names(view, each.sites[places])
    told = [name for i, name in enumerate(names) if not i or name != names[i - 1]]
    if len(told) > 1:
        return " → ".join(told)
    gain = shares - shares[:, :1]
    most = int(np.argmax(gain.clip(0) @ each.held(view.phases.end_s)))
    return f"{told[0]}, up to {percent(float(shares[most].max()))} {pop_names(view, each.sites[[most]])[0]}"


def _lasts(view: RunView, each: Catchments, when: Bools) -> bool:
    """Tell whether what is there at the instants ``when`` can be seen."""
    return float(when @ each.held(view.phases.end_s)) >= _LASTING


def _change(view: RunView, each: Catchments) -> float:
    """Return which share of ASes is served otherwise than at the start, in the mean of the run.

    Nothing where it cannot be seen.
    """
    distance = each.distance
    is_seen = _lasts(view, each, distance > _SEEN)
    return float(distance @ each.held(view.phases.end_s)) if is_seen else 0.0


def _sites(view: RunView) -> str:
    return "POPs" if has_cdn(view) else "ASes"


def _title(view: RunView, main: Catchments) -> str:
    """State what an event moved, and who reached no site: of any prefix, where there is no CDN."""
    cdn = has_cdn(view)
    told = [main] if cdn else list(view.catchments)
    share, label, place = max((_most_moved(view, each) for each in told), key=lambda found: found[0])
    worst, lasts, where = max((_worst(view, each) for each in told), key=lambda found: found[:2])
    lost = ""
    if worst:
        lost = f"; {'at worst' if lasts else 'for a moment'} {percent(worst)} of ASes reached none"
        lost += f" at {where}" if len(told) > 1 else ""
    if share:
        at = f" at {place}" if len(told) > 1 else ""
        return f"“{label}” moved {percent(share)} of ASes to another {site_word(view)}{at}{lost}"
    nothing = "No event moved an AS from one POP to another" if cdn else "No event led packets to another AS"
    return f"{nothing}{lost}"


def _most_moved(view: RunView, each: Catchments) -> tuple[float, str, str]:
    """Return the largest share of ASes that an event moved to another site; the event; the destination."""
    reach = view.reach
    if reach is None or each.destination not in reach.destinations:
        return 0.0, "", each.destination
    code = reach.destinations.index(each.destination)
    moves = [(moved(reach, window.event, code), window.label) for window in windows(view)]
    most, label = max(moves, key=lambda move: move[0], default=(0, ""))
    return most / max(1, each.total), label, each.destination


def _worst(view: RunView, each: Catchments) -> tuple[float, bool, str]:
    """Return the largest share that reached no site, 0 for no more than at the start; whether that lasted."""
    without = each.shares()[~is_delivered(each.sites)].sum(axis=0)
    worst = float(without.max(initial=0.0))
    if worst <= float(without[0]):
        return 0.0, False, each.destination
    return worst, _lasts(view, each, without > worst / 2), each.destination


def _subtitle(view: RunView, main: Catchments, shown: int, changing: int) -> str:
    ases, others = count(main.total), len(view.catchments) - 1
    if has_cdn(view):
        at = "under plain anycast" if main.destination == "shared" else f"at {main.destination}"
        text = f"Top: the share of the {ases} ASes that each POP serves {at}, over time."
        rest = "at other service addresses"
    else:
        prefix = "the prefix" if main.destination == "shared" else main.destination
        text = f"Top: the share of the {ases} ASes whose packets to {prefix} each AS gets, over time."
        rest = "at other prefixes"
    if not others:
        return text
    if not shown:
        return f"{text} {rest[0].upper()}{rest[1:]}, {others} in all, nothing changed that could be seen."
    of = f"the {shown} that changed most" if shown < changing else f"{shown} that changed"
    return f"{text} Bottom: the same {rest}, {of} of {others}."
