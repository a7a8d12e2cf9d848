"""``ipa-emulator run``: simulate scenarios, write what came out, say it in a table."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from emulator.cli.captures import EPOCH

if TYPE_CHECKING:
    from emulator.cli.pipeline import Finished
    from emulator.record.run import Json
    from emulator.scenario.plan import FleetPlan, Plan
    from emulator.sim.journal import Journal

_STRATEGY_HEADINGS: Final = (
    "strategy", "requests", "lost", "slow", "RTT p50 / p99 before", "RTT p50 / p99 after",
    "service back p50 / max", "never back",
)  # fmt: skip
_LOSS_HEADINGS: Final = (
    "event", "at", "control plane", "lost by", "ASes", "of", "lost p50 / max", "never back", "settled",
)  # fmt: skip
_EVENT_HEADINGS: Final = (
    "event", "at", "control plane", "data plane", "announced", "withdrawn", "settled",
)  # fmt: skip


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where results go: the run's folder, or with several files the folder of their folders. "
                   "Default: out/<scenario's name>.")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Instead of the scenario's seed."
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print: a table, or summary.json (a list of them for several files).")  # fmt: skip
@click.option("--no-plots", is_flag=True, help="Write the data only, without pictures and report.")
@click.option(
    "--allow-code", is_flag=True, help="Let the scenario import a strategy of yours (module:Class)."
)
@click.option("--routes", is_flag=True, help="List the best routes in the summary of large networks too.")
@click.option("--routes-history/--no-routes-history", default=None,
              help="Keep what `explain` answers from (routes.zip). Default: unless the network is "
                   "very large.")  # fmt: skip
@click.option("--pcap", "pcaps", multiple=True, metavar="LINK",
              help="Also write the BGP session of LINK as a packet capture. LINK: two routers such as r0-r1 "
                   "(it is seen at the first), or a link's number. Repeatable.")  # fmt: skip
@click.option("--mrt", "routers", multiple=True, metavar="ROUTER",
              help="Also write MRT files of what ROUTER receives: messages, and tables at t = 0 and at the "
                   "end. Repeatable.")  # fmt: skip
@click.option("--epoch", metavar="TIME", default=EPOCH, show_default=True,
              help="When t = 0 is in captures and MRT files.")  # fmt: skip
@click.option("--jobs", "-j", type=click.IntRange(1, 1024), default=1, show_default=True, metavar="N",
              help="Processes for prefixes of an AS graph that do not interact (`mrai_scope: prefix` or "
                   "`full-table`, no processing delay). The results are the same.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the full traceback of an internal error."
)
def run(
    files: tuple[Path, ...], *, out: Path | None, seed: int | None, output: str, no_plots: bool,
    allow_code: bool, routes: bool, routes_history: bool | None, jobs: int, quiet: bool,
    pcaps: tuple[str, ...], routers: tuple[str, ...], epoch: str,
) -> int:  # fmt: skip
    """Simulate each scenario FILE and write what came out.

    Exit code 1 where an expectation of a scenario (`expect:`) does not hold.

    \b
    Examples:
      ipa-emulator run scenarios/red-sea-2024.yaml
      ipa-emulator run --seed 7 --out results --no-plots scenarios/clique.yaml
      ipa-emulator run --format json scenarios/ring.yaml | jq .events
      ipa-emulator run --pcap r0-r1 --mrt r2 scenarios/clique-5-withdraw.yaml
    """  # noqa: D301 - \b is click's mark for text that must not be re-wrapped
    from emulator.analysis.plots import FORMATS
    from emulator.cli.pipeline import default_folder, full_plan_of, load_all, plan_of, simulated, written
    from emulator.cli.progress import progress
    from emulator.record.folder import refuse_foreign

    loaded = load_all(files)
    folders = [
        default_folder(one.document.name)
        if out is None
        else out
        if len(loaded) == 1
        else out / one.document.name
        for one in loaded
    ]
    for folder in folders:
        refuse_foreign(folder)  # before minutes of work, not after
    build = partial(plan_of, seed=seed, allow_code=allow_code, routes=routes)
    full = partial(full_plan_of, seed=seed, allow_code=allow_code, routes=routes)
    if pcaps or routers:
        from emulator.cli.captures import captures

        wanted = [captures(full(one, what="captures need"), pcaps, routers, epoch) for one in loaded]
    summaries: list[Json] = []
    passed = True
    for number, (one, folder) in enumerate(zip(loaded, folders, strict=True)):
        command = f"ipa-emulator run {one.file}" + ("" if seed is None else f" --seed {seed}")
        write = partial(written, formats=() if no_plots else FORMATS, command=command)
        with progress(one.document.name, quiet=quiet) as report:
            if pcaps or routers:
                kept = wanted[number].watch()
                captured = wanted[number].plan
                journal = _journal(captured, routes_history)
                finished = simulated(captured, report, watch=kept, journal=journal)
                write(finished, folder, report=report, also=partial(wanted[number].write, kept))
            else:
                plan = full(one, what="a route history needs") if routes_history else build(one)
                finished = simulated(plan, report, journal=_journal(plan, routes_history), jobs=jobs)
                write(finished, folder, report=report)
        passed &= finished.passed
        summaries.append(finished.record.summary)
        if output == "text":
            show(finished)
            click.echo(
                f"{'results' if no_plots else 'report'}: {folder if no_plots else folder / 'report.html'}"
            )
    if output == "json":
        from emulator.record.jsontext import pretty

        click.echo(pretty(summaries[0] if len(summaries) == 1 else summaries), nl=False)
    return 0 if passed else 1


def _journal(plan: Plan | FleetPlan, is_kept: bool | None) -> Journal | None:
    """A run's journal; asked for, it is kept however large the network is. Compact speakers have none."""
    from emulator.scenario.plan import FleetPlan
    from emulator.sim.journal import Journal

    is_compact = isinstance(plan, FleetPlan) and not is_kept
    return None if is_kept is False or is_compact else Journal(is_forced=bool(is_kept))


def show(finished: Finished) -> None:
    """Print the summary of a run as tables, and every expectation with what was found."""
    from emulator.analysis.gate import describe_outcome
    from emulator.analysis.instants import outcomes
    from emulator.analysis.view import RunView
    from emulator.cli.console import show_table

    summary = finished.record.summary
    if summary.get("strategies"):
        rows = [_strategy_row(name, metrics) for name, metrics in summary["strategies"].items()]
        show_table(summary["scenario"], _STRATEGY_HEADINGS, rows, right=range(1, len(_STRATEGY_HEADINGS)))
    elif summary.get("events") and "reach" in finished.record.tables:
        rows = _loss_rows(finished)
        numbers = [i for i, heading in enumerate(_LOSS_HEADINGS) if heading not in ("event", "lost by")]
        show_table(summary["scenario"], _LOSS_HEADINGS, rows, right=numbers)
    elif summary.get("events"):
        rows = [_event_row(event) for event in outcomes(RunView(finished.record))]
        show_table(summary["scenario"], _EVENT_HEADINGS, rows, right=range(1, len(_EVENT_HEADINGS)))
    for outcome in finished.outcomes:
        verdict = "ok" if outcome.passed else "FAILED"
        click.echo(f"{verdict:6}  {outcome.expectation.text}  ({describe_outcome(outcome)})")
        sys.stdout.flush()


def _strategy_row(name: str, metrics: Json) -> tuple[str, ...]:
    from emulator.analysis.wording import NOTHING, count, duration, percent

    back = metrics.get("service_reconvergence_s")
    times, never = ("", "") if back is None else (NOTHING, NOTHING)
    if back and back["affected_groups"]:
        times = f"{duration(back['p50'])} / {duration(back['max'])}"
        never = f"{back['censored']} of {back['affected_groups']}"
    return (
        name,
        count(metrics["requests"]),
        percent(metrics["lost_requests"]["share"]),
        percent(metrics["slow_requests"]["share"]),
        _rtt(metrics, "before"),
        _rtt(metrics, "after"),
        times,
        never,
    )


def _rtt(metrics: Json, phase: str) -> str:
    from emulator.analysis.wording import milliseconds

    quantiles = metrics["rtt_ms"][phase]
    if quantiles["p50"] is None:
        return ""
    return f"{milliseconds(quantiles['p50'])} / {milliseconds(quantiles['p99'])}"


def _loss_rows(finished: Finished) -> list[tuple[str, ...]]:
    """Rows of a run on an AS graph: in time order, one an instant and kind of address that ASes lost."""
    from emulator.analysis.graphview import losses
    from emulator.analysis.instants import outcomes
    from emulator.analysis.view import RunView
    from emulator.analysis.wording import count, duration, loss_period

    view = RunView(finished.record)
    lost = {window.event: kinds for window, kinds in losses(view)}
    rows: list[tuple[str, ...]] = []
    for event in outcomes(view):
        head = (
            event["label"],
            duration(event["at_s"]),
            duration(event["control_plane_convergence_s"]),
        )
        settled = "yes" if event["quiescent"] else "no"
        kinds = lost.get(event["index"], ())
        if not kinds:
            rows.append((*head, "", "none", "", "", "", settled))
        for i, loss in enumerate(kinds):
            cells = (loss.kind, count(loss.lost), count(loss.of), loss_period(loss), count(loss.never))
            rows.append((*head, *cells, settled) if not i else ("", "", "", *cells, ""))
    return rows


def _event_row(event: Json) -> tuple[str, ...]:
    from emulator.analysis.wording import duration

    return (
        event["label"],
        duration(event["at_s"]),
        duration(event["control_plane_convergence_s"]),
        duration(event["data_plane_convergence_s"]),
        f"{event['announcements']:,}",
        f"{event['withdrawals']:,}",
        "yes" if event["quiescent"] else "no",
    )
