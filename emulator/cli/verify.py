"""``ipa-emulator verify``: a scenario on real routing daemons, their routes held against the emulator's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from emulator.verify.daemons import DAEMONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.scenario.loader import Loaded
    from emulator.scenario.plan import Plan
    from emulator.verify.daemons.base import DaemonKind
    from emulator.verify.measure import Measured
    from emulator.verify.run import Verification

LIKE: Final = "like"
_SHOWN_MAX: Final = 40
"""Differences printed for a step; ``--format json`` has all."""
_DAEMON_FAILED: Final = 3


@click.command(epilog="Example: ipa-emulator verify scenarios/clique-5-withdraw.yaml --against bird")
@click.argument("file", type=click.Path(path_type=Path), metavar="SCENARIO")
@click.option("--against", multiple=True, required=True, type=click.Choice([*DAEMONS, LIKE]),
              help="The daemon that every router is run with; several are taken one after the other. "
                   "`like`: each router by the daemon that its `like` names.")  # fmt: skip
@click.option(
    "--mix", is_flag=True, help="Deal the daemons out over the routers instead: one network of all."
)
@click.option("--measure", is_flag=True,
              help="Capture what is sent, and tell time and messages beside the emulator's.")  # fmt: skip
@click.option("--delays/--no-delays", default=True, show_default=True,
              help="Give the links the scenario's delays, through a relay in user space.")  # fmt: skip
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Keep configurations, logs and captures there.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(min=1), default=300.0, show_default=True, metavar="SECONDS",
              help="How long daemons may take to become quiet, each time.")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Instead of the scenario's seed."
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def verify(
    file: Path, *, against: tuple[str, ...], mix: bool, measure: bool, delays: bool, keep: Path | None,
    timeout: float, seed: int | None, output: str, quiet: bool,
) -> None:  # fmt: skip
    """Run SCENARIO on real routing daemons and compare every best route.

    Needs Linux and root: the daemons run in network namespaces of their own,
    which are gone afterwards. The timeline's events follow each other as soon
    as all is quiet. Exit code 0: the same routes on every router after every
    step; 1: differences; 2: the input is wrong, or something is not installed;
    3: a daemon failed.
    """
    from emulator.verify.daemons.base import DaemonError
    from emulator.verify.lab import require_linux_root
    from emulator.verify.run import verify as run_daemons

    loaded, plan = _read(file, seed)
    require_linux_root()
    assignments = _assignments(loaded, plan, against, mix=mix)
    found = []
    for number, kinds in enumerate(assignments):
        folder = keep if keep is None or len(assignments) == 1 else keep / against[number]
        try:
            outcome = run_daemons(
                plan,
                kinds,
                delays=delays,
                measure=measure,
                keep=folder,
                limit_s=timeout,
                progress=lambda said: (
                    None if quiet or not sys.stderr.isatty() else click.echo(said, err=True)
                ),
            )
        except DaemonError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(_DAEMON_FAILED)
        found.append(outcome)
        if output == "text":
            _show(outcome)
    if output == "json":
        click.echo(json.dumps([as_json(outcome) for outcome in found], indent=2))
    sys.exit(0 if all(outcome.agrees for outcome in found) else 1)


def _read(file: Path, seed: int | None) -> tuple[Loaded, Plan]:
    """Load and resolve the scenario, and refuse what no real router can be made to do."""
    from emulator.cli.pipeline import full_plan_of
    from emulator.scenario.loader import load
    from emulator.verify.play import refuse_unplayable

    loaded = load(file)
    plan = full_plan_of(loaded, "`verify` needs", seed=seed)
    refuse_unplayable(plan, loaded.problem)
    return loaded, plan


def _assignments(loaded: Loaded, plan: Plan, against: Sequence[str], *, mix: bool) -> list[list[DaemonKind]]:
    """For each verification the daemon of every router. Raises `InputError` for one that is not installed."""
    from emulator.verify.daemons import kind_of

    routers = plan.network.routers
    names = list(dict.fromkeys(against))
    if mix:
        by_router = [[names[router.index % len(names)] for router in routers]]
    else:
        by_router = [[name] * len(routers) for name in names]
    chosen = [_named(loaded, plan, each) for each in by_router]
    kinds = {name: kind_of(name) for each in chosen for name in dict.fromkeys(each)}
    for kind in kinds.values():
        kind.require()
    return [[kinds[name] for name in each] for each in chosen]


def _named(loaded: Loaded, plan: Plan, names: list[str]) -> list[str]:
    """Put the daemon that a router's `like` names in place of ``like``."""
    if LIKE not in names:
        return names
    from emulator.errors import Problem, ScenarioError

    document: Any = loaded.document
    specs: dict[str, Any] = getattr(document.network, "routers", {})
    problems: list[Problem] = []
    chosen = []
    for router, name in zip(plan.network.routers, names, strict=True):
        like = name
        if name == LIKE:
            spec = specs.get(router.name)
            like = getattr(spec, "like", None) or getattr(document.bgp, "like", None) or ""
            if like not in DAEMONS:
                said = f"`like: {like}`" if like else "no `like`"
                message = f"expected `like` to be one of {', '.join(DAEMONS)} for --against like, got {said}"
                problems.append(loaded.problem(("network", "routers", router.name), message))
        chosen.append(like)
    if problems:
        raise ScenarioError(tuple(problems))
    return chosen


def _show(outcome: Verification) -> None:
    from emulator.cli.console import show_table

    daemons = ", ".join(f"{count} {name}" for name, count in outcome.daemons.items())
    is_measured = any(step.measured is not None for step in outcome.steps)
    headings = ["step", "routes", "differences", "agreed after"]
    if is_measured:
        headings += ["emulator: time", "announced", "withdrawn", "daemons: time", "announced", "withdrawn"]
    rows = []
    for step in outcome.steps:
        row = [step.label, f"{step.entries:,}", f"{len(step.differences):,}", f"{step.waited_s:.2f} s"]
        if is_measured:
            row += [*_measured_row(step.expected), *_measured_row(step.measured)]
        rows.append(row)
    show_table(f"{outcome.scenario} against {daemons}", headings, rows, right=range(1, len(headings)))
    for step in outcome.steps:
        for difference in step.differences[:_SHOWN_MAX]:
            click.echo(f"  {step.label}: {difference}")
        if len(step.differences) > _SHOWN_MAX:
            click.echo(f"  {step.label}: and {len(step.differences) - _SHOWN_MAX:,} more")
    total = sum(step.entries for step in outcome.steps)
    count = sum(len(step.differences) for step in outcome.steps)
    click.echo(f"{total:,} routes compared, {count:,} difference{'' if count == 1 else 's'}")


def _measured_row(measured: Measured | None) -> tuple[str, str, str]:
    if measured is None:
        return "", "", ""
    time = "" if measured.duration_ns is None else f"{measured.duration_ns / 1e9:.3f} s"
    return time, f"{measured.announcements:,}", f"{measured.withdrawals:,}"


def as_json(outcome: Verification) -> dict[str, Any]:
    """Everything that a verification found, for programs."""
    return {
        "scenario": outcome.scenario,
        "daemons": outcome.daemons,
        "agrees": outcome.agrees,
        "steps": [
            {
                "label": step.label,
                "routes": step.entries,
                "agreed_after_s": round(step.waited_s, 3),
                "emulator": _measured_json(step.expected),
                "measured": _measured_json(step.measured),
                "differences": [
                    {
                        name: getattr(each, name)
                        for name in ("router", "prefix", "field", "emulator", "daemon")
                    }
                    for each in step.differences
                ],
            }
            for step in outcome.steps
        ],
    }


def _measured_json(measured: Measured | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    begun, lasted = (
        None if time is None else time / 1e9 for time in (measured.begun_ns, measured.duration_ns)
    )
    return {
        "begun_s": begun,
        "duration_s": lasted,
        "announcements": measured.announcements,
        "withdrawals": measured.withdrawals,
    }
