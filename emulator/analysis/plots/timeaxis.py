"""Time on the x axis: one unit a run, events marked, the broken phase shaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.analysis.instants import instants
from emulator.analysis.plots.style import FAULT, FAULT_SHADE, PAPER, SMALL_PT, WIDTH_IN, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emulator.analysis.instants import Instant
    from emulator.analysis.view import RunView

ROWS: Final = 2
ROW_IN: Final = 0.17
"""Height of a row of labels above axes."""
_BESIDE_PT: Final = 3
_APART_IN: Final = 0.06
_SHORTENED: Final = (44, 32, 24)
"""Characters of a fault's label where there is no room for all of it."""
_COSTS: Final = {
    "no fault": 100.0, "crossed": 35.0, "no repair": 30.0, "short fault": 20.0, "left": 8.0,
    "short repair": 6.0, "upper": 1.0,
}  # fmt: skip
"""What is to be avoided in placing labels, and how much."""
_KEPT, _KEPT_MIN = 400, 4
"""Ways to place the labels so far that are looked at further: in all over the instants, and at each."""


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """The unit that makes a run's length a readable number."""

    name: str
    seconds: float


def time_unit(length_s: float) -> TimeUnit:
    """Milliseconds up to one second, seconds up to five minutes, minutes up to three hours, then hours."""
    if length_s <= 1:
        return TimeUnit("milliseconds", 0.001)
    if length_s <= 300:  # noqa: PLR2004
        return TimeUnit("seconds", 1.0)
    return TimeUnit("minutes", 60.0) if length_s <= 3 * 3600 else TimeUnit("hours", 3600.0)


def time_axis(ax: Axes, view: RunView, *, labelled: bool = True) -> TimeUnit:
    """Set the limits, ticks and label of ``ax``'s x axis for the whole run; return its unit."""
    from matplotlib.ticker import MaxNLocator

    unit = time_unit(view.phases.end_s)
    ax.set_xlim(0, max(view.phases.end_s, 1e-9) / unit.seconds)
    steps = [1, 2, 3, 5, 6, 10] if unit.seconds > 1 else [1, 2, 5, 10]
    ax.xaxis.set_major_locator(
        MaxNLocator(nbins=10, steps=steps, integer=view.phases.end_s > 10 * unit.seconds)
    )
    if labelled:
        ax.set_xlabel(f"simulated time, {unit.name}")
    else:
        ax.tick_params(axis="x", labelbottom=False)
    return unit


def mark_events(
    ax: Axes, view: RunView, unit: TimeUnit, *, labelled: bool = True, above: float = 1.5
) -> None:
    """Draw a line at each instant something happened, and shade the phase "during".

    ``above`` is the lines' z-order.
    """
    phases = view.phases
    if phases.fault_s is not None:
        ax.axvspan(
            phases.fault_s / unit.seconds,
            phases.during_end_s / unit.seconds,
            color=FAULT_SHADE,
            lw=0,
            zorder=0,
        )
    low, high = ax.get_xlim()
    for instant in instants(view.events):
        ax.axvline(instant.at_s / unit.seconds, color=FAULT, linewidth=1.0, zorder=above)
    if not labelled or high <= low:
        return
    box = ax.get_position()
    height_in = float(box.height * ax.figure.get_figheight())  # type: ignore[union-attr]
    for label in _labels(view, float(box.width) * WIDTH_IN):
        x = label.at_s / unit.seconds
        if label.row:
            top = 1 + (label.row * ROW_IN + 0.1) / height_in
            ax.axvline(x, ymin=1, ymax=top, color=FAULT, linewidth=0.7, zorder=1, clip_on=False)
        ax.annotate(
            label.text, (x, 1.0), xycoords=("data", "axes fraction"), textcoords="offset points",
            xytext=(-_BESIDE_PT if label.to_left else _BESIDE_PT, 3 + 72 * ROW_IN * label.row), color=FAULT,
            fontsize=SMALL_PT, ha="right" if label.to_left else "left", va="bottom", parse_math=False,
            annotation_clip=False, bbox={"facecolor": PAPER, "linewidth": 0, "pad": 0.4},
        )  # fmt: skip


def headroom(view: RunView, width_in: float) -> float:
    """Return how many inches more than one row the labels of events need above axes of that width."""
    return ROW_IN * max((label.row for label in _labels(view, width_in)), default=0)


@dataclass(frozen=True, slots=True)
class _Label:
    """An event's words, and where they stand: rows count upwards."""

    at_s: float
    text: str
    row: int
    to_left: bool
    span: tuple[float, float]
    """Inches from the axes' left edge."""


def _labels(view: RunView, width_in: float) -> tuple[_Label, ...]:
    """Place a label an instant, in the way that costs least of those looked at: see `_COSTS`."""
    found = instants(view.events)
    scale = width_in / max(view.phases.end_s, 1e-9)
    kept = max(_KEPT_MIN, _KEPT // max(1, len(found)))
    ways: list[tuple[float, tuple[_Label, ...]]] = [(0.0, ())]
    for instant in found:
        options = _options(instant, scale, width_in)
        missing = _COSTS["no repair" if instant.is_repair else "no fault"]
        grown = [(cost + missing, placed) for cost, placed in ways]
        for cost, placed in ways:
            for price, option in options:
                crossed = _crossed(option, placed)
                if crossed is not None:
                    grown.append((cost + price + _COSTS["crossed"] * crossed, (*placed, option)))
        ways = sorted(grown, key=lambda way: way[0])[:kept]
    return ways[0][1]


def _options(instant: Instant, scale: float, width_in: float) -> list[tuple[float, _Label]]:
    """Return where in the axes a label could stand and what it could say, each with its cost."""
    label, x = instant.label(), instant.at_s * scale
    shorter = ("repair",) if instant.is_repair else tuple(shortened(label, length) for length in _SHORTENED)
    found = []
    for position, text in enumerate(dict.fromkeys((label, *shorter))):
        length = _width_in(text) + _BESIDE_PT / 72
        price = position * _COSTS["short repair" if instant.is_repair else "short fault"]
        for to_left, span in ((False, (x, x + length)), (True, (x - length, x))):
            if span[0] >= 0 and span[1] <= width_in:
                found += [
                    (
                        price + _COSTS["left"] * to_left + _COSTS["upper"] * row,
                        _Label(instant.at_s, text, row, to_left, span),
                    )
                    for row in range(ROWS)
                ]
    return found


def _crossed(label: _Label, placed: tuple[_Label, ...]) -> int | None:
    """Return how many lines to the upper row run behind words of the lower; None where words would touch."""
    crossed = 0
    for other in placed:
        low, high = max(label.span[0], other.span[0]), min(label.span[1], other.span[1])
        if label.row == other.row:
            if high > low - _APART_IN:
                return None
            continue
        lower, upper = (label, other) if label.row < other.row else (other, label)
        line = upper.span[1] if upper.to_left else upper.span[0]
        crossed += lower.span[0] < line < lower.span[1]
    return crossed


def _width_in(text: str) -> float:
    """Return how long ``text`` is at the size of labels, in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    width_pt, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=SMALL_PT), ismath=False
    )
    return float(width_pt) / 72
