"""What the authoritative DNS did: provider shares of the demand, and each provider's wins above nominal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.plots.style import ADDRESSES, INK, MUTED, end_labels, sheet
from emulator.analysis.plots.timeaxis import headroom, mark_events, time_axis
from emulator.analysis.wording import duration, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from emulator.analysis.plots.style import Sheet
    from emulator.analysis.view import Floats, RunView, Steering

OTHERS: Final = "#d3d9de"
_WIDTH_IN: Final = 6.3
_WAN_IN: Final = 1.55
_LABEL_IN: Final = 0.181
"""What a label at the end of a line takes."""
_NEARLY: Final = 0.95
_BACK: Final = 0.1
"""Where so much of a move is left, it counts as undone."""
_STILL: Final = 0.005
"""A demand share that moves by less stands still."""


@dataclass(frozen=True, slots=True, eq=False)
class _Move:
    """When the shares were, or first nearly were, furthest from what they were before the fault."""

    at_s: float
    share: float
    """Of the demand, on another address than before (total variation)."""
    by_address: Floats
    end: float
    """The same when the run ended."""
    usual: float
    """The same before the fault, at most: chance."""


def draw_steering(view: RunView, strategy: str) -> Figure | None:
    """Draw shares (stacked) and WAN over time; None where ``strategy`` has one address only."""
    steering = view.steering.get(strategy)
    if steering is None:
        return None
    move = _move(view, steering)
    colours = _colours(steering, move)
    ranked = bool(np.isfinite(steering.wan).any())
    wan_in = max(_WAN_IN, _LABEL_IN * len(colours)) if ranked else 0.0
    made = sheet(
        _title(strategy, steering, move),
        _subtitle(len(steering.addresses) - len(colours), ranked=ranked),
        3.05 + (wan_in + 0.35 if ranked else 0.0) + headroom(view, _WIDTH_IN),
    )
    ax = made.axes(0.85, 0.55 + (wan_in + 0.4 if ranked else 0.0), _WIDTH_IN, 2.2)
    unit = time_axis(ax, view, labelled=not ranked)
    x = np.append(steering.seconds, view.phases.end_s) / unit.seconds
    shares = 100 * np.hstack([steering.in_use, steering.in_use[:, -1:]])
    rows = [(shares[i], steering.addresses[i], colour) for i, colour in colours.items()]
    rest = [i for i in range(len(shares)) if i not in colours]
    if rest:
        rows.append((shares[rest].sum(axis=0), f"{len(rest)} others", OTHERS))
    stack = np.array([row for row, _, _ in rows])
    ax.stackplot(
        x, stack, colors=[colour for _, _, colour in rows], linewidth=0.6, edgecolor="white", zorder=2
    )
    ax.set_ylim(0, max(100.0, float(shares.sum(axis=0).max())))
    ax.set_ylabel("demand on the address, %")
    ax.grid(visible=False)
    mark_events(ax, view, unit, above=3)
    middles = np.cumsum(stack[:, -1]) - stack[:, -1] / 2
    end_labels(
        ax,
        [
            (middle, f"{row[-1]:.0f} % {name}", MUTED if colour == OTHERS else colour)
            for middle, (row, name, colour) in zip(middles, rows, strict=True)
            if row.max() >= 0.5  # noqa: PLR2004 - shown as 1 %
        ],
        gap_pt=12.0,
    )
    if ranked:
        _draw_wan(made, view, steering, colours, wan_in)
    return made.figure


def _draw_wan(
    made: Sheet, view: RunView, steering: Steering, colours: dict[int, str], height_in: float
) -> None:
    """Draw a line an address; those that share a band are grey."""
    ax = made.axes(0.85, 0.55, _WIDTH_IN, height_in)
    unit = time_axis(ax, view)
    x = np.append(steering.seconds, view.phases.end_s) / unit.seconds
    ends = []
    for i, row in enumerate(steering.wan):
        colour = colours.get(i, OTHERS)
        ax.plot(x, np.append(row, row[-1]), color=colour, zorder=3 if i in colours else 2.5)
        if i in colours and np.isfinite(row).any():
            ends.append((float(row[np.isfinite(row)][-1]), steering.addresses[i], colour))
    ax.axhline(0, color=INK, linewidth=0.9, zorder=2)
    limit = max(5.0, 1.15 * float(np.nanmax(np.abs(steering.wan))))
    ax.set_ylim(-limit, limit)
    ax.set_ylabel("WAN, wins per\n100 requests")
    mark_events(ax, view, unit, labelled=False)
    end_labels(ax, ends)


def _colours(steering: Steering, move: _Move | None) -> dict[int, str]:
    """Return the colour of each address that has one: by position, so that all pictures of a run agree.

    Where there are more than colours, those with the largest shares and those of the title have one.
    """
    many = len(steering.addresses)
    if many <= len(ADDRESSES):
        return dict(zip(range(many), ADDRESSES, strict=False))
    order = np.argsort(-steering.in_use.max(axis=1), kind="stable").tolist()
    if move is not None:
        order = [int(np.argmin(move.by_address)), int(np.argmax(move.by_address)), *order]
    named = list(dict.fromkeys(order))[: len(ADDRESSES)]
    return dict(zip(sorted(named), ADDRESSES, strict=True))


def _move(view: RunView, steering: Steering) -> _Move | None:
    """Return the largest move; None where there is no fault, or nothing to compare it with."""
    phase = view.phases.of_seconds(steering.seconds)
    if view.phases.fault_s is None or not (phase == 0).any() or (phase == 0).all():
        return None
    change = steering.in_use - steering.in_use[:, phase == 0].mean(axis=1)[:, None]
    distance = np.abs(change).sum(axis=0) / 2
    most = int(np.flatnonzero((phase > 0) & (distance >= _NEARLY * distance[phase > 0].max()))[0])
    usual = float(distance[phase == 0].max())
    return _Move(
        float(steering.seconds[most]), float(distance[most]), change[:, most], float(distance[-1]), usual
    )


def _title(strategy: str, steering: Steering, move: _Move | None) -> str:
    names = steering.addresses
    if move is None:
        return f"{strategy}: how the demand is shared over {len(names)} addresses"
    still = max(_STILL, 2 * move.usual)
    if move.share < still:
        return f"{strategy}: the shares of the {len(names)} addresses hardly moved"
    loser, winner = names[int(np.argmin(move.by_address))], names[int(np.argmax(move.by_address))]
    left = "" if move.end > move.share / 2 else f"; {percent(move.end)} still at the end"
    if move.end < max(still, _BACK * move.share):
        left = "; back at the end"
    return (
        f"{strategy} had moved {percent(move.share)} of the demand by {duration(move.at_s)}, "
        f"most from {loser} and most to {winner}{left}"
    )


def _subtitle(others: int, *, ranked: bool) -> str:
    what = "emand by the address that resolvers hold."
    grey = f" Grey: {others} addresses with smaller shares." if others else ""
    if not ranked:
        return f"D{what}{grey}"
    return (
        f"Top: d{what} Bottom: wins above nominal (WAN), of 100 requests those that beat the typical RTT, "
        f"less 50.{grey}"
    )
