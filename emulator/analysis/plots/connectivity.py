"""How long ASes were without connectivity after each event, as distributions (RFC 7747's period)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.graphview import has_cdn, losses
from emulator.analysis.plots.reconvergence import log_time_axis
from emulator.analysis.plots.style import INK, MUTED, Look, looks, sheet, shortened
from emulator.analysis.wording import duration, listed, loss_finding, loss_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.graphview import Loss, Window
    from emulator.analysis.view import Floats, RunView

LOOKS: Final = looks(
    {"anycast": "anycast", "IPA": "ipa", "IPA with cover": "ipa", "unicast": "unicast", "prefix": "prefix"}
)
"""Kind of service address -> how it is drawn: as the strategies that use it are elsewhere."""
_OWN: Final = ("#4477aa", "#c2571a", "#3d6b4f", "#c26a8d")
"""Colours of prefixes, where there is no CDN."""
_PANELS: Final = 4
_COLUMNS: Final = 2
_PANEL_IN, _LINE_IN = 1.9, 0.17


def looks_of(kinds: Sequence[str]) -> dict[str, Look]:
    """Return how each of `LOOKS` is drawn, and those prefixes that are a kind of their own."""
    own = [kind for kind in kinds if kind not in LOOKS]
    return {**LOOKS, **{kind: Look(_OWN[i % len(_OWN)], "solid", i) for i, kind in enumerate(own)}}


def draw_connectivity(view: RunView) -> Figure | None:
    """Draw a panel an event, a curve a kind of service address; None where no AS lost any.

    A pair of an AS and a service address that was without when the next event
    came is counted and never drawn: its curve stays below 100 %.
    """
    found = losses(view)
    if not found:
        return None
    largest = sorted(found, key=lambda each: (-sum(loss.lost for loss in each[1]), each[0].at_s))[:_PANELS]
    shown = sorted(largest, key=lambda each: each[0].at_s)
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    lines = max(len(kinds) for _, kinds in shown)
    height = _PANEL_IN + 0.85 + _LINE_IN * lines
    hidden = len(found) - len(shown)
    styles = looks_of(view.reach.kinds if view.reach else ())
    site = "POP" if has_cdn(view) else "AS that announces the prefix"
    several = {kind for _, kinds in shown for kind in (each.kind for each in kinds if each.destinations > 1)}
    pairs = f" (of {listed(sorted(several))}: over pairs of an AS and an address)" if several else ""
    made = sheet(
        loss_finding(found),
        f"Loss-of-connectivity period: for how long after an event an AS's packets reached no {site}. Curves "
        f"are over the ASes that lost it{pairs} and have it back"
        + (f"; {hidden} events with fewer are left out." if hidden else "."),
        rows * height + 0.05,
    )
    width = (8.85 - 0.7 - 0.55 * (columns - 1)) / columns
    for place, (window, kinds) in enumerate(shown):
        row, column = divmod(place, columns)
        left, bottom = 0.7 + column * (width + 0.55), (rows - 1 - row) * height + 0.5
        ax = made.axes(left, bottom, width, _PANEL_IN)
        _panel(ax, window, kinds, view.phases.end_s, styles)
        top = bottom + _PANEL_IN + 0.1
        for i, loss in enumerate(reversed(kinds)):
            made.note(
                left, top + _LINE_IN * i, f"{loss.kind}: {loss_text(loss)}", color=styles[loss.kind].colour,
                fontweight="bold", fontsize=8.0, parse_math=False,
            )  # fmt: skip
        made.note(
            left, top + _LINE_IN * len(kinds) + 0.02,
            shortened(f"{duration(window.at_s)}: {window.label}", int(width * 12.5)), color=INK,
            fontweight="bold", parse_math=False,
        )  # fmt: skip
        ax.set_ylabel("back, % of those that lost it" if not column else "")
    return made.figure


def _panel(ax: Axes, window: Window, kinds: list[Loss], end_s: float, styles: dict[str, Look]) -> None:
    """Draw the curves of one event."""
    watched = window.until_s - window.at_s
    back = np.concatenate([loss.periods_s[np.isfinite(loss.periods_s)] for loss in kinds])
    low = min(max(0.0001, float(back.min()) / 1.6) if len(back) else 1.0, watched / 10)
    log_time_axis(ax, low, watched, "loss-of-connectivity period (log scale)")
    for loss in kinds:
        look = styles[loss.kind]
        x, y = _curve(loss.periods_s, low, watched)
        ax.step(
            x, y, where="post", color=look.colour, linestyle=look.dashes, zorder=3 + look.order, clip_on=False
        )
    ax.set_ylim(0, 103)
    ax.axvline(watched, color=MUTED, linewidth=1.0)
    ax.annotate(
        "the next event" if window.until_s < end_s else "the run ends", (watched, 50), xytext=(-3, 0),
        textcoords="offset points", color=MUTED, fontsize=8.0, rotation=90, ha="right", va="center",
    )  # fmt: skip
    if not len(back):
        ax.text(0.5, 0.5, "none back", transform=ax.transAxes, color=MUTED, ha="center", va="center")


def _curve(periods: Floats, low: float, end: float) -> tuple[Floats, Floats]:
    """Return an ECDF's corners, at most about a thousand of them: one a different value or per mille."""
    back = periods[np.isfinite(periods)]
    share = 100 * np.arange(1, len(back) + 1) / len(periods)
    last = np.append(np.diff(back) > 0, True) if len(back) else np.zeros(0, bool)
    back, share = back[last], share[last]
    if len(back) > 1:
        step = np.floor(share / 0.1)
        log = np.floor(600 * np.log(back / low) / np.log(end / low))
        kept = np.append((np.diff(step) > 0) | (np.diff(log) > 0), True)
        back, share = back[kept], share[kept]
    top = share[-1] if len(share) else 0.0
    return np.concatenate([[low], back, [end]]), np.concatenate([[0.0], share, [top]])
