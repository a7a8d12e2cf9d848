"""How fast requests were: RTT quantiles over time, and RTT distributions by phase."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.metrics import RTT_QUANTILES
from emulator.analysis.plots.style import INK, MUTED, SMALL_PT, end_labels, key_line, looks, sheet
from emulator.analysis.plots.timeaxis import headroom, mark_events, time_axis
from emulator.analysis.view import PHASES, histogram_quantile_ms, rtt_edges_ms
from emulator.analysis.wording import duration, milliseconds, rtt_finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.view import Floats, RunView

_MEANING: Final = {"p50": "half are faster", "p90": "9 in 10 are faster", "p99": "99 in 100 are faster"}
_TICKS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def draw_rtt(view: RunView) -> Figure | None:
    """Draw p50, p90 and p99 of the RTT over time, one panel each; None where nothing succeeded."""
    if not view.rtt_windows:
        return None
    window = view.rtt_window_s
    made = sheet(
        rtt_finding(view.record.summary["strategies"], view.phases.present),
        f"Round-trip time of successful requests in windows of {window} s. Each panel has its own scale.",
        5.5 + headroom(view, 6.65),
    )
    styles = looks(view.kinds)
    for row, (name, q) in enumerate(RTT_QUANTILES.items()):
        ax = made.axes(0.95, 0.55 + 1.66 * (2 - row), 6.65, 1.38)
        unit = time_axis(ax, view, labelled=row == len(RTT_QUANTILES) - 1)
        ends = []
        everything = []
        for strategy, look in styles.items():
            values = np.array([histogram_quantile_ms(counts, q) for counts in view.rtt_windows[strategy]])
            x = (np.arange(len(values)) + 0.5) * window / unit.seconds
            ax.plot(x, values, color=look.colour, linestyle=look.dashes, zorder=3 + look.order)
            everything.append(values)
            if np.isfinite(values).any():
                ends.append((float(values[np.isfinite(values)][-1]), strategy, look.colour))
        _rtt_limits(ax, np.concatenate(everything))
        mark_events(ax, view, unit, labelled=row == 0)
        ax.set_ylabel(f"{_MEANING[name]}\n{name} of RTT, ms")
        end_labels(ax, ends)
    return made.figure


def _rtt_limits(ax: Axes, values: Floats) -> None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return
    low, high = float(finite.min()), float(finite.max())
    pad = max(0.12 * (high - low), 0.04 * high)
    ax.set_ylim(max(0.0, low - pad), high + pad)


def draw_rtt_cdf(view: RunView) -> Figure | None:
    """Draw the RTT's cumulative distribution, a panel a phase, a line a strategy."""
    if not view.rtt_phases:
        return None
    phases = [phase for phase in view.phases.present if _any_requests(view, PHASES.index(phase))]
    if not phases:
        return None
    made = sheet(_cdf_title(view, phases), _cdf_subtitle(view, phases), 3.65)
    styles = looks(view.kinds)
    limits = _shared_limits(view)
    width = (8.2 - 0.25 * (len(phases) - 1)) / len(phases)
    for column, phase in enumerate(phases):
        ax = made.axes(0.65 + column * (width + 0.25), 0.55, width, 2.62)
        for strategy, look in styles.items():
            x, y = _cdf(view, strategy, PHASES.index(phase))
            ax.plot(x, y, color=look.colour, linestyle=look.dashes, zorder=3 + look.order)
        _log_ms_axis(ax, *limits)
        ax.set_ylim(0, 101)
        ax.set_yticks((0, 25, 50, 75, 90, 100))
        ax.set_title(phase, loc="left", fontsize=SMALL_PT, fontweight="bold", color=INK, pad=4)
        if column:
            ax.tick_params(axis="y", labelleft=False)
        else:
            ax.set_ylabel("requests that are faster, %")
        ax.axhline(50, color=MUTED, linewidth=0.7, zorder=2)
    key_line(made, 0.65, 3.42, [(name, look.colour, look.dashes) for name, look in styles.items()])
    return made.figure


def _any_requests(view: RunView, phase: int) -> bool:
    return any(int(histograms[phase].sum()) for histograms in view.rtt_phases.values())


def _cdf(view: RunView, strategy: str, phase: int) -> tuple[Floats, Floats]:
    counts = view.rtt_phases[strategy][phase]
    cumulative = np.concatenate([[0], np.cumsum(counts)]).astype(float)
    if cumulative[-1]:
        cumulative *= 100 / cumulative[-1]
    used = np.flatnonzero(counts)
    span = slice(used[0], used[-1] + 2) if len(used) else slice(0, 0)
    return rtt_edges_ms()[span], cumulative[span]


def _shared_limits(view: RunView) -> tuple[float, float]:
    """RTT limits (ms) that leave out the extreme half per mille on both sides."""
    total = np.sum([histograms.sum(axis=0) for histograms in view.rtt_phases.values()], axis=0)
    return 0.9 * histogram_quantile_ms(total, 0.0005), 1.1 * histogram_quantile_ms(total, 0.9995)


def _log_ms_axis(ax: Axes, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    ax.set_xscale("log")
    ax.set_xlim(low, max(high, 1.5 * low))
    shown = [tick for tick in _TICKS_MS if low <= tick <= high]
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("RTT, ms (log scale)")


def _cdf_title(view: RunView, phases: list[str]) -> str:
    strategies = view.record.summary["strategies"]
    medians = {name: metrics["rtt_ms"][phases[-1]]["p50"] for name, metrics in strategies.items()}
    parts = [
        f"{name} {milliseconds(value)}" for name, value in medians.items() if value and not math.isnan(value)
    ]
    when = "" if phases[-1] == "before" else f" {phases[-1]} the fault"
    return f"Median RTT{when}: {', '.join(parts)}"


def _cdf_subtitle(view: RunView, phases: list[str]) -> str:
    text = "Successful requests by round-trip time; further left is faster."
    if "during" in phases:
        text += f" During: the first {duration(view.phases.during_end_s - (view.phases.fault_s or 0))}."
    return text
