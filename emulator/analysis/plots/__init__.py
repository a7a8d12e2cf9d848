"""The pictures of a run: what there is to draw, and drawing all of it into a folder.

Figures are matplotlib `Figure` objects without pyplot, so nothing is shared
between them; equal runs give equal SVG and PNG bytes for one matplotlib version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from emulator.analysis.view import RunView

FORMATS: Final = ("svg", "png")
KINDS: Final = (
    "success", "rtt", "rtt-cdf", "reconvergence", "map", "shares", "catchments", "connectivity", "detours",
    "updates", "changes", "load",
)  # fmt: skip
"""What ``--only`` takes, in the order of a report; those `BY_STRATEGY` are drawn once each."""
BY_STRATEGY: Final = ("map", "shares")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that a run may have: its kind, its file's name without ending, its strategy if any."""

    kind: str
    name: str
    strategy: str | None = None


def pictures(view: RunView, only: Sequence[str] = ()) -> list[Picture]:
    """Return every picture that the run may have, in a report's order; ``only`` keeps the given `KINDS`.

    Raises `InputError` for an unknown kind.
    """
    unknown = [kind for kind in only if kind not in KINDS]
    if unknown:
        message = f"unknown picture {unknown[0]!r}; there are {', '.join(KINDS)}"
        raise InputError(message)
    found = []
    for kind in KINDS:
        if only and kind not in only:
            continue
        if kind in BY_STRATEGY:
            found += [Picture(kind, name, strategy) for name, strategy in _file_names(kind, view.strategies)]
        else:
            found.append(Picture(kind, kind))
    return found


def absent(only: Sequence[str], files: Sequence[Path]) -> list[str]:
    """Return which kinds of ``only`` are in none of the ``files`` that were drawn."""
    stems = [path.stem for path in files]
    return [
        kind
        for kind in only
        if kind not in stems
        and not (kind in BY_STRATEGY and any(stem.startswith(f"{kind}-") for stem in stems))
    ]


def drawable(view: RunView) -> list[str]:
    """Return the `KINDS` of pictures that the run has; they are drawn to find out."""
    import matplotlib as mpl

    from emulator.analysis.plots.style import RC

    with mpl.rc_context(cast("Any", RC)):
        return list(dict.fromkeys(each.kind for each in pictures(view) if draw(view, each) is not None))


def draw(view: RunView, picture: Picture) -> Figure | None:
    """Draw one picture; None where the run has nothing to show in it. Call it within `style.RC`."""
    from emulator.analysis.plots import (
        catchments,
        connectivity,
        control,
        detours,
        load,
        reconvergence,
        rtt,
        steering,
        success,
        world,
    )

    single: dict[str, Callable[[RunView], Figure | None]] = {
        "success": success.draw_success,
        "rtt": rtt.draw_rtt,
        "rtt-cdf": rtt.draw_rtt_cdf,
        "reconvergence": reconvergence.draw_reconvergence,
        "catchments": catchments.draw_catchments,
        "connectivity": connectivity.draw_connectivity,
        "detours": detours.draw_detours,
        "updates": control.draw_updates,
        "changes": control.draw_raster,
        "load": load.draw_load,
    }
    if picture.strategy is None:
        return single[picture.kind](view)
    return {"map": world.draw_world, "shares": steering.draw_steering}[picture.kind](view, picture.strategy)


def _file_names(kind: str, strategies: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (file name, strategy); names stay apart where strategies differ only in odd characters."""
    taken: set[str] = set()
    for strategy in strategies:
        base = f"{kind}-{re.sub(r'[^a-z0-9]+', '-', strategy.lower()).strip('-') or 'strategy'}"[:80]
        name, number = base, 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name)
        yield name, strategy


def draw_all(
    view: RunView,
    folder: Path,
    *,
    formats: Sequence[str] = FORMATS,
    only: Sequence[str] = (),
    progress: Callable[[str, float], None] | None = None,
) -> list[Path]:
    """Draw every picture of the run into an existing ``folder``; return the files, in a report's order.

    Raises `InputError` for an unknown format or kind.
    """
    import matplotlib as mpl

    from emulator.analysis.plots.style import RC, save

    unknown = [ending for ending in formats if ending not in FORMATS]
    if unknown:
        message = f"unknown picture format {unknown[0]!r}; there are {', '.join(FORMATS)}"
        raise InputError(message)
    written = []
    with mpl.rc_context(cast("Any", RC)):
        wanted = pictures(view, only)
        for position, picture in enumerate(wanted):
            if progress is not None:
                progress("pictures", position / len(wanted))
            figure = draw(view, picture)
            if figure is not None:
                for ending in formats:
                    path = folder / f"{picture.name}.{ending}"
                    save(figure, path)
                    written.append(path)
    return written
