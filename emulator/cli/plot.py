"""``ipa-emulator plot``: the pictures and the report of a finished run, drawn again."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path), metavar="RUN_DIR")
@click.option("--only", metavar="KIND,...",
              help="Draw only these: success, rtt, rtt-cdf, reconvergence, map, shares, catchments, "
                   "connectivity, detours, updates, changes, load. The other pictures and the report stay "
                   "as they are.")  # fmt: skip
@click.option("--format", "endings", default="svg,png", show_default=True, metavar="FORMAT,...",
              help="File formats: svg, png.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the full traceback of an internal error."
)
def plot(run_dir: Path, *, only: str | None, endings: str, quiet: bool) -> int:
    """Draw the pictures of the run in RUN_DIR again, and its report.

    Exit code 2 where the run has none of the pictures that are asked for.

    \b
    Examples:
      ipa-emulator plot out/red-sea-2024
      ipa-emulator plot out/red-sea-2024 --only map,reconvergence --format png
    """  # noqa: D301 - \b is click's mark for text that must not be re-wrapped
    from emulator.analysis.plots import absent
    from emulator.analysis.redraw import redraw
    from emulator.cli.progress import progress

    kinds = _listed(only)
    with progress(run_dir.name or str(run_dir), quiet=quiet) as report:
        files = redraw(run_dir, only=kinds, formats=_listed(endings), progress=report)
    for file in files:
        click.echo(str(file))
    for kind in absent(kinds, files):
        click.echo(f"{run_dir}: this run has no picture {kind}", err=True)
    return 0


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
