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
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.figure import Figure

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
_GRAPH: Final = ("catchments", "connectivity", "detours", "updates")
_ORDER: Final = tuple(dict.fromkeys((*_FAULT, *_STEADY, *_GRAPH, *_LAB)))
_COMPARED: Final = ("anycast", "ipa")
"""Kinds of strategies; where a picture shows one strategy only, one of each: its namesake, or the first."""
_IMAGE: Final = re.compile(r"!\[(.*)\]\((.*)\)")


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

    index = into / INDEX
    captions = dict(_captions(index.read_text(encoding="utf-8"))) if index.exists() else {}
    for one in load_all(scenarios or library()):
        name = one.document.name
        with progress(name, quiet=quiet) as report:
            finished = simulated(plan_of(one), report)
            report("pictures", 0.0)
            drawn = _draw(RunView(finished.record), into / name)
        captions.update((f"{name}/{file}", caption) for file, caption in drawn.items())
        click.echo(str(into / name))
    write_text(index, index_page(load_all(library()), captions, into))
    return 0


def library() -> list[Path]:
    """Return the scenario files of the library, in alphabetical order."""
    return sorted(LIBRARY.glob("*.yaml"))


def chosen(view: RunView) -> list[Picture]:
    """Return the pictures that tell a run's story: of its kinds, and of one strategy a kind."""
    from emulator.analysis.plots import pictures

    kinds: tuple[str, ...] = _STEADY if view.phases.fault_s is None else _FAULT
    if view.catchments:
        kinds = (*kinds, *_GRAPH) if view.strategies else _GRAPH
    elif not view.strategies:
        kinds = _LAB
    shown: list[str] = []
    for kind in _COMPARED:
        of_kind = [name for name in view.strategies if view.kinds[name] == kind]
        shown += [kind] if kind in of_kind else of_kind[:1]
    found = pictures(view, kinds)
    return [picture for picture in found if picture.strategy is None or picture.strategy in shown]


def _draw(view: RunView, folder: Path) -> dict[str, str]:
    """Draw into a folder beside, then put it in place; return the title of each file.

    The old pictures stay until the new ones are whole.
    """
    import matplotlib as mpl

    from emulator.analysis.plots import draw
    from emulator.analysis.plots.compact import save_compact
    from emulator.analysis.plots.style import RC

    titles: dict[str, str] = {}
    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    with mpl.rc_context(cast("Any", RC)):
        for picture in chosen(view):
            figure = draw(view, picture)
            if figure is not None:
                titles[save_compact(figure, beside, picture.name).name] = _title(figure)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return titles


def _title(figure: Figure) -> str:
    """Return the finding that stands above a picture, for those who cannot see it."""
    from emulator.analysis.plots.style import TITLE_PT

    lines = [text.get_text() for text in figure.texts if text.get_fontsize() == TITLE_PT]
    return re.sub(r"[\[\]<>]", "", " ".join(lines))


def index_page(loaded: Sequence[Loaded], captions: Mapping[str, str], into: Path) -> str:
    """Write the index of the pictures in ``into``, in Markdown: runs with clients first, then the labs.

    ``captions``: file, relative to ``into`` -> what it shows.
    """
    from emulator.analysis.captions import CAPTIONS

    parts = [_HEAD, *(f"- **{kind}**: {CAPTIONS[kind]}" for kind in _ORDER), ""]
    for one in sorted(loaded, key=lambda one: (not one.document.strategies, one.document.name)):
        name = one.document.name
        if (into / name).is_dir():
            parts.append(f"## [{name}](../scenarios/{name}.yaml)\n\n{_about(one)}\n")
            files = sorted((into / name).iterdir(), key=lambda path: (_ORDER.index(_kind(path)), path.name))
            for path in files:
                file = f"{name}/{path.name}"
                parts.append(f"![{captions.get(file, path.stem)}]({file})\n")
    return "\n".join(parts)


def _captions(index: str) -> Iterator[tuple[str, str]]:
    """Yield (file, caption) of the pictures in an index: those not drawn again keep theirs."""
    for caption, file in _IMAGE.findall(index):
        yield file, caption


def _kind(path: Path) -> str:
    """Return the kind of picture that a file of that name has."""
    return path.stem if path.stem in _ORDER else path.stem.partition("-")[0]


def _about(one: Loaded) -> str:
    """Return the scenario's description or, without one, the first paragraph of its leading comment."""
    if one.document.description:
        return " ".join(one.document.description.split())
    lines: list[str] = []
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
