"""The control plane at work: BGP messages over time, and which router changed its mind when."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.analysis.instants import JOINED, outcomes
from emulator.analysis.plots.episodes import PANELS, Episode, busiest, episodes, left_out
from emulator.analysis.plots.settling import (
    draw_settling,
    finish_settling,
    label_settling,
    messages_of,
    path_changes,
)
from emulator.analysis.plots.style import FAULT, INK, MUTED, SMALL_PT, end_labels, sheet, shortened
from emulator.analysis.plots.timeaxis import TimeUnit, time_unit
from emulator.analysis.wording import count, duration
from emulator.record.trace import BEST_PATH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.plots.settling import Messages, PathChanges
    from emulator.analysis.plots.style import Sheet
    from emulator.analysis.view import Floats, Ints, RunView
    from emulator.record.run import Json

ANNOUNCE: Final = "#0072b2"
WITHDRAW: Final = "#d55e00"
_BARS: Final = 240
"""Columns over all panels, at most."""
_SHORTEST_S: Final = 0.001
_ROUTERS: Final = 60
_CHANGES: Final = 20_000
_NUMBERED: Final = 400
_LEFT, _RIGHT, _BETWEEN = 0.85, 7.6, 0.2
_BELOW_IN: Final = 1.95


def draw_updates(view: RunView) -> Figure | None:
    """Draw announcements (up) and withdrawals (down) over time; None where nothing was sent or changed.

    A panel an episode; a bracket spans each episode's control-plane convergence.
    Where the run lists changes of best paths, panels below tell when these were final.
    """
    messages, changes = messages_of(view), path_changes(view)
    if messages is None:
        return None
    sent = messages.announcements + messages.withdrawals
    if sent.any() or changes is None:
        every = episodes(view, messages.at_s, sent)
    else:  # routers chose anew, and what they had to say of it was no news
        every = episodes(view, changes.at_s)
    shown = busiest(every)
    if not shown:
        return None
    below = 0.0 if changes is None else _BELOW_IN
    made = sheet(_title(view), _subtitle(messages, changes) + left_out(shown, every), 3.35 + below)
    panels = _panels(made, shown, (_LEFT, _RIGHT), 2.45, bottom=0.55 + below, last=changes is None)
    drawn = [_draw_bars(ax, unit, episode, messages, len(shown)) for ax, unit, episode in panels]
    _finish(panels, drawn, messages)
    lowest = panels
    if changes is not None:
        lowest = _panels(made, shown, (_LEFT, _RIGHT), _BELOW_IN - 0.66, titled=False)
        for i, (ax, unit, episode) in enumerate(lowest):
            draw_settling(ax, unit, episode, changes)
            finish_settling(ax, ticked=not i)
        label_settling(lowest[-1][0])
    for (ax, _, _), bars in zip(lowest, drawn, strict=True):
        gap = "\n" if len(lowest) == PANELS else " "
        ax.set_xlabel(f"{ax.get_xlabel()},{gap}bars of {duration(bars.width_s)}")
    return made.figure


def _subtitle(messages: Messages, changes: PathChanges | None) -> str:
    what = "BGP messages that all routers together sent" + (
        ", one prefix each" if messages.bin_s is None else ""
    )
    below = "" if changes is None else " Below: of all best paths that changed, those that were final."
    return (
        f"{what}. The bracket is control-plane convergence: from the event to the last change of a best "
        f"route.{below}"
    )


@dataclass(frozen=True, slots=True)
class _Bars:
    """What a panel's bars come to: the highest, announcements and withdrawals, and in all."""

    highest: tuple[float, float]
    messages: tuple[int, int]
    width_s: float


def _draw_bars(ax: Axes, unit: TimeUnit, episode: Episode, messages: Messages, panels: int) -> _Bars:
    """Draw one panel's bars, messages a bar or (from bins) a second."""
    width = _nice(max(episode.end_s - episode.start_s, _SHORTEST_S) / (_BARS / panels))
    if messages.bin_s is not None:
        width = math.ceil(max(width / messages.bin_s, 1) - 1e-6) * messages.bin_s
    edges = _edges(episode, width)
    at = messages.at_s + (1e-6 if messages.bin_s is not None else 0.0)  # bins begin on the edges of bars
    inside = (at >= edges[0]) & (at < edges[-1])
    counts = [
        np.histogram(at[inside], edges, weights=each[inside])[0]
        for each in (messages.announcements, messages.withdrawals)
    ]
    up, down = counts if messages.bin_s is None else [each / width for each in counts]
    x = (edges[:-1] - episode.start_s) / unit.seconds
    ax.bar(x, up, width / unit.seconds, align="edge", color=ANNOUNCE, zorder=3)
    ax.bar(x, -down, width / unit.seconds, align="edge", color=WITHDRAW, zorder=3)
    ax.axhline(0, color=INK, linewidth=0.8, zorder=4)
    return _Bars(
        (float(up.max()), float(down.max())), (round(counts[0].sum()), round(counts[1].sum())), width
    )


def _finish(panels: list[tuple[Axes, TimeUnit, Episode]], drawn: list[_Bars], messages: Messages) -> None:
    """Give all panels one scale, and say what it is and how many messages are drawn."""
    from matplotlib.ticker import MaxNLocator

    top = max(1.0, *(bars.highest[0] for bars in drawn))
    bottom = max(0.0, *(bars.highest[1] for bars in drawn))
    for i, (ax, unit, episode) in enumerate(panels):
        ax.set_ylim(-1.15 * max(bottom, 0.1 * top), 1.4 * top)
        ax.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
        if i:
            ax.tick_params(axis="y", labelleft=False)
        else:
            ax.set_ylabel("BGP messages per bar" if messages.bin_s is None else "BGP messages a second")
        _bracket(ax, unit, episode, 1.12 * top)
    announced, withdrawn = (sum(bars.messages[i] for bars in drawn) for i in (0, 1))
    end_labels(
        panels[-1][0],
        [
            (0.45 * top, f"{count(announced)}\nannounce-\nments", ANNOUNCE),
            (-0.6 * max(bottom, 0.1 * top), f"{count(withdrawn)}\nwithdrawals", WITHDRAW),
        ],
        gap_pt=40,
    )


def _panels(
    made: Sheet, shown: tuple[Episode, ...], sides: tuple[float, float], height: float, *,
    bottom: float = 0.55, titled: bool = True, last: bool = True,
) -> list[tuple[Axes, TimeUnit, Episode]]:  # fmt: skip
    """Axes side by side, each from a little before its episode to a little after it.

    ``sides`` in inches from the left; ``titled`` above, and ``last`` where nothing is drawn below.
    """
    left, right = sides
    width = (right - left - _BETWEEN * (len(shown) - 1)) / len(shown)
    panels = []
    for i, episode in enumerate(shown):
        ax = made.axes(left + i * (width + _BETWEEN), bottom, width, height)
        length = max(episode.end_s - episode.start_s, _SHORTEST_S)
        unit = time_unit(length)
        ax.set_xlim(-0.07 * length / unit.seconds, 1.09 * length / unit.seconds)
        origin = "the event" if episode.convergence_s is not None else duration(episode.start_s)
        if last:
            ax.set_xlabel(f"{unit.name} since {origin}")
        else:
            ax.tick_params(axis="x", labelbottom=False)
        ax.axvline(0, color=FAULT, linewidth=1.0, zorder=2)
        if titled:
            at = duration(episode.start_s) if episode.start_s else "at 0"
            ax.set_title(
                shortened(f"{at}: {episode.label}", int(width * 15)), loc="left", color=FAULT,
                fontsize=SMALL_PT, pad=5, parse_math=False,
            )  # fmt: skip
        panels.append((ax, unit, episode))
    return panels


def _nice(width: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(width, 1e-9)))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= width * 0.999)


def _edges(episode: Episode, width: float) -> Floats:
    bars = math.ceil((episode.end_s - episode.start_s) / width) + 1
    return np.arange(bars + 1, dtype=np.float64) * width + episode.start_s


def _bracket(ax: Axes, unit: TimeUnit, episode: Episode, height: float) -> None:
    took = (episode.convergence_s or 0.0) / unit.seconds
    if took <= 0:
        return
    what = "converged in" if episode.settled else "still changing after"
    ax.plot(
        (0, took), (height, height), color=MUTED, linewidth=1.2, marker="|", markersize=8, markeredgewidth=1.2
    )
    ax.annotate(
        f"{what} {duration(episode.convergence_s)}", (0, height), xytext=(4, 4), textcoords="offset points",
        color=INK, fontsize=SMALL_PT, fontweight="bold",
    )  # fmt: skip


def _title(view: RunView) -> str:
    summaries = outcomes(view, length=JOINED)
    if not summaries:
        return "BGP messages over time"
    slowest = max(summaries, key=lambda event: event["control_plane_convergence_s"] or 0.0)
    took = slowest["control_plane_convergence_s"] or 0.0
    if not took:
        return "No router changed a best route"
    about = f"“{slowest['label']}”"
    if not slowest.get("quiescent", True):
        return f"BGP was still busy {duration(took)} after {about}"
    return f"BGP settled {duration(took)} after {about}"


def draw_raster(view: RunView) -> Figure | None:
    """Draw a mark for every change of a best route, a row a router, a panel an episode.

    None beyond 60 routers, where the atlas does not list them, or without changes.
    """
    names = view.routers
    changes = _changes(view) if 0 < len(names) <= _ROUTERS else []
    if not changes:
        return None
    row = {name: i for i, name in enumerate(names)}
    at = np.array([change["at_s"] for change in changes])
    y = np.array([row.get(change["router"], 0) for change in changes])
    length = np.array([-1 if change["as_path"] is None else len(change["as_path"]) for change in changes])
    every = episodes(view, at)
    shown = busiest(every)
    drawn = sum(episode.activity for episode in shown)
    height = max(1.2, 0.24 * len(names))
    made = sheet(
        f"{count(drawn)} changes of a best route; the longest path tried had {length.max()} ASes",
        "A mark is a router that changed its best route: the number is the length of the new AS path, a "
        "cross means that no route was left. Of changes too close to tell apart the last is shown."
        + left_out(shown, every),
        0.95 + height,
    )
    left = 0.45 + 0.085 * max(len(shortened(name, 18)) for name in names)
    for i, (ax, unit, episode) in enumerate(_panels(made, shown, (left, 8.85), height)):
        inside = (at >= episode.start_s) & (at <= episode.end_s)
        x = (at[inside] - episode.start_s) / unit.seconds
        _draw_marks(ax, x, y[inside], length[inside], numbered=len(changes) <= _NUMBERED)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_yticks(
            range(len(names)), [shortened(name, 18) if not i else "" for name in names], parse_math=False
        )
    return made.figure


def _changes(view: RunView) -> list[Json]:
    """Changes of a best route after t = 0; none where they are too many to tell apart."""
    found: list[Json] = []
    for record in view.record.trace:
        if record["type"] == BEST_PATH and record["at_s"] >= 0:
            found.append(record)
            if len(found) > _CHANGES:
                return []
    return found


def _draw_marks(ax: Axes, x: Floats, y: Ints, length: Any, *, numbered: bool) -> None:  # noqa: ANN401 - an array
    kept = (
        _last_of_each_spot(x, y, 0.022 * float(np.diff(ax.get_xlim())[0])) if numbered else np.arange(len(x))
    )
    x, y, length = x[kept], y[kept], length[kept]
    gone = length < 0
    ax.scatter(x[~gone], y[~gone], s=95 if numbered else 14, color=ANNOUNCE, linewidths=0, zorder=3)
    ax.scatter(x[gone], y[gone], s=42, marker="x", color=WITHDRAW, linewidths=2.0, zorder=4)
    if numbered:
        for px, py, hops in zip(x[~gone], y[~gone], length[~gone], strict=True):
            ax.text(
                px,
                py,
                str(hops),
                color="white",
                fontsize=7,
                ha="center",
                va="center_baseline",
                fontweight="bold",
                zorder=5,
            )


def _last_of_each_spot(x: Floats, y: Ints, near: float) -> Ints:
    """Return the positions of the marks that no later mark of their row is within ``near`` of."""
    next_x: dict[int, float] = {}
    kept = []
    for i in range(len(x) - 1, -1, -1):
        if x[i] < next_x.get(int(y[i]), np.inf) - near:
            kept.append(i)
            next_x[int(y[i])] = float(x[i])
    return np.array(kept[::-1], np.int64)
