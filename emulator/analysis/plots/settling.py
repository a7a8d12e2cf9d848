"""Messages by time, from whatever table tells of all of them, and when routers had their final paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.plots.style import INK, MUTED, SMALL_PT, end_labels
from emulator.analysis.view import distinct, text_codes
from emulator.analysis.wording import count, duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emulator.analysis.plots.episodes import Episode
    from emulator.analysis.plots.timeaxis import TimeUnit
    from emulator.analysis.view import Floats, Ints, RunView

FINAL: Final = "#004c6d"
FIRST: Final = "#56b4e9"
_CORNERS: Final = 800
"""A curve has about so many steps at most."""
_QUANTILES: Final = {"p50": 0.5, "p99": 0.99}


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """BGP messages in time order, one or many an entry."""

    at_s: Floats
    announcements: Ints
    withdrawals: Ints
    bin_s: float | None
    """How long the stretch is that an entry stands for, from its instant on; None where it is one message."""


def messages_of(view: RunView) -> Messages | None:
    """Return the messages of all routers: single ones where each is in `updates`, else from `rates`.

    A bin of `rates` in which an event falls counts from that event on.
    """
    updates, rates = view.table("updates"), view.table("rates")
    listed = 0 if updates is None else len(updates["at_s"])
    if rates is not None:
        up, down = (np.asarray(rates[name], np.int64) for name in ("announcements", "withdrawals"))
        if int(up.sum() + down.sum()) > listed:
            at, until = np.asarray(rates["at_s"], np.float64), np.asarray(rates["until_s"], np.float64)
            starts = np.array(sorted({float(event["at_s"]) for event in view.events}))
            if len(starts):
                inside = starts[np.clip(np.searchsorted(starts, until) - 1, 0, None)]
                at = np.where((inside > at) & (inside < until), inside, at)
            return Messages(at, up, down, float((until - at).max()))
    if updates is None:
        none = np.zeros(0, np.int64)
        return None if view.table("best_paths") is None else Messages(np.zeros(0), none, none, None)
    withdrawal = np.asarray(updates["withdrawal"], bool)
    return Messages(
        np.asarray(updates["at_s"], np.float64),
        (~withdrawal).astype(np.int64),
        withdrawal.astype(np.int64),
        None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class PathChanges:
    """The table `best_paths`: when which router changed its best path to which prefix, in time order."""

    at_s: Floats
    route: Ints
    """A number for each pair of a router and a prefix."""


def path_changes(view: RunView) -> PathChanges | None:
    """Return every change of a best path; None where the run does not list them."""
    table = view.table("best_paths")
    if table is None:
        return None
    names = distinct(table["prefix"])
    route = np.asarray(table["router"], np.int64) * len(names) + text_codes(table["prefix"], names)
    return PathChanges(np.asarray(table["at_s"], np.float64), route)


def draw_settling(ax: Axes, unit: TimeUnit, episode: Episode, changes: PathChanges) -> int:
    """Draw which share of the routes that changed had moved at all, and had become final; return how many."""
    low, high = np.searchsorted(changes.at_s, (episode.start_s, episode.end_s + 1e-9))
    at, route = changes.at_s[low:high] - episode.start_s, changes.route[low:high]
    if not len(at):
        ax.text(0.5, 0.5, "no path changed", transform=ax.transAxes, color=MUTED, ha="center", va="center")
        return 0
    first, final = _first_and_last(at, route)
    right = ax.get_xlim()[1]
    for times, colour, dashes in ((first, FIRST, (0, (3, 1.6))), (final, FINAL, "solid")):
        x, y = _curve(times)
        ax.step(
            np.concatenate([[0.0], x / unit.seconds, [right]]), np.concatenate([[0.0], y, [100.0]]),
            where="post", color=colour, linestyle=dashes, zorder=3,
        )  # fmt: skip
    told = ", ".join(
        f"{name} {duration(float(final[max(0, int(np.ceil(share * len(final))) - 1)]))}"
        for name, share in _QUANTILES.items()
    )
    ax.set_title(f"{count(len(final))} paths final:\n{told}", loc="left", fontsize=8.0, color=INK, pad=3)
    return len(final)


def label_settling(ax: Axes) -> None:
    """Say which curve is which, beside the right-most panel."""
    end_labels(ax, [(70.0, "first\nchange", FIRST), (30.0, "final\npath", FINAL)], gap_pt=26)


def finish_settling(ax: Axes, *, ticked: bool) -> None:
    """Set the y axis of a panel: percent of the routes that changed."""
    ax.set_ylim(0, 103)
    ax.set_yticks((0, 50, 100), ("0", "50", "100") if ticked else ("", "", ""))
    ax.set_ylabel("routes, %" if ticked else "", fontsize=SMALL_PT)


def _first_and_last(at: Floats, route: Ints) -> tuple[Floats, Floats]:
    """Return, each ascending, when every route changed first and last."""
    order = np.argsort(route, kind="stable")
    edges = np.flatnonzero(np.diff(route[order]) != 0)
    first = order[np.concatenate([[0], edges + 1])]
    last = order[np.concatenate([edges, [len(order) - 1]])]
    return np.sort(at[first]), np.sort(at[last])


def _curve(times: Floats) -> tuple[Floats, Floats]:
    """Return corners of the distribution of ``times`` (ascending), in percent; close ones are joined."""
    share = 100 * np.arange(1, len(times) + 1) / len(times)
    step = np.floor(_CORNERS * times / max(float(times[-1]), 1e-9))
    kept = np.append(np.diff(step) > 0, True)
    return times[kept], share[kept]
