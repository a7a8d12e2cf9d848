"""What the authoritative DNS did: provider shares of the demand, and each provider's wins above nominal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.analysis.plots.style import ADDRESSES, INK, end_labels, sheet
from emulator.analysis.plots.timeaxis import mark_events, time_axis
from emulator.analysis.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from emulator.analysis.view import RunView, Steering


def draw_steering(view: RunView, strategy: str) -> Figure | None:
    """Draw shares (stacked) and WAN over time; None where ``strategy`` has one address only."""
    steering = view.steering.get(strategy)
    if steering is None:
        return None
    ranked = bool(np.isfinite(steering.wan).any())
    made = sheet(
        _title(view, strategy, steering),
        "Top: demand by the address that resolvers hold. "
        + (
            "Bottom: wins above nominal (WAN), of 100 requests those that beat the typical RTT, less 50."
            if ranked
            else ""
        ),
        4.95 if ranked else 3.05,
    )
    base = 2.5 if ranked else 0.55
    ax = made.axes(0.85, base, 6.3, 2.2)
    unit = time_axis(ax, view, labelled=not ranked)
    x = np.append(steering.seconds, view.phases.end_s) / unit.seconds
    shares = 100 * np.hstack([steering.in_use, steering.in_use[:, -1:]])
    colours = address_colours(steering)
    ax.stackplot(x, shares, colors=colours, linewidth=0.6, edgecolor="white", zorder=2)
    ax.set_ylim(0, max(100.0, float(shares.sum(axis=0).max())))
    ax.set_ylabel("demand on the address, %")
    ax.grid(visible=False)
    mark_events(ax, view, unit, above=3)
    middles = np.cumsum(shares[:, -1]) - shares[:, -1] / 2
    rows = list(zip(middles, steering.addresses, shares[:, -1], colours, strict=True))
    end_labels(ax, [(m, f"{share:.0f} % {name}", colour) for m, name, share, colour in rows if share >= 0.5])  # noqa: PLR2004
    if ranked:
        lower = made.axes(0.85, 0.55, 6.3, 1.55)
        time_axis(lower, view)
        for row, colour in zip(steering.wan, colours, strict=True):
            lower.plot(x, np.append(row, row[-1]), color=colour, zorder=3)
        lower.axhline(0, color=INK, linewidth=0.9, zorder=2)
        limit = max(5.0, 1.15 * float(np.nanmax(np.abs(steering.wan))))
        lower.set_ylim(-limit, limit)
        lower.set_ylabel("WAN, wins per\n100 requests")
        mark_events(lower, view, unit, labelled=False)
        ends = [
            (row[np.isfinite(row)][-1], name, c)
            for row, name, c in zip(steering.wan, steering.addresses, colours, strict=True)
            if np.isfinite(row).any()
        ]
        end_labels(lower, ends)
    return made.figure


def address_colours(steering: Steering) -> list[str]:
    """Colours by position, so that a provider looks the same in every picture of a run."""
    return [ADDRESSES[i % len(ADDRESSES)] for i in range(len(steering.addresses))]


def _title(view: RunView, strategy: str, steering: Steering) -> str:
    if view.phases.fault_s is None:
        return f"{strategy}: how the demand is shared over {len(steering.addresses)} addresses"
    phase = view.phases.of_seconds(steering.seconds)
    before = steering.in_use[:, phase == 0]
    if not before.shape[1]:
        return f"{strategy}: how the demand is shared over {len(steering.addresses)} addresses"
    change = steering.in_use[:, -1] - before.mean(axis=1)
    moved = float(np.abs(change).sum() / 2)
    if moved < 0.005:  # noqa: PLR2004
        return f"{strategy}: the shares of the {len(steering.addresses)} addresses did not move"
    loser, winner = int(np.argmin(change)), int(np.argmax(change))
    names = steering.addresses
    return (
        f"{strategy} moved {percent(moved)} of the demand, "
        f"most from {names[loser]} and most to {names[winner]}"
    )
