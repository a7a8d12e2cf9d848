"""Pictures small enough to be committed: an SVG where that is small, otherwise a PNG of few colours."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.analysis.plots.style import save

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]

SVG_BYTES_MAX: Final = 160_000
PNG_DPI: Final = 130
COLOURS: Final = 256
"""Entries of a PNG's palette."""
_APART: Final = 5
"""Palette entries differ by at least this much in red, green or blue (0 to 255)."""


def save_compact(figure: Figure, folder: Path, name: str) -> Path:
    """Write ``figure`` into ``folder`` as ``name.svg`` or, where that is large, ``name.png``; return which.

    Equal figures give equal bytes.
    """
    path = folder / f"{name}.svg"
    save(figure, path)
    if path.stat().st_size <= SVG_BYTES_MAX:
        return path
    path.unlink()
    return _save_png(figure, folder / f"{name}.png")


def _save_png(figure: Figure, path: Path) -> Path:
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=PNG_DPI)
    indices, palette = reduced(np.asarray(Image.open(drawn).convert("RGB")))
    image = Image.fromarray(indices, mode="P")
    image.putpalette(palette.tobytes())
    image.save(path, format="PNG", optimize=True)
    return path


def reduced(pixels: Bytes) -> tuple[Bytes, Bytes]:
    """Reduce an image (rows x columns x RGB) to `COLOURS`: (palette position a pixel, palette).

    The palette has the most frequent colours, so what is drawn flat keeps its
    colour exactly; what smoothing put between them goes to the nearest one.
    """
    colours, place, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    values = colours.astype(np.int64)
    chosen: list[int] = []
    for candidate in np.argsort(-counts, kind="stable"):
        distance = np.abs(values[chosen] - values[candidate]).max(axis=1, initial=0)
        if not chosen or distance.min() >= _APART:
            chosen.append(int(candidate))
        if len(chosen) == COLOURS:
            break
    palette: Ints = values[chosen]
    nearest = np.array([int(np.argmin(((palette - value) ** 2).sum(axis=1))) for value in values])
    return nearest[place].reshape(pixels.shape[:2]).astype(np.uint8), colours[chosen]
