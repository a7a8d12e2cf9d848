"""The stretches of a run in which the control plane was busy, one panel each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.instants import instants, outcomes

if TYPE_CHECKING:
    from emulator.analysis.view import Floats, Ints, RunView

PANELS: Final = 3
"""Episodes shown at most."""


@dataclass(frozen=True, slots=True)
class Episode:
    """From an event to when all was quiet again or the next event that it did not overlap."""

    start_s: float
    end_s: float
    label: str
    convergence_s: float | None
    """Control-plane convergence; None where no event started the episode."""
    settled: bool = True
    """False where routers were still at it when the run ended."""
    activity: int = 0
    """How much happened in it."""


def episodes(view: RunView, at_s: Floats, weight: Ints | None = None) -> tuple[Episode, ...]:
    """Return the episodes in which something happened, in time order; ``at_s`` are the instants it did.

    ``weight``: how much happened at each; by default all count the same.

    Events that come before the routers have settled from the one before share
    its episode. What happens with no event before it is an episode as well.
    """
    found: list[Episode] = []
    took: dict[float, float] = {}
    settled: dict[float, bool] = {}
    for outcome in outcomes(view):
        settled[float(outcome["at_s"])] = bool(outcome.get("quiescent", True))
        took[float(outcome["at_s"])] = float(outcome["control_plane_convergence_s"] or 0.0)
    labels = [(instant.at_s, instant.label()) for instant in instants(view.events)]
    first = labels[0][0] if labels else np.inf
    early = at_s[at_s < first]
    if len(early):
        found.append(Episode(float(early.min()), float(early.max()), "before any event", None))
    for i, (start, label) in enumerate(labels):
        next_start = labels[i + 1][0] if i + 1 < len(labels) else np.inf
        mine = at_s[(at_s >= start) & (at_s < next_start)]
        end = max(start + took.get(start, 0.0), float(mine.max()) if len(mine) else start)
        if found and start <= found[-1].end_s and found[-1].convergence_s is not None:
            last = found.pop()
            end = max(end, last.end_s)
            converged = (
                max(last.start_s + (last.convergence_s or 0.0), start + took.get(start, 0.0)) - last.start_s
            )
            found.append(
                Episode(last.start_s, end, f"{last.label}; {label}", converged, settled.get(start, True))
            )
        else:
            found.append(Episode(start, end, label, took.get(start), settled.get(start, True)))
    much = np.ones(len(at_s), np.int64) if weight is None else weight
    busy = (
        replace(each, activity=int(much[(at_s >= each.start_s) & (at_s <= each.end_s)].sum()))
        for each in found
    )
    return tuple(each for each in busy if each.activity)


def busiest(found: tuple[Episode, ...]) -> tuple[Episode, ...]:
    """Return those `PANELS` of ``found`` in which most happened, in time order."""
    chosen = sorted(found, key=lambda each: (-each.activity, each.start_s))[:PANELS]
    return tuple(sorted(chosen, key=lambda each: each.start_s))


def left_out(shown: tuple[Episode, ...], every: tuple[Episode, ...]) -> str:
    """Say which of the episodes are shown; nothing where all are."""
    if len(shown) == len(every):
        return ""
    return f" Drawn and counted: the {len(shown)} busiest of {len(every)} stretches of activity."
