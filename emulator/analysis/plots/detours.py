"""What an event did to the RTT of the ASes whose path it changed: before against after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.graphview import windows
from emulator.analysis.plots.connectivity import LOOKS
from emulator.analysis.plots.style import INK, MUTED, sheet, shortened
from emulator.analysis.wording import NO_BREAK, count, milliseconds, percent

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
_TICKS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_PANEL_IN, _ROW_IN = 2.3, 3.15


@dataclass(frozen=True, slots=True, eq=False)
class _Shift:
    """RTTs (ms) of the ASes that had a path before and have another one after an event."""

    kind: str
    before: Floats
    after: Floats
    elsewhere: int
    """How many of them another POP serves."""


def draw_detours(view: RunView) -> Figure | None:
    """Draw RTT before against after, a column an event, a row a kind of address; None without any."""
    reach = view.reach
    if reach is None:
        return None
    every = [(window, _shifts(reach, window)) for window in windows(view)]
    found = [(window, shifts) for window, shifts in every if shifts]
    if not found:
        return None
    found.sort(key=lambda each: (each[0].is_repair, -max(len(shift.before) for shift in each[1].values())))
    shown = sorted(found[:_COLUMNS], key=lambda each: each[0].at_s)
    kinds = [kind for kind in reach.kinds if any(kind in shifts for _, shifts in shown)][:_ROWS]
    limits = _limits([shifts[kind] for _, shifts in shown for kind in kinds if kind in shifts])
    made = sheet(
        _title(shown),
        "RTT (propagation, both ways) of ASes whose path changed, before the event and when the next one "
        "came. The darker a square, the more; above the diagonal the path is longer than before.",
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
                _panel(ax, shifts[kind], limits)
            else:
                ax.text(0.5, 0.5, "no path changed", transform=ax.transAxes, color=MUTED, ha="center")
    return made.figure


def _shifts(reach: Reach, window: Window) -> dict[str, _Shift]:
    """Return by kind the ASes that have a path both before and after, and not the same."""
    both = np.isfinite(reach.rtt_before_ms) & np.isfinite(reach.rtt_after_ms) & (reach.event == window.event)
    other = reach.before != reach.after
    found = {}
    for i, kind in enumerate(reach.kinds):
        rows = np.flatnonzero(both & (reach.kind == i))
        before, after = reach.rtt_before_ms[rows], reach.rtt_after_ms[rows]
        changed = other[rows] | (np.abs(after - before) > _SAME_MS)
        if changed.any():
            found[kind] = _Shift(kind, before[changed], after[changed], int(other[rows].sum()))
    return found


def _limits(shifts: list[_Shift]) -> tuple[float, float]:
    """Return limits (ms) that leave out the extreme per mille on both sides."""
    values = np.concatenate([np.concatenate([shift.before, shift.after]) for shift in shifts])
    low, high = np.quantile(np.maximum(values, 0.1), (0.001, 0.999))
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


def _panel(ax: Axes, shift: _Shift, limits: tuple[float, float]) -> None:
    """Draw one density and say what it comes to."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    edges = np.geomspace(*limits, _CELLS + 1)
    counts = np.histogram2d(np.clip(shift.before, *limits), np.clip(shift.after, *limits), edges)[0]
    x, y = np.nonzero(counts)
    centre = np.sqrt(edges[:-1] * edges[1:])
    colour = LOOKS[shift.kind].colour
    scale = [_mixed(colour, 1.0, 0.72), _mixed(colour, 1.0, 0.0), _mixed(colour, 0.0, 0.55)]
    shades = LinearSegmentedColormap.from_list("shades", scale)
    ax.scatter(
        centre[x], centre[y], c=counts[x, y], s=(72 * _PANEL_IN / _CELLS) ** 2, marker="s", linewidths=0,
        cmap=shades, norm=LogNorm(1, max(2.0, float(counts.max()))), zorder=3,
    )  # fmt: skip
    longer = float((shift.after > shift.before + _SAME_MS).mean())
    before, after = float(np.median(shift.before)), float(np.median(shift.after))
    paths = "path" if len(shift.before) == 1 else "paths"
    many = (
        f"{count(len(shift.before))} {paths}, {percent(shift.elsewhere / len(shift.before))} to another POP"
    )
    ax.set_title(
        f"{many}\nmedian {before:.0f} → {milliseconds(after)}, {percent(longer)} longer", loc="left",
        fontsize=8.0, color=INK, pad=3, linespacing=1.15,
    )  # fmt: skip


def _mixed(colour: str, grey: float, by: float) -> tuple[float, float, float]:
    """Return ``colour`` with a part ``by`` of it replaced by ``grey``: 0 for black, 1 for white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (part * (1 - by) + grey * by for part in to_rgb(colour))
    return red, green, blue


def _title(shown: list[tuple[Window, dict[str, _Shift]]]) -> str:
    """State the largest change of a median, at the first kind that has one."""
    first = next(kind for kind in LOOKS if any(kind in shifts for _, shifts in shown))
    candidates = [(window, shifts[first]) for window, shifts in shown if first in shifts]
    window, shift = max(candidates, key=lambda each: (len(each[1].before), -each[0].at_s))
    before, after = float(np.median(shift.before)), float(np.median(shift.after))
    return (
        f"“{shortened(window.label, 50)}” changed {count(len(shift.before))} "
        f"{'path' if len(shift.before) == 1 else 'paths'} to {first}: "
        f"median RTT {before:.0f}{NO_BREAK}→{NO_BREAK}{milliseconds(after)}"
    )
