"""How long until service was back: the share of affected client groups that had recovered by then."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.plots.style import MUTED, SMALL_PT, WIDTH_IN, end_labels, looks, sheet
from emulator.analysis.wording import recovery_finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.view import Floats, RunView

_TICKS: Final = {
    0.0001: "0.1 ms", 0.001: "1 ms", 0.01: "10 ms", 0.03: "30 ms", 0.1: "0.1 s", 0.3: "0.3 s", 1: "1 s",
    3: "3 s", 10: "10 s", 30: "30 s",
    60: "1 min", 120: "2 min", 300: "5 min", 600: "10 min", 1200: "20 min", 3600: "1 h", 7200: "2 h",
    21600: "6 h", 86400: "1 d",
}  # fmt: skip
_APART_IN: Final = 0.4
"""Ticks closer than that would have their labels touch."""


def draw_reconvergence(view: RunView) -> Figure | None:
    """Draw the ECDF of service reconvergence by strategy; None where no group was affected.

    A group that had not recovered when the run ended is counted and never
    drawn: its strategy's curve stays below 100 %.
    """
    found = {name: found for name, found in view.reconvergence.items() if len(found.groups)}
    if not found or view.phases.fault_s is None:
        return None
    made = sheet(
        recovery_finding(view.record.summary["strategies"]),
        "Service reconvergence: from the fault to a group's first success that no failure follows. Groups: "
        "those with a failed or slow request. Where a curve stays below 100 %, some never recovered.",
        3.6,
    )
    ax = made.axes(0.85, 0.55, 6.1, 2.75)
    watched = view.phases.end_s - view.phases.fault_s
    finite = np.concatenate([f.seconds[np.isfinite(f.seconds)] for f in found.values()])
    low = max(0.005, float(finite.min()) / 1.6) if len(finite) else 1.0
    log_time_axis(ax, low, watched, "time since the fault (log scale)")
    ends = []
    for name, look in looks(view.kinds).items():
        if name not in found:
            ends.append((0.0, f"{name}: none affected", look.colour))
            continue
        x, y = _ecdf(found[name].seconds, low, watched)
        ax.step(x, y, where="post", color=look.colour, linestyle=look.dashes, zorder=3 + look.order)
        ends.append((float(y[-1]), f"{name}: {_recovered(found[name].seconds)}", look.colour))
    ax.set_ylim(0, 103)
    ax.set_ylabel("affected client groups with service back, %")
    ax.axvline(watched, color=MUTED, linewidth=1.0, clip_on=False)
    ax.text(
        1.0, 1.02, "run ends", transform=ax.transAxes, color=MUTED, fontsize=SMALL_PT, ha="right", va="bottom"
    )
    end_labels(ax, ends)
    return made.figure


def _recovered(seconds: Floats) -> str:
    back = int(np.isfinite(seconds).sum())
    return f"all {back}" if back == len(seconds) else f"{back} of {len(seconds)}"


def _ecdf(seconds: Floats, low: float, end: float) -> tuple[Floats, Floats]:
    recovered = np.sort(seconds[np.isfinite(seconds)])
    share = 100 * np.arange(1, len(recovered) + 1) / len(seconds)
    last = share[-1] if len(share) else 0.0
    return np.concatenate([[low], np.maximum(recovered, low), [end]]), np.concatenate([[0.0], share, [last]])


def log_time_axis(ax: Axes, low: float, high: float, label: str) -> None:
    """Make ``ax``'s x axis one of times from ``low`` to ``high`` seconds, by their logarithm."""
    from matplotlib.ticker import FixedLocator, NullLocator

    high = max(high, 2 * low)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    width = WIDTH_IN * float(ax.get_position().width)
    shown: list[float] = []
    for tick in _TICKS:
        apart = width * math.log(tick / shown[-1]) / math.log(high / low) if shown else math.inf
        if low <= tick <= 0.93 * high and apart > _APART_IN:
            shown.append(tick)
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.xaxis.set_major_formatter(
        lambda value, _: _TICKS.get(min(_TICKS, key=lambda tick: abs(tick - value)), "")
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(label)
