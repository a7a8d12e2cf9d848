"""Progress on stderr: bars on a terminal, a line a stage elsewhere, nothing with ``--quiet``."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class Report(Protocol):
    """What the simulation calls: how much (0 to 1) of the stage of that name is done."""

    def __call__(self, stage: str, done: float, /) -> None:
        """Stages come one after the other; a new name ends the one before."""


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Report]:
    """Show the progress of one run under ``title`` until the block ends."""
    if quiet:
        yield _silent
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield _OnTerminal(bars, title)
    else:
        lines = _AsLines(title)
        yield lines
        lines.finish()


def _silent(stage: str, done: float, /) -> None:
    del stage, done


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class _OnTerminal:
    """A bar a stage; finished ones stay until the run ends."""

    def __init__(self, bars: Bars, title: str) -> None:
        self._bars = bars
        self._title = title
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: float, /) -> None:
        if stage not in self._tasks:
            for task in self._tasks.values():
                self._bars.update(task, completed=1.0)
            self._tasks[stage] = self._bars.add_task(f"{self._title}: {stage}", total=1.0)
        self._bars.update(self._tasks[stage], completed=done)


class _AsLines:
    """One line when a stage ends, with its wall time: a log stays short and says what is slow."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._stage: str | None = None
        self._started = 0.0

    def __call__(self, stage: str, done: float, /) -> None:
        del done
        if stage != self._stage:
            self.finish()
            self._stage, self._started = stage, time.monotonic()

    def finish(self) -> None:
        """End the stage under way."""
        if self._stage is not None:
            elapsed = time.monotonic() - self._started
            print(f"{self._title}: {self._stage}, {elapsed:.1f} s", file=sys.stderr, flush=True)  # noqa: T201
            self._stage = None
