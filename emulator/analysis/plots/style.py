"""One look for every picture: sizes, colours, the header that states the finding, saving.

Pictures are 9 inches wide, which a README shows at natural size. Layout is
placed by hand in inches: matplotlib's automatic layouts draw everything twice.
"""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN: Final = 9.0
PNG_DPI: Final = 200
"""Twice the 100 dots per inch at which a README shows a picture."""

INK: Final = "#1f2933"
MUTED: Final = "#5f6b76"
GRID: Final = "#e3e7eb"
PAPER: Final = "#ffffff"
FAULT: Final = "#b42318"
FAULT_SHADE: Final = "#fdeeec"
SEA: Final = "#f3f6f9"
LAND: Final = "#dde3e8"

TITLE_PT: Final = 13.0
TEXT_PT: Final = 10.0
SMALL_PT: Final = 9.0

# Okabe and Ito's palette (Color Universal Design, 2008), told apart with any colour vision.
_BY_KIND: Final = {"anycast": "#d55e00", "unicast": "#8c6bb1", "regional": "#b8860b"}
_IPA: Final = ("#0072b2", "#009e73", "#56b4e9", "#004c6d")
_OTHERS: Final = ("#cc79a7", "#e69f00", "#7f7f7f", "#000000")
_DASHES: Final[tuple[Any, ...]] = ("solid", (0, (3, 2.6)), (0, (1, 2)), (0, (7, 1.5, 1.5, 1.5)))

ADDRESSES: Final = (
    "#4477aa", "#ee9944", "#66a182", "#c26a8d", "#8e7cc3", "#b5a642", "#5fb3b3", "#a0522d",
    "#7a8793", "#d17b7b", "#3d6b4f", "#c9a0dc",
)  # fmt: skip
"""Colours of providers and other service addresses, in order of appearance."""

_BOLD_CHARACTER_IN: Final = 0.0835
"""Mean width of a bold character at `SMALL_PT`, on the safe side."""

RC: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": SMALL_PT,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": SMALL_PT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.hashsalt": "ipa-emulator",
    "svg.fonttype": "path",
    "path.simplify": True,
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a strategy is drawn, the same in every picture."""

    colour: str
    dashes: Any
    order: int


def looks(kinds: dict[str, str]) -> dict[str, Look]:
    """Give each strategy a colour and a dash pattern by its kind; equal kinds stay related."""
    seen: dict[str, int] = {}
    others = iter(_OTHERS * 8)
    result = {}
    for order, (name, kind) in enumerate(kinds.items()):
        position = seen.get(kind, 0)
        seen[kind] = position + 1
        if kind == "ipa":
            colour = _IPA[position % len(_IPA)]
        elif kind in _BY_KIND and not position:
            colour = _BY_KIND[kind]
        else:
            colour = next(others)
        result[name] = Look(colour, _DASHES[min(position, len(_DASHES) - 1)], order)
    return result


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure with its header drawn; axes are placed in inches from its lower left corner."""

    figure: Figure

    def axes(self, left: float, bottom: float, width: float, height: float, **options: Any) -> Axes:  # noqa: ANN401
        """Add axes at a place in inches; ``options`` as `Figure.add_axes` takes them."""
        total = float(self.figure.get_figheight())
        box = (left / WIDTH_IN, bottom / total, width / WIDTH_IN, height / total)
        return self.figure.add_axes(box, **options)

    def note(self, left: float, bottom: float, text: str, **options: Any) -> None:  # noqa: ANN401
        """Write ``text`` at a place in inches."""
        total = float(self.figure.get_figheight())
        style = {"fontsize": SMALL_PT, "color": MUTED, **options}
        self.figure.text(left / WIDTH_IN, bottom / total, text, **style)


def sheet(title: str, subtitle: str, body_in: float) -> Sheet:
    """Start a picture: ``title`` states the finding, ``subtitle`` says what is drawn."""
    from matplotlib.figure import Figure

    title_lines = textwrap.wrap(plain(title), 76)[:3]
    subtitle_lines = textwrap.wrap(plain(subtitle), 108)[:3]
    header = 0.13 + 0.235 * len(title_lines) + 0.18 * len(subtitle_lines)
    figure = Figure(figsize=(WIDTH_IN, body_in + header))
    total = body_in + header
    top = total - 0.13
    for text, size, weight, colour, step in (
        *((line, TITLE_PT, "bold", INK, 0.235) for line in title_lines),
        *((line, TEXT_PT, "normal", MUTED, 0.18) for line in subtitle_lines),
    ):
        figure.text(
            0.15 / WIDTH_IN,
            top / total,
            text,
            fontsize=size,
            fontweight=weight,
            color=colour,
            va="top",
            parse_math=False,
        )
        top -= step
    return Sheet(figure)


def plain(text: str) -> str:
    """Return ``text`` (which may come from a stranger's file) on one line, without control characters."""
    kept = "".join(c if c.isprintable() or c == "\N{NO-BREAK SPACE}" else " " for c in text)
    return " ".join(part for part in kept.split(" ") if part)


def shortened(text: str, length: int) -> str:
    """Return ``text`` with at most ``length`` characters, an ellipsis where it was cut."""
    text = plain(text)
    return text if len(text) <= length else text[: length - 1].rstrip(" ,;:-") + "…"


def end_labels(ax: Axes, labels: Sequence[tuple[float, str, str]], *, gap_pt: float = 13.0) -> None:
    """Write (y, text, colour) beside the right edge of ``ax``, moved apart where they would touch.

    Call it when the limits of ``ax`` are final.
    """
    if not labels:
        return
    room = int((WIDTH_IN * (1 - float(ax.get_position().x1)) - 0.15) / _BOLD_CHARACTER_IN)
    height_pt = float(ax.get_position().height * ax.figure.get_figheight() * 72)  # type: ignore[union-attr]
    to_axes = ax.transData + ax.transAxes.inverted()
    wanted = sorted(
        ((float(to_axes.transform((1.0, y))[1]), text, colour) for y, text, colour in labels),
        key=lambda entry: entry[0],
    )
    placed = spread([position for position, _, _ in wanted], gap_pt / height_pt, 0.0, 1.0)
    for (_, text, colour), position in zip(wanted, placed, strict=True):
        ax.text(
            1.012, position, text if "\n" in text else shortened(text, room), transform=ax.transAxes,
            color=colour, va="center", ha="left", fontsize=SMALL_PT, fontweight="bold", parse_math=False,
            clip_on=False,
        )  # fmt: skip


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending ``positions`` apart to ``gap``, as little as needed, within [low, high] if they fit."""
    clusters: list[list[float]] = []  # each: members' wanted positions
    for position in positions:
        clusters.append([min(max(position, low), high)])
        while len(clusters) > 1 and _bottom(clusters[-1], gap) < _top(clusters[-2], gap) + gap:
            last = clusters.pop()
            clusters[-1] += last
    starts = [_bottom(cluster, gap) for cluster in clusters]
    result = [
        start + i * gap for start, cluster in zip(starts, clusters, strict=True) for i in range(len(cluster))
    ]
    overflow = max(0.0, result[-1] - high) if result else 0.0
    for i in range(len(result) - 1, -1, -1):  # push back what left at the top, then what left at the bottom
        result[i] = min(result[i], (result[i + 1] - gap) if i + 1 < len(result) else result[i] - overflow)
    for i in range(len(result)):
        result[i] = max(result[i], result[i - 1] + gap if i else low)
    return result


def _bottom(cluster: list[float], gap: float) -> float:
    return sum(cluster) / len(cluster) - gap * (len(cluster) - 1) / 2


def _top(cluster: list[float], gap: float) -> float:
    return _bottom(cluster, gap) + gap * (len(cluster) - 1)


def key_line(made: Sheet, left: float, bottom: float, entries: Sequence[tuple[str, str, Any]]) -> None:
    """Write a row of line samples with names, (name, colour, dashes), from ``left`` rightwards (inches)."""
    from matplotlib.lines import Line2D

    total = float(made.figure.get_figheight())
    for name, colour, dashes in entries:
        y = (bottom + 0.045) / total
        ends = (left / WIDTH_IN, (left + 0.3) / WIDTH_IN)
        made.figure.add_artist(Line2D(ends, (y, y), color=colour, linestyle=dashes, linewidth=2.2))
        made.note(left + 0.37, bottom, name, color=colour, fontweight="bold", parse_math=False)
        left += 0.37 + 0.085 * len(name) + 0.25


_PATH_DATA: Final = re.compile(r' d="[^"]*"')
_FRACTION: Final = re.compile(r"(?<=\.\d\d)\d+")


def save(figure: Figure, path: Path) -> None:
    """Write ``figure`` in the format that ``path`` ends with, ``.svg`` or ``.png``.

    Equal figures give equal bytes. Coordinates in an SVG keep two decimals (of
    1/72 inch): two thirds of the size, no visible difference.
    """
    if path.suffix == ".png":
        figure.savefig(path, format="png", dpi=PNG_DPI, metadata={"Software": None})
        return
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = _PATH_DATA.sub(lambda data: _FRACTION.sub("", data[0]), buffer.getvalue())
    path.write_text(text, encoding="utf-8", newline="\n")
