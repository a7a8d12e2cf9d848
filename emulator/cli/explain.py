"""``ipa-emulator explain``: why a router has the route it has, and every change of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.record.run import Json
    from emulator.scenario.loader import Loaded


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path), metavar="SCENARIO")
@click.option("--router", required=True, metavar="R",
              help="Its name, or its AS (AS65001) where that has one router.")  # fmt: skip
@click.option("--prefix", required=True, metavar="P",
              help="An announced prefix, or an address: then all prefixes that cover it.")  # fmt: skip
@click.option("--at", metavar="T", help="Simulated time, such as 90s; 0s: the settled state, before anything "
                                        "happens. Default: the end.")  # fmt: skip
@click.option("--watch", is_flag=True, help="List every change of the route up to then, with its cause.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N",
              help="Instead of the scenario's seed.")  # fmt: skip
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print: tables, or one JSON object (a list for an address).")  # fmt: skip
@click.option(
    "--allow-code", is_flag=True, help="Let the scenario import a strategy of yours (module:Class)."
)
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the full traceback of an internal error."
)
def explain(
    scenario: Path, *, router: str, prefix: str, at: str | None, watch: bool, seed: int | None, output: str,
    allow_code: bool, quiet: bool,
) -> None:  # fmt: skip
    """Say why router R has the route it has for prefix P at time T.

    SCENARIO is a scenario file, or the folder of a finished run. Prints every
    candidate with the step of the decision process that it lost by, the routes
    that were refused, where the winner is announced, and why not elsewhere.

    A finished run of the same file and seed in out/ answers at once; otherwise
    the control plane is simulated, without clients.

    \b
    Examples:
      ipa-emulator explain scenarios/ring-5.yaml --router r2 --prefix 203.0.113.0/24 --at 10s
      ipa-emulator explain out/red-sea-2024 --router AS1299@Stockholm --prefix 198.18.0.1
      ipa-emulator explain scenarios/ring-5.yaml --router r2 --prefix 203.0.113.0/24 --watch
    """  # noqa: D301 - \b is click's mark for text that must not be re-wrapped
    from emulator.cli.explain_text import show_changes, show_route
    from emulator.cli.lookup import prefixes_named

    answers = (
        _recorded(scenario, router, prefix, at, watch=watch, seed=seed)
        if scenario.is_dir()
        else _of_file(
            scenario, router, prefix, at, watch=watch, seed=seed, allow_code=allow_code, quiet=quiet
        )
    )
    if output == "json":
        from emulator.record.jsontext import pretty

        is_one = prefixes_named(prefix) is None
        click.echo(pretty(answers[0] if is_one else answers), nl=False)
        return
    for answer in answers:
        (show_changes if watch else show_route)(answer)


def _of_file(
    file: Path, router: str, prefix: str, at: str | None, *, watch: bool, seed: int | None, allow_code: bool,
    quiet: bool,
) -> list[Json]:  # fmt: skip
    """Answer from a finished run of ``file`` where there is one, else by simulating."""
    from emulator.scenario.loader import load

    loaded = load(file)
    folder = _fresh_run(loaded, seed)
    if folder is not None:
        if not quiet:
            click.echo(f"{loaded.document.name}: from {folder}", err=True)
        return _recorded(folder, router, prefix, at, watch=watch, seed=None)
    return _simulated(loaded, router, prefix, at, watch=watch, seed=seed, allow_code=allow_code, quiet=quiet)


def _fresh_run(loaded: Loaded, seed: int | None) -> Path | None:
    """The folder of a finished run of this file's very bytes, this seed and this version."""
    import hashlib
    import json

    from emulator.cli.pipeline import default_folder
    from emulator.errors import InputError
    from emulator.record.folder import MANIFEST
    from emulator.record.routes import ROUTES, read_index
    from emulator.version import __version__

    folder = default_folder(loaded.document.name)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        inputs: dict[str, str] = manifest["inputs"]
        data = {
            name: loaded.data if name == Path(loaded.file).name else (loaded.folder / name).read_bytes()
            for name in inputs
        }
        is_same = (
            Path(loaded.file).name in inputs
            and all(hashlib.sha256(data[name]).hexdigest() == digest for name, digest in inputs.items())
            and manifest["version"] == __version__
            and manifest["seed"] == (loaded.document.seed if seed is None else seed)
        )
        if is_same:
            read_index(folder / ROUTES)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError):
        return None
    return folder if is_same else None


def _recorded(
    folder: Path, router: str, prefix: str, at: str | None, *, watch: bool, seed: int | None
) -> list[Json]:
    """Answer from the route history of a finished run."""
    from emulator.cli.lookup import instant_named, prefixes_in, router_in
    from emulator.errors import InputError
    from emulator.record.folder import read_manifest
    from emulator.record.routes import ROUTES, read_index
    from emulator.sim.explain import explain_route
    from emulator.sim.replay import read_router
    from emulator.sim.route_changes import watch_route

    its_seed = read_manifest(folder)["seed"]
    if seed is not None and seed != its_seed:
        message = f"--seed {seed}: the run in {folder} has seed {its_seed}; give the scenario file instead"
        raise InputError(message)
    changes = folder / "tables" / "best_paths.parquet"
    if changes.exists() and not (folder / ROUTES).exists():  # which only compact speakers write
        message = (
            f"{folder}: compact speakers keep no route history; say `network: {{speakers: full}}` in the "
            f"scenario (up to 2,000 routers) and run it again, or look into {changes}, the best paths alone"
        )
        raise InputError(message)
    index = read_index(folder / ROUTES)
    instant = instant_named(at, index["duration"])
    prefixes = prefixes_in(index["prefixes"], prefix)
    history = read_router(folder / ROUTES, router_in(index["routers"], router), index)
    if watch:
        return [watch_route(history, each, instant) for each in prefixes]
    speaker = history.at(instant)
    return [explain_route(speaker, each, instant, index) for each in prefixes]


def _simulated(
    loaded: Loaded, router: str, prefix: str, at: str | None, *, watch: bool, seed: int | None,
    allow_code: bool, quiet: bool,
) -> list[Json]:  # fmt: skip
    """Answer by simulating the control plane up to the instant."""
    from emulator.cli.lookup import instant_named, prefixes_in, router_in
    from emulator.cli.pipeline import full_plan_of
    from emulator.cli.progress import progress
    from emulator.sim.control import control_plane
    from emulator.sim.explain import explain_route
    from emulator.sim.journal import Journal, index_of
    from emulator.sim.replay import history_of
    from emulator.sim.route_changes import watch_route

    with progress(loaded.document.name, quiet=quiet) as report:
        plan = full_plan_of(loaded, "`explain` needs", seed=seed, allow_code=allow_code)
        index = index_of(plan)
        instant = instant_named(at, plan.duration)
        prefixes: Sequence[int] = prefixes_in(index["prefixes"], prefix)
        number = router_in(index["routers"], router)
        journal = Journal((number,), is_forced=True) if watch else None
        emulation = control_plane(plan, instant, journal=journal, progress=report)
    if journal is None:
        return [explain_route(emulation.speakers[number], each, instant, index) for each in prefixes]
    members: dict[str, Any] = journal.members(plan, emulation.recorder.trace) or {}
    return [watch_route(history_of(members, number), each, instant) for each in prefixes]
