"""The world before and after the fault: cables, POPs, and client groups coloured by their POP."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.analysis.plots.projection import great_circle, middle, project, way
from emulator.analysis.plots.style import (
    FAULT,
    INK,
    LAND,
    MUTED,
    PAPER,
    SEA,
    SMALL_PT,
    WIDTH_IN,
    sheet,
    shortened,
)
from emulator.analysis.topojson import land_rings, unwrapped
from emulator.analysis.view import PHASES
from emulator.analysis.wording import duration, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Shape

    from emulator.analysis.plots.projection import Array
    from emulator.analysis.plots.style import Sheet
    from emulator.analysis.view import Ints, RunView

POP_COLOURS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#b15928",
    "#7fb800", "#c51b7d", "#017c7c", "#8c96c6",
)  # fmt: skip
CABLE: Final = "#9db2c6"
LAND_LINK: Final = "#c9d1d8"
_SOUTH, _NORTH = -56.0, 75.0
_PIXEL: Final = 0.005
_NAMED: Final = 3
"""Cables named at one cut."""
_LOST: Final = 0.5
"""Share of a group's requests that fail for it to be marked as lost."""


@dataclass(frozen=True, slots=True)
class Catchment:
    """Who serves whom in one phase; arrays by client group."""

    pop: Ints
    """POP that served most of the group's requests; -1 where none succeeded."""
    requests: Ints
    lost: Ints

    @property
    def dark(self) -> Any:  # noqa: ANN401 - an array of booleans
        """Groups most of whose requests failed."""
        return (self.requests > 0) & ((self.lost > _LOST * self.requests) | (self.pop < 0))


def draw_world(view: RunView, strategy: str) -> Figure | None:
    """Draw the catchments of ``strategy``, a map a phase; None where the run has no places or catchments."""
    groups, pops = view.atlas.get("groups"), view.atlas.get("pops")
    if not groups or not pops or strategy not in view.served_by:
        return None
    if not all("lat" in place for place in (*groups, *pops)):  # a lab's routers stand nowhere
        return None
    present = view.phases.present
    shown = ("before", present[-1]) if len(present) > 1 else (present[0],)
    catchments = {phase: _catchment(view, strategy, PHASES.index(phase)) for phase in shown}
    top = project(0, _NORTH)[1]
    bottom = project(0, _SOUTH)[1]
    left, right = project(-180, 0)[0], project(180, 0)[0]
    width = WIDTH_IN - 0.3
    height = width * (top - bottom) / (right - left)
    made = sheet(_title(view, strategy, catchments), _subtitle(strategy), len(shown) * (height + 0.33) + 0.4)
    colours = pop_colours([(pop["lat"], pop["lon"]) for pop in pops])
    places = _group_places(view)
    for row, phase in enumerate(shown):
        base = 0.42 + (len(shown) - 1 - row) * (height + 0.33)
        ax = made.axes(0.15, base, width, height)
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.axis("off")
        after = row > 0
        _draw_base(ax, view, cut=after)
        then = catchments["before"] if after else None
        _draw_groups(ax, view, catchments[phase], places=places, colours=colours, before=then)
        _draw_pops(ax, view, colours, (right - left) / width)
        made.note(
            0.15, base + height + 0.07, _panel_title(view, strategy, phase), color=INK, fontweight="bold"
        )
    _draw_key(made, view, moved=len(shown) > 1)
    return made.figure


def _catchment(view: RunView, strategy: str, phase: int) -> Catchment:
    served = view.served_by[strategy][phase]
    counts = view.by_group[strategy]
    best = np.where(served.sum(axis=1) > 0, served.argmax(axis=1), -1)
    groups = len(view.atlas["groups"])
    return Catchment(best[:groups], counts["requests"][phase][:groups], counts["lost"][phase][:groups])


def pop_colours(places: list[tuple[float, float]]) -> list[str]:
    """Give each POP a colour so that POPs of one colour are as far apart as can be."""
    vectors = [_vector(place) for place in places]
    chosen: list[int] = []
    for i in range(len(places)):
        apart = [
            min(
                (float(np.linalg.norm(vectors[i] - vectors[j])) for j in range(i) if chosen[j] == colour),
                default=9.0,
            )
            for colour in range(len(POP_COLOURS))
        ]
        chosen.append(max(range(len(POP_COLOURS)), key=lambda colour: (apart[colour], -colour)))
    return [POP_COLOURS[colour] for colour in chosen]


def _vector(place: tuple[float, float]) -> Array:
    phi, lam = np.radians(place[0]), np.radians(place[1])
    return np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


@cache
def _land() -> Shape:
    """All land as one path, projected."""
    from matplotlib.path import Path as Shape

    rings = [_thinned(project(ring[:, 0], ring[:, 1])) for ring in unwrapped(land_rings())]
    rings = [ring for ring in rings if len(ring) > len("ABC")]
    codes = [[Shape.MOVETO, *[Shape.LINETO] * (len(ring) - 2), Shape.CLOSEPOLY] for ring in rings]
    return Shape(np.concatenate(rings), np.concatenate(codes).astype(Shape.code_type))


def _thinned(ring: Array) -> Array:
    """Leave out points less than about a pixel from the last one kept."""
    kept = [0]
    for i in range(1, len(ring) - 1):
        if np.hypot(*(ring[i] - ring[kept[-1]])) > _PIXEL:
            kept.append(i)
    return ring[[*kept, len(ring) - 1]]


@cache
def _globe() -> Shape:
    """The edge of the page: the part of the globe that is drawn."""
    from matplotlib.path import Path as Shape

    latitude = np.linspace(_SOUTH, _NORTH, 60)
    edge = np.concatenate(
        [project(np.full(60, 180.0), latitude), project(np.full(60, -180.0), latitude[::-1])]
    )
    return Shape(np.concatenate([edge, edge[:1]]), closed=True)


def _draw_base(ax: Axes, view: RunView, *, cut: bool) -> None:
    """Draw land, land links, cables; where ``cut``, the severed segments in red."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import PathPatch

    sea = PathPatch(_globe(), facecolor=SEA, edgecolor="none", zorder=0.5)
    ax.add_artist(sea)  # not add_patch, which would measure every vertex
    land = PathPatch(_land(), facecolor=LAND, edgecolor="none", zorder=1)
    ax.add_artist(land)
    land.set_clip_path(sea)
    lines: dict[str, list[Array]] = {"land": [], "cable": [], "cut": []}
    for kind, is_cut, parts in _segment_lines(view):
        lines["cut" if cut and is_cut else kind] += parts
    ax.add_collection(LineCollection(lines["land"], colors=LAND_LINK, linewidths=0.5, zorder=1.5))
    ax.add_collection(LineCollection(lines["cable"], colors=CABLE, linewidths=0.8, zorder=2))
    ax.add_collection(
        LineCollection(lines["cut"], colors=FAULT, linewidths=2.0, linestyles=(0, (2.2, 1.4)), zorder=6)
    )
    if cut:
        _label_cuts(ax, view)


@lru_cache(maxsize=2)
def _segment_lines(view: RunView) -> list[tuple[str, bool, list[Array]]]:
    """(land or cable, cut at some time, projected lines) of each segment: the same on every map of a run."""
    return [
        (
            "cable" if segment.get("cable") else "land",
            bool(segment.get("cut")),
            way(_segment_points(view, segment)),
        )
        for segment in view.atlas.get("segments", ())
    ]


def _segment_points(view: RunView, segment: Any) -> list[tuple[float, float]]:  # noqa: ANN401 - JSON
    cities = view.atlas.get("cities", {})
    ends = [cities[city] for city in segment["ends"] if city in cities]
    if len(ends) < 2:  # noqa: PLR2004
        return []
    return [tuple(place) for place in (ends[0], *segment.get("via", ()), ends[1])]


def _label_cuts(ax: Axes, view: RunView) -> None:
    """Mark the middle of each severed segment, and name the cables once for those close together."""
    clusters: list[tuple[Array, list[str]]] = []
    for segment in view.atlas.get("segments", ()):
        points = _segment_points(view, segment)
        if not segment.get("cut") or not points:
            continue
        where = middle(points[len(points) // 2 - 1], points[len(points) // 2])
        spot = project(where[1], where[0])
        ax.plot(*spot, marker="x", color=FAULT, markersize=8, markeredgewidth=2.4, zorder=9)
        near = next((names for place, names in clusters if np.hypot(*(place - spot)) < 0.25), None)  # noqa: PLR2004
        if near is None:
            clusters.append((spot, [segment.get("cable") or "land link"]))
        elif (segment.get("cable") or "land link") not in near:
            near.append(segment.get("cable") or "land link")
    for spot, names in clusters:
        rest = names[_NAMED:]
        text = ", ".join(shortened(name, 24) for name in names[:_NAMED]) + (
            f" and {len(rest)} more" if rest else ""
        )
        _haloed(ax, spot, f"cut: {text}", (0, -15), colour=FAULT, size=SMALL_PT)


def _group_places(view: RunView) -> Array:
    """Where each group's dot goes: groups of one city in a sunflower around it."""
    places = np.zeros((len(view.atlas["groups"]), 2))
    seen = {(pop["lat"], pop["lon"]): 2 for pop in view.atlas["pops"]}  # leave the middle to the POP's square
    order = sorted(range(len(places)), key=lambda i: (-view.atlas["groups"][i].get("weight", 0.0), i))
    for i in order:
        group = view.atlas["groups"][i]
        rank = seen.get((group["lat"], group["lon"]), 0)
        seen[group["lat"], group["lon"]] = rank + 1
        radius, angle = 0.02 * np.sqrt(rank), 2.399963 * rank
        places[i] = project(group["lon"], group["lat"]) + radius * np.array([np.cos(angle), np.sin(angle)])
    return places


def _draw_groups(
    ax: Axes, view: RunView, now: Catchment, *, places: Array, colours: list[str], before: Catchment | None
) -> None:
    """Draw a dot a group; with ``before``, lines from those that moved to the POP they moved to."""
    from matplotlib.collections import LineCollection

    weight = np.array([max(0.0, group.get("weight", 1.0)) for group in view.atlas["groups"]])
    area = 5 + 1600 * weight / max(1e-12, weight.sum()) ** 1
    area = np.minimum(area, 130)
    served = (now.requests > 0) & ~now.dark
    if before is not None:
        moved = np.flatnonzero(served & (before.pop >= 0) & (now.pop != before.pop))
        lines, line_colours = [], []
        for i in moved:
            group, pop = view.atlas["groups"][i], view.atlas["pops"][now.pop[i]]
            parts = great_circle((group["lat"], group["lon"]), (pop["lat"], pop["lon"]))
            lines += parts
            line_colours += [colours[now.pop[i]]] * len(parts)
        ax.add_collection(LineCollection(lines, colors=line_colours, linewidths=0.7, alpha=0.65, zorder=3))
    ax.scatter(
        places[served, 0], places[served, 1], s=area[served], c=[colours[p] for p in now.pop[served]],
        edgecolors=PAPER, linewidths=0.5, zorder=4,
    )  # fmt: skip
    dark = now.dark
    ax.scatter(
        places[dark, 0],
        places[dark, 1],
        s=np.maximum(area[dark], 34),
        facecolors=PAPER,
        edgecolors=INK,
        linewidths=1.1,
        zorder=7,
    )
    ax.scatter(places[dark, 0], places[dark, 1], s=14, marker="x", color=INK, linewidths=1.2, zorder=8)


def _draw_pops(ax: Axes, view: RunView, colours: list[str], units_per_inch: float) -> None:
    spots = np.array([project(pop["lon"], pop["lat"]) for pop in view.atlas["pops"]])
    ax.scatter(
        spots[:, 0], spots[:, 1], s=36, marker="s", c=colours, edgecolors=INK, linewidths=0.9, zorder=10
    )
    taken = [
        (
            x - 0.04 * units_per_inch,
            y - 0.04 * units_per_inch,
            x + 0.04 * units_per_inch,
            y + 0.04 * units_per_inch,
        )
        for x, y in spots
    ]
    for pop, spot in zip(view.atlas["pops"], spots, strict=True):
        offset = _free_offset(spot, pop["code"], taken, units_per_inch)
        if offset is not None:
            _haloed(ax, spot, pop["code"], offset, colour=INK, size=7.5)


def _free_offset(
    spot: Array, text: str, taken: list[tuple[float, float, float, float]], units_per_inch: float
) -> tuple[float, float] | None:
    """Find an offset (points) at which ``text`` covers no other label or POP, and take the place."""
    width, height = 0.075 * len(text) * units_per_inch, 0.1 * units_per_inch
    for dx, dy in ((0, 10), (0, -10), (17, 0), (-17, 0), (15, 8), (-15, 8), (15, -8), (-15, -8)):
        x, y = spot[0] + dx / 72 * units_per_inch, spot[1] + dy / 72 * units_per_inch
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            taken.append(box)
            return dx, dy
    return None


def _haloed(
    ax: Axes, spot: Array, text: str, offset: tuple[float, float], *, colour: str, size: float
) -> None:
    from matplotlib.patheffects import withStroke

    ax.annotate(
        text, (float(spot[0]), float(spot[1])), xytext=offset, textcoords="offset points", ha="center",
        va="center", fontsize=size, fontweight="bold", color=colour, zorder=12, parse_math=False,
        path_effects=[withStroke(linewidth=2.4, foreground=PAPER)],
    )  # fmt: skip


def _title(view: RunView, strategy: str, catchments: dict[str, Catchment]) -> str:
    metrics = view.record.summary["strategies"][strategy]
    if len(catchments) == 1:
        return f"{strategy}: the POP that serves each client group"
    phase, now = list(catchments.items())[-1]
    shift = (metrics.get("catchment_shift_share") or {}).get(phase)
    weight = now.requests.sum()
    dark = float(now.requests[now.dark].sum() / weight) if weight else 0.0
    moved = f"{percent(shift) if shift else 'none'} of the demand moved to another POP"
    return f"{strategy}: {moved}" + (f", {percent(dark)} went dark" if dark else ", no group went dark")


def _subtitle(strategy: str) -> str:
    return f"Catchments under {strategy}: a client group has the colour of the POP that serves most of it."


def _panel_title(view: RunView, strategy: str, phase: str) -> str:
    success = view.record.summary["strategies"][strategy]["success_share"][phase]
    phases = view.phases
    when = {
        "before": "Before the fault" if phases.fault_s is not None else "Whole run",
        "during": f"During: the first {duration(phases.during_end_s - (phases.fault_s or 0))} of the fault",
        "after": f"After: from {duration(phases.during_end_s)} to the end at {duration(phases.end_s)}",
    }[phase]
    return f"{when} · {percent(success)} of requests succeed"


def _draw_key(made: Sheet, view: RunView, *, moved: bool) -> None:
    """One row that explains every mark on the maps."""
    from matplotlib.lines import Line2D

    blank: dict[str, Any] = {"linestyle": "none", "markeredgecolor": INK}
    marks = [
        (Line2D([], [], marker="s", color=MUTED, markersize=6, **blank), "POP"),
        (
            Line2D([], [], marker="o", color=MUTED, markersize=7, linestyle="none"),
            "client group, area = demand",
        ),
        (Line2D([], [], color=CABLE, linewidth=1.5), "submarine cable"),
    ]
    if moved:
        marks += [
            (Line2D([], [], color=POP_COLOURS[0], linewidth=1), "moved to that POP"),
            (
                Line2D([], [], marker="x", markeredgewidth=2, color=INK, markersize=6, linestyle="none"),
                "most requests fail",
            ),
        ]
        if any(segment.get("cut") for segment in view.atlas.get("segments", ())):
            marks.append((Line2D([], [], color=FAULT, linewidth=2, linestyle=(0, (2.2, 1.4))), "cut"))
    made.figure.legend(
        [mark for mark, _ in marks], [text for _, text in marks], loc="lower left", ncols=len(marks),
        bbox_to_anchor=(0.008, 0.0), frameon=False, fontsize=SMALL_PT, handletextpad=0.5, columnspacing=1.4,
        handlelength=1.5, labelcolor=MUTED,
    )  # fmt: skip
