"""The pictures and the report of a finished run, made again from its folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from emulator.analysis.plots import FORMATS, draw_all, drawable
from emulator.analysis.report import write_report
from emulator.analysis.view import RunView
from emulator.errors import InputError
from emulator.record.folder import read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def redraw(
    folder: Path,
    *,
    only: Sequence[str] = (),
    formats: Sequence[str] = FORMATS,
    progress: Callable[[str, float], None] | None = None,
) -> list[Path]:
    """Draw the pictures of the run in ``folder`` into its ``plots`` and, without ``only``, its report.

    Each file is complete or the old one. Returns the files written, in the
    report's order. Raises `InputError` where ``folder`` holds no run, for an
    unknown kind or format, and where the run has no picture of the kinds in ``only``.
    """
    view = RunView(read_run(folder))
    plots, beside = folder / "plots", folder / ".plots.partial"
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        plots.mkdir(exist_ok=True)
    except OSError as error:
        message = f"{folder}: cannot be written: {error.strerror or error}"
        raise InputError(message) from error
    try:
        drawn = draw_all(view, beside, only=only, formats=formats or FORMATS, progress=progress)
        if only and not drawn:
            message = (
                f"{folder}: this run has no picture {' or '.join(only)}; it has {', '.join(drawable(view))}"
            )
            raise InputError(message)
        files = [path.replace(plots / path.name) for path in drawn]
        if not only:
            files.append(write_report(view, folder))
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return files
