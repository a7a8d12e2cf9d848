"""``python -m emulator.cli.gallery``: the pictures of the scenario library, for the README.

Runs every scenario of ``scenarios/`` and puts the pictures that tell its story
into ``plots/<scenario>/``, SVG and PNG; what is there of an earlier library goes.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

import click

SHOWN: Final = ("success", "rtt", "reconvergence", "map", "shares", "updates", "changes")
"""Kinds of pictures that go into the gallery."""


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path), metavar="[SCENARIO...]")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=Path("plots"),
              show_default=True, help="The gallery's folder.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def gallery(scenarios: tuple[Path, ...], *, into: Path, quiet: bool) -> int:
    """Draw the gallery anew from each SCENARIO, by default scenarios/*.yaml.

    \b
    Example:
      python -m emulator.cli.gallery scenarios/red-sea-2024.yaml
    """  # noqa: D301 - \b is click's mark for text that must not be re-wrapped
    from emulator.analysis.plots import draw_all
    from emulator.analysis.view import RunView
    from emulator.cli.pipeline import load_all, plan_of, simulated
    from emulator.cli.progress import progress

    for one in load_all(scenarios or sorted(Path("scenarios").glob("*.yaml"))):
        with progress(one.document.name, quiet=quiet) as report:
            finished = simulated(plan_of(one), report)
            folder, beside = into / one.document.name, into / f".{one.document.name}.partial"
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            draw_all(RunView(finished.record), beside, only=SHOWN, progress=report)
            shutil.rmtree(folder, ignore_errors=True)
            beside.rename(folder)
        click.echo(str(folder))
    return 0


if __name__ == "__main__":
    from emulator.cli.main import guarded

    sys.exit(guarded(lambda: gallery.main(standalone_mode=False)))
