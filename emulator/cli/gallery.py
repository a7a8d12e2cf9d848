"""``python -m emulator.cli.gallery``: the pictures of the scenario library, for the README.

Runs the scenarios of ``scenarios/`` and puts the pictures that tell their story
into ``plots/<scenario>/``, with an index page ``plots/README.md``.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emulator.analysis.plots import Picture
    from emulator.analysis.view import RunView
    from emulator.scenario.loader import Loaded

LIBRARY: Final = Path("scenarios")
INDEX: Final = "README.md"
_HEAD: Final = """\
# Gallery

The scenario library in pictures.
Made by `make gallery` and by nothing else: what is changed here by hand is lost.
"""
_LAB: Final = ("updates", "changes")
_STEADY: Final = ("rtt-cdf", "map", "shares")
_FAULT: Final = ("success", "rtt", "reconvergence", "map", "shares")
_COMPARED: Final = ("anycast", "ipa")
"""Kinds of strategies; of each the first one stands for all where a picture shows one strategy only."""


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path), metavar="[SCENARIO...]")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=Path("plots"),
              show_default=True, help="The gallery's folder.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def gallery(scenarios: tuple[Path, ...], *, into: Path, quiet: bool) -> int:
    """Draw the gallery anew from each SCENARIO, by default scenarios/*.yaml, and its index.

    \b
    Example:
      python -m emulator.cli.gallery scenarios/red-sea-2024.yaml
    """  # noqa: D301 - \b is click's mark for text that must not be re-wrapped
    from emulator.analysis.view import RunView
    from emulator.cli.pipeline import load_all, plan_of, simulated
    from emulator.cli.progress import progress
    from emulator.record.folder import write_text

    for one in load_all(scenarios or library()):
        with progress(one.document.name, quiet=quiet) as report:
            finished = simulated(plan_of(one), report)
            report("pictures", 0.0)
            _draw(RunView(finished.record), into / one.document.name)
        click.echo(str(into / one.document.name))
    write_text(into / INDEX, index_page(load_all(library()), into))
    return 0


def library() -> list[Path]:
    """Return the scenario files of the library, in alphabetical order."""
    return sorted(LIBRARY.glob("*.yaml"))


def chosen(view: RunView) -> list[Picture]:
    """Return the pictures that tell a run's story: of its kinds, and of one strategy a kind."""
    from emulator.analysis.plots import pictures

    kinds = _LAB if not view.strategies else _STEADY if view.phases.fault_s is None else _FAULT
    firsts = [next((s for s in view.strategies if view.kinds[s] == kind), None) for kind in _COMPARED]
    found = pictures(view, kinds)
    found.sort(key=lambda picture: kinds.index(picture.kind))
    return [picture for picture in found if picture.strategy is None or picture.strategy in firsts]


def _draw(view: RunView, folder: Path) -> None:
    """Draw into a folder beside, then put it in place: the old pictures stay until the new are whole."""
    import matplotlib as mpl

    from emulator.analysis.plots import draw
    from emulator.analysis.plots.compact import save_compact
    from emulator.analysis.plots.style import RC

    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    with mpl.rc_context(cast("Any", RC)):
        for picture in chosen(view):
            figure = draw(view, picture)
            if figure is not None:
                save_compact(figure, beside, picture.name)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def index_page(loaded: Sequence[Loaded], into: Path) -> str:
    """Write the index of the pictures in ``into``, in Markdown: those with clients first, then the labs."""
    sections = []
    for one in sorted(loaded, key=lambda one: (not one.document.strategies, one.document.name)):
        name = one.document.name
        if (into / name).is_dir():
            sections.append("\n".join(_section(name, _about(one), into / name)))
    return "\n".join([_HEAD, *sections])


def _section(name: str, about: str, folder: Path) -> Iterator[str]:
    """Yield the parts of a scenario: what happens in it, then each picture with a line of its own."""
    from emulator.analysis.captions import CAPTIONS

    yield f"## [{name}](../scenarios/{name}.yaml)\n\n{about}\n"
    order = [*dict.fromkeys((*_FAULT, *_STEADY, *_LAB))]
    drawn = [(_kind(path.stem), path.name) for path in sorted(folder.iterdir())]
    for kind, file in sorted(drawn, key=lambda entry: (order.index(entry[0]), entry[1])):
        caption = re.split(r"(?<=[.?!]) ", CAPTIONS[kind])[0]
        yield f"![{name}: {caption}]({name}/{file})\n\n*{caption}*\n"


def _kind(stem: str) -> str:
    """Return the kind of picture that a file of that name has."""
    from emulator.analysis.plots import KINDS

    return stem if stem in KINDS else stem.partition("-")[0]


def _about(one: Loaded) -> str:
    """Return the scenario's description or, without one, the first paragraph of its leading comment."""
    if one.document.description:
        return " ".join(one.document.description.split())
    lines = []
    for line in one.data.decode("utf-8").splitlines():
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or (lines and not text):
            break
        if not text.startswith("yaml-language-server"):
            lines.append(text)
    return " ".join(lines)


if __name__ == "__main__":
    from emulator.cli.main import guarded

    sys.exit(guarded(lambda: gallery.main(standalone_mode=False)))
