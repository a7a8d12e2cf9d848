"""Where it got tight: the POPs and links whose utilisation was notable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.plots.style import INK, SMALL_PT, end_labels, looks, sheet, shortened
from emulator.analysis.plots.timeaxis import mark_events, time_axis
from emulator.analysis.view import distinct, text_codes
from emulator.analysis.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from emulator.analysis.view import Floats, Ints, RunView

NOTABLE: Final = 0.7
"""Utilisation from which queues grow visibly; below it there is nothing to see."""
_PANELS: Final = 3


def draw_load(view: RunView) -> Figure | None:
    """Draw the utilisation of the tightest POPs and links by strategy; None where nothing was notable."""
    table = view.table("load")
    if table is None:
        return None
    utilisation = np.asarray(table["utilisation"], float)
    labels = [f"{kind} {name}" for kind, name in zip(table["kind"], table["name"], strict=True)]
    names = distinct(labels)
    place = text_codes(labels, names)
    peak = np.zeros(len(names))
    np.maximum.at(peak, place, utilisation)
    tightest = [int(i) for i in np.argsort(-peak, kind="stable")[:_PANELS] if peak[i] >= NOTABLE]
    if not tightest:
        return None
    over = int((peak > 1).sum())
    title = f"{over} of {len(names)} POPs and links were overloaded" if over else "Nothing was overloaded"
    title += f"; the tightest, {names[tightest[0]]}, reached {percent(peak[tightest[0]])} of its capacity"
    made = sheet(
        title,
        "Utilisation: offered load over capacity, by strategy. Above 100 % the excess is dropped.",
        0.42 + 1.45 * len(tightest),
    )
    codes = text_codes(table["strategy"], view.strategies)
    second = np.asarray(table["second"], np.int64)
    styles = looks(view.kinds)
    for row, i in enumerate(tightest):
        ax = made.axes(0.85, 0.55 + 1.45 * (len(tightest) - 1 - row), 6.75, 1.0)
        unit = time_axis(ax, view, labelled=row == len(tightest) - 1)
        ends = []
        for code, (name, look) in enumerate(styles.items()):
            x, y = _series(second, utilisation, (codes == code) & (place == i))
            if len(x):
                ax.plot(x / unit.seconds, y, color=look.colour, linestyle=look.dashes, zorder=3 + look.order)
                ends.append((float(y[-1]), name, look.colour))
        ax.set_ylim(0, max(110.0, 108 * float(peak[i])))
        ax.axhline(100, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
        ax.set_ylabel("utilisation, %")
        ax.set_title(
            shortened(names[i], 70),
            loc="left",
            fontsize=SMALL_PT,
            fontweight="bold",
            pad=4,
            parse_math=False,
        )
        mark_events(ax, view, unit, labelled=False)
        end_labels(ax, ends)
    return made.figure


def _series(second: Ints, utilisation: Floats, rows: Ints) -> tuple[Ints, Floats]:
    wanted = np.flatnonzero(rows)
    order = wanted[np.argsort(second[wanted], kind="stable")]
    return second[order], 100 * utilisation[order]
