"""Time on the x axis: one unit a run, events marked, the broken phase shaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.analysis.plots.style import FAULT, FAULT_SHADE, SMALL_PT, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from emulator.analysis.view import RunView
    from emulator.record.run import Json

TIMES: Final = "\N{MULTIPLICATION SIGN}"


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
    last_end = -1.0
    low, high = ax.get_xlim()
    for at_s, text in event_labels(view.events):
        x = at_s / unit.seconds
        ax.axvline(x, color=FAULT, linewidth=1.0, zorder=above)
        if not labelled:
            continue
        position = (x - low) / (high - low)
        width = 0.0115 * len(text)
        to_left = position + width > 1.0
        if (position - width if to_left else position) >= last_end:
            ax.annotate(
                text, (x, 1.0), xycoords=("data", "axes fraction"), xytext=(-3 if to_left else 3, 3),
                textcoords="offset points", color=FAULT, fontsize=SMALL_PT,
                ha="right" if to_left else "left", va="bottom", parse_math=False, annotation_clip=False,
            )  # fmt: skip
            last_end = position if to_left else position + width


def event_labels(events: Sequence[Json]) -> list[tuple[float, str]]:
    """One text an instant: the event's own words, or how many of which kind happened together."""
    by_time: dict[float, list[Json]] = {}
    for event in events:
        by_time.setdefault(float(event["at_s"]), []).append(event)
    labels = []
    for at_s, together in by_time.items():
        if len(together) == 1:
            labels.append((at_s, shortened(together[0].get("label") or together[0]["kind"], 44)))
            continue
        kinds: dict[str, int] = {}
        for event in together:
            kinds[event["kind"]] = kinds.get(event["kind"], 0) + 1
        labels.append((at_s, ", ".join(f"{count} {TIMES} {kind}" for kind, count in kinds.items())))
    return labels
