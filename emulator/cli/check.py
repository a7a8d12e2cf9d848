"""``ipa-emulator check``: the gate for CI."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.analysis.gate import Tolerance, Verdict
    from emulator.cli.pipeline import Finished

_SHOWN: Final = 40
"""Rows of a table; a changed seed moves everything, and nobody reads all of that."""


@click.command()
@click.argument("scenarios", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SCENARIO...")
@click.option("--baseline", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Folder of the committed metrics, one <name>.json a scenario.")  # fmt: skip
@click.option(
    "--update", is_flag=True, help="Write the metrics found as the new baseline; review and commit it."
)
@click.option("--tolerance", "tolerances", multiple=True, metavar="PATTERN=AMOUNT",
              help="Let metrics move: '*.rtt_ms.*=2%' of their value, or '*_s=0.5' in their unit. "
                   "Repeatable; the last that matches counts. Default: nothing may move.")  # fmt: skip
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the verdicts as JUnit XML.")  # fmt: skip
@click.option("--allow-code", is_flag=True, help="Let scenarios import a strategy of yours (module:Class).")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the full traceback of an internal error."
)
def check(
    scenarios: tuple[Path, ...], *, baseline: Path, update: bool, tolerances: tuple[str, ...],
    junit: Path | None, allow_code: bool, quiet: bool,
) -> int:  # fmt: skip
    """Run each SCENARIO and compare its metrics with the baseline; evaluate what it expects.

    Exit code 1 where a metric moved or an expectation does not hold, 2 where
    there is no baseline yet.

    \b
    Examples:
      ipa-emulator check scenarios/*.yaml --baseline tests/baselines
      ipa-emulator check scenarios/ring.yaml --baseline tests/baselines --update
      ipa-emulator check scenarios/*.yaml --baseline b --tolerance '*.rtt_ms.*=2%' --junit check.xml
    """  # noqa: D301 - \b is click's mark for text that must not be re-wrapped
    from emulator.analysis.gate import parse_tolerance, read_baseline
    from emulator.analysis.junit import write_junit
    from emulator.cli.pipeline import load_all, plan_of, simulated
    from emulator.cli.progress import progress

    allowed = [parse_tolerance(text) for text in tolerances]
    loaded = load_all(scenarios)
    if not update:
        for one in loaded:
            read_baseline(baseline, one.document.name)  # what is missing is said before minutes of work
    verdicts = []
    for one in loaded:
        started = time.monotonic()
        with progress(one.document.name, quiet=quiet) as report:
            finished = simulated(plan_of(one, allow_code=allow_code), report)
        verdict = _judged(finished, baseline, allowed, update=update, seconds=time.monotonic() - started)
        verdicts.append(verdict)
        _show(verdict)
    if junit is not None:
        write_junit(junit, verdicts)
    failed = [verdict.scenario for verdict in verdicts if not verdict.passed]
    click.echo(f"{len(verdicts) - len(failed)} of {len(verdicts)} scenarios passed")
    if failed and not update:
        click.echo("if the change is meant, run again with --update and commit the baseline with it")
    return 1 if failed else 0


def _judged(
    finished: Finished, folder: Path, allowed: Sequence[Tolerance], *, update: bool, seconds: float
) -> Verdict:
    """Compare with the baseline, or with ``update`` rewrite it and report what that changed."""
    from dataclasses import replace

    from emulator.analysis.gate import (
        Baseline,
        Verdict,
        baseline_path,
        baseline_tolerances,
        compare,
        read_baseline,
        write_baseline,
    )
    from emulator.analysis.metrics import flatten

    summary = finished.record.summary
    name, current = summary["scenario"], flatten(summary)
    old = read_baseline(folder, name) if not update or baseline_path(folder, name).exists() else None
    tolerances = [] if old is None else baseline_tolerances(old)
    differences = () if old is None else compare(old.metrics, current, [*tolerances, *allowed])
    verdict = Verdict(name, 0 if old is None else len(old.metrics), differences, finished.outcomes, seconds)
    if not update:
        return verdict
    write_baseline(folder, Baseline(name, summary["seed"], current, {} if old is None else old.tolerances))
    return replace(verdict, updated=True, compared=len(current))


def _show(verdict: Verdict) -> None:
    """Print what moved, which expectations failed, and a line that sums it up."""
    from emulator.analysis.gate import describe_outcome
    from emulator.analysis.wording import value_text
    from emulator.cli.console import show_table

    rows = [
        (d.kind, d.metric, value_text(d.expected), value_text(d.found), d.change) for d in verdict.differences
    ]
    rows.sort(key=lambda row: row[0] not in ("moved", "gone"))
    if rows:
        headings = ("", "metric", "baseline", "now", "change")
        show_table(f"{verdict.scenario}: metrics that differ", headings, rows[:_SHOWN], right=(2, 3, 4))
        if len(rows) > _SHOWN:
            click.echo(f"  ... and {len(rows) - _SHOWN} more")
    failed = [o for o in verdict.outcomes if not o.passed]
    if failed:
        expected = [("FAILED", o.expectation.text, describe_outcome(o)) for o in failed]
        show_table(
            f"{verdict.scenario}: expectations that do not hold", ("", "expectation", "found"), expected
        )
    state = "baseline written" if verdict.updated else "passed" if verdict.passed else "FAILED"
    held = len(verdict.outcomes) - len(failed)
    moved = len(verdict.failures)
    click.echo(
        f"{verdict.scenario}: {state} ({verdict.compared} metrics, {moved} moved; "
        f"{held} of {len(verdict.outcomes)} expectations hold; {verdict.seconds:.1f} s)"
    )
