"""What an event did to the RTT of the ASes whose path it changed: before against after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.graphview import site_word, windows
from emulator.analysis.plots.connectivity import looks_of
from emulator.analysis.plots.style import INK, MUTED, PAPER, sheet, shortened
from emulator.analysis.wording import NO_BREAK, count, listed, milliseconds, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.graphview import Reach, Window
    from emulator.analysis.view import Floats, RunView

_COLUMNS: Final = 3
_ROWS: Final = 2
_CELLS: Final = 44
"""Squares a side that ASes are counted in."""
_SAME_MS: Final = 0.05
"""RTTs that differ by less are the same."""
_ROOM: Final = 1.5
"""Axes hold every path where they are at most so many times as long (on their log scale) for it."""
_TICKS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_PANEL_IN, _ROW_IN = 2.3, 3.15


@dataclass(frozen=True, slots=True, eq=False)
class _Shift:
    """What an event did to paths: RTTs (ms) of the ASes that had one before and have another one after."""

    kind: str
    before: Floats
    after: Floats
    elsewhere: int
    """How many of them another site serves."""
    gone: int
    """Paths before, and none after."""
    new: int
    """Paths after, and none before."""


def draw_detours(view: RunView) -> Figure | None:
    """Draw RTT before against after, a column an event, a row a kind of address; None without any."""
    reach = view.reach
    if reach is None:
        return None
    every = [(window, _shifts(reach, window)) for window in windows(view)]
    found = [(window, shifts) for window, shifts in every if shifts]
    if not any(len(shift.before) for _, shifts in found for shift in shifts.values()):
        return None
    found.sort(key=lambda each: _place(*each))
    shown = sorted(found[:_COLUMNS], key=lambda each: each[0].at_s)
    changed = [
        kind
        for kind in reach.kinds
        if any(kind in shifts and len(shifts[kind].before) for _, shifts in shown)
    ]
    kinds = changed[:_ROWS]
    styles, site = looks_of(reach.kinds), site_word(view)
    limits = _limits([shifts[kind] for _, shifts in shown for kind in kinds if kind in shifts])
    made = sheet(
        _title(shown, changed[0]),
        "RTT (propagation, both ways) of ASes whose path changed, before the event and when the next one "
        "came. The darker a square, the more; above the diagonal the path is longer than before."
        + _left_out(len(found) - len(shown), changed[_ROWS:]),
        len(kinds) * _ROW_IN + 0.1,
    )
    for column, (window, shifts) in enumerate(shown):
        left = 0.75 + column * 2.85
        made.note(
            left, len(kinds) * _ROW_IN - 0.07, shortened(window.label, 32), color=INK, fontweight="bold",
            parse_math=False,
        )  # fmt: skip
        for row, kind in enumerate(kinds):
            ax = made.axes(left, (len(kinds) - 1 - row) * _ROW_IN + 0.5, _PANEL_IN, _PANEL_IN - 0.05)
            _axes(ax, limits)
            ax.set_ylabel(f"{kind}: RTT after, ms" if not column else "")
            if kind in shifts:
                _panel(ax, shifts[kind], limits, styles[kind].colour, site)
            else:
                _say(ax, "no path changed")
    return made.figure


def _left_out(events: int, kinds: list[str]) -> str:
    """Say what there was no room for; nothing where all is drawn."""
    parts = [f"{events} {'event' if events == 1 else 'events'} with fewer paths to draw"] if events else []
    parts += kinds
    return f" Left out: {listed(parts)}." if parts else ""


def _place(window: Window, shifts: dict[str, _Shift]) -> tuple[bool, bool, int, int]:
    """Return what events are sorted by: faults with most paths to draw first, those with none last."""
    drawn = max(len(shift.before) for shift in shifts.values())
    others = max(shift.gone + shift.new for shift in shifts.values())
    return not drawn, window.is_repair, -drawn, -others


def _shifts(reach: Reach, window: Window) -> dict[str, _Shift]:
    """Return by kind what became of the paths of ASes, where anything did."""
    mine = reach.event == window.event
    had, has = np.isfinite(reach.rtt_before_ms), np.isfinite(reach.rtt_after_ms)
    both = had & has & mine
    other = reach.before != reach.after
    found = {}
    for i, kind in enumerate(reach.kinds):
        rows = np.flatnonzero(both & (reach.kind == i))
        before, after = reach.rtt_before_ms[rows], reach.rtt_after_ms[rows]
        changed = other[rows] | (np.abs(after - before) > _SAME_MS)
        its = mine & (reach.kind == i)
        gone, new = int((its & had & ~has).sum()), int((its & has & ~had).sum())
        if changed.any() or gone or new:
            found[kind] = _Shift(kind, before[changed], after[changed], int(other[rows].sum()), gone, new)
    return found


def _limits(shifts: list[_Shift]) -> tuple[float, float]:
    """Return limits (ms); they leave out the extreme per mille on both sides where that gives much room."""
    values = np.concatenate([np.concatenate([shift.before, shift.after]) for shift in shifts])
    values = np.maximum(values, 0.1)
    low, high = np.quantile(values, (0.001, 0.999))
    if values.max() / values.min() < (high / low) ** _ROOM:
        low, high = values.min(), values.max()
    return float(0.85 * low), float(max(1.15 * high, 2 * low))


def _axes(ax: Axes, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    for axis, scale, limit in (
        (ax.xaxis, ax.set_xscale, ax.set_xlim),
        (ax.yaxis, ax.set_yscale, ax.set_ylim),
    ):
        scale("log")
        limit(*limits)
        axis.set_major_locator(FixedLocator([tick for tick in _TICKS_MS if limits[0] <= tick <= limits[1]]))
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_locator(NullLocator())
    ax.plot(limits, limits, color=MUTED, linewidth=0.9, zorder=2)
    ax.set_xlabel("RTT before, ms")


def _panel(ax: Axes, shift: _Shift, limits: tuple[float, float], colour: str, site: str) -> None:
    """Draw one density and say what it comes to, and what is not in it."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    told = [f"{count(n)} {_paths(n)} {what}" for n, what in ((shift.gone, "gone"), (shift.new, "new")) if n]
    if not len(shift.before):
        _say(ax, "\n".join(told))
        return
    beyond = (np.minimum(shift.before, shift.after) < limits[0]) | (
        np.maximum(shift.before, shift.after) > limits[1]
    )
    if beyond.any():
        outside = int(beyond.sum())
        told.append(f"{count(outside)} {_paths(outside)} beyond the axes,\ndrawn on the edge")
    edges = np.geomspace(*limits, _CELLS + 1)
    counts = np.histogram2d(np.clip(shift.before, *limits), np.clip(shift.after, *limits), edges)[0]
    x, y = np.nonzero(counts)
    centre = np.sqrt(edges[:-1] * edges[1:])
    scale = [_mixed(colour, 1.0, 0.72), _mixed(colour, 1.0, 0.0), _mixed(colour, 0.0, 0.55)]
    shades = LinearSegmentedColormap.from_list("shades", scale)
    ax.scatter(
        centre[x], centre[y], c=counts[x, y], s=(72 * _PANEL_IN / _CELLS) ** 2, marker="s", linewidths=0,
        cmap=shades, norm=LogNorm(1, max(2.0, float(counts.max()))), zorder=3,
    )  # fmt: skip
    longer = float((shift.after > shift.before + _SAME_MS).mean())
    before, after = float(np.median(shift.before)), float(np.median(shift.after))
    many = (
        f"{count(len(shift.before))} {_paths(len(shift.before))}, "
        f"{percent(shift.elsewhere / len(shift.before))} to another {site}"
    )
    corner = (0.97, 0.03, "right", "bottom") if after >= before else (0.03, 0.97, "left", "top")
    ax.text(
        *corner[:2], "\n".join(told), transform=ax.transAxes, color=MUTED, fontsize=8.0, ha=corner[2],
        va=corner[3], linespacing=1.15, zorder=4,
    )  # fmt: skip
    ax.set_title(
        f"{many}\nmedian {before:.0f} → {milliseconds(after)}, {percent(longer)} longer", loc="left",
        fontsize=8.0, color=INK, pad=3, linespacing=1.15,
    )  # fmt: skip


def _say(ax: Axes, text: str) -> None:
    """Write what there is to say of axes without squares."""
    ax.text(
        0.5, 0.5, text, transform=ax.transAxes, color=MUTED, ha="center", va="center",
        bbox={"facecolor": PAPER, "linewidth": 0, "pad": 2.0},
    )  # fmt: skip


def _paths(many: int) -> str:
    return "path" if many == 1 else "paths"


def _mixed(colour: str, grey: float, by: float) -> tuple[float, float, float]:
    """Return ``colour`` with a part ``by`` of it replaced by ``grey``: 0 for black, 1 for white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (part * (1 - by) + grey * by for part in to_rgb(colour))
    return red, green, blue


def _title(shown: list[tuple[Window, dict[str, _Shift]]], kind: str) -> str:
    """State the change of the median after the event that changed most paths to addresses of ``kind``."""
    candidates = [(window, shifts[kind]) for window, shifts in shown if kind in shifts]
    window, shift = max(candidates, key=lambda each: (len(each[1].before), -each[0].at_s))
    before, after = float(np.median(shift.before)), float(np.median(shift.after))
    return (
        f"“{shortened(window.label, 60)}” changed {count(len(shift.before))} "
        f"{_paths(len(shift.before))} to {kind}: "
        f"median RTT {before:.0f}{NO_BREAK}→{NO_BREAK}{milliseconds(after)}"
    )
