"""Tables for people: ruled and coloured on a terminal, aligned text elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEGIBLE: Final = 24
"""Characters that a column keeps on a narrow terminal; its heading wraps instead."""


def show_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """Print a table to stdout; columns whose position is in ``right`` are numbers."""
    if sys.stdout.isatty():
        _show_ruled(title, headings, rows, right)
        return
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]
    click.echo(title)
    for row in (headings, *rows):
        cells = [
            cell.rjust(w) if i in right else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo(("  " + "  ".join(cells)).rstrip())


def _show_ruled(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for i, heading in enumerate(headings):
        widest = max((len(row[i]) for row in rows), default=0)
        table.add_column(
            Text(heading),
            justify="right" if i in right else "left",
            overflow="fold",
            min_width=min(widest, _LEGIBLE),
        )
    for row in rows:
        table.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    Console(no_color=bool(os.environ.get("NO_COLOR")) or None).print(table)


def _style(cell: str) -> str:
    """Colour for the words that carry a verdict; everything else stays plain."""
    return {"FAILED": "bold red", "moved": "red", "gone": "red", "ok": "green", "new": "yellow"}.get(cell, "")
