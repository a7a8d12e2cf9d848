"""Did requests work: the share that succeeded, and the share that took a retry, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.analysis.plots.style import end_labels, looks, sheet
from emulator.analysis.plots.timeaxis import headroom, mark_events, time_axis
from emulator.analysis.wording import lost_finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.view import Floats, Ints, RunView

_COLUMNS = 700


def draw_success(view: RunView) -> Figure | None:
    """Draw success and slow shares by strategy; None where the run has no requests."""
    if not view.strategies:
        return None
    made = sheet(
        lost_finding(view.record.summary["strategies"]),
        "Top: requests that succeeded in the end. Bottom: those that needed a retry or a retransmission.",
        4.35 + headroom(view, 6.75),
    )
    top, bottom = made.axes(0.85, 2.0, 6.75, 2.1), made.axes(0.85, 0.55, 6.75, 1.2)
    step = max(1, len(view.by_second[view.strategies[0]]["requests"]) // _COLUMNS)
    series = {name: _shares(view, name, step) for name in view.strategies}
    for ax, row, what in ((top, 1, "succeeded,\n% of requests"), (bottom, 2, "slow,\n% of requests")):
        unit = time_axis(ax, view, labelled=ax is bottom)
        for name, look in looks(view.kinds).items():
            x, y = series[name][0] / unit.seconds, series[name][row]
            ax.plot(x, y, color=look.colour, linestyle=look.dashes, zorder=3 + look.order)
        ax.set_ylabel(what)
        _limits(ax, np.concatenate([s[row] for s in series.values()]), at_top=row == 1)
        mark_events(ax, view, unit, labelled=ax is top)
        end_labels(ax, [(series[n][row][-1], n, look.colour) for n, look in looks(view.kinds).items()])
    return made.figure


def _shares(view: RunView, strategy: str, step: int) -> tuple[Floats, Floats, Floats]:
    """Return window centres (s), and success and slow shares (%); NaN where nothing was asked."""
    counts = view.by_second[strategy]
    requests = _windows(counts["requests"], step)
    with np.errstate(invalid="ignore", divide="ignore"):
        succeeded = 100 * _windows(counts["good"] + counts["slow"], step) / requests
        slow = 100 * _windows(counts["slow"], step) / requests
    return np.arange(len(requests), dtype=np.float64) * step + 0.5 * step, succeeded, slow


def _windows(counts: Ints, step: int) -> Floats:
    whole = len(counts) // step * step
    return np.asarray(counts[:whole].reshape(-1, step).sum(axis=1), np.float64)


def _limits(ax: Axes, values: Floats, *, at_top: bool) -> None:
    """Show at least one percent, with some air; a share never leaves [0, 100]."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 100.0)
    if at_top:
        span = max(1.0, 100 - low)
        ax.set_ylim(max(-1.0, 100 - 1.12 * span), 100 + 0.05 * span)
    else:
        span = max(1.0, high)
        ax.set_ylim(-0.04 * span, min(102.0, 1.12 * span))
