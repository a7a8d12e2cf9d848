"""The gallery: the right pictures, small, the same every time, each of them in the index."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from emulator.analysis.plots.compact import COLOURS, SVG_BYTES_MAX, reduced
from emulator.cli.gallery import _captions, gallery, index_page, library
from emulator.cli.pipeline import load_all

ROOT = Path(__file__).parents[2]
LAB = """\
version: 1
name: {name}
{description}
network:
  routers: {{r0: {{asn: 65000}}, r1: {{asn: 65001}}, r2: {{asn: 65002}}}}
  links:
    - {{ends: [r0, r1], delay: 10ms}}
    - {{ends: [r1, r2], delay: 10ms}}
duration: 20min
timeline:
  - {{at: 0s, announce: 203.0.113.0/24, router: r0}}
  - {{at: 10min, withdraw: 203.0.113.0/24, router: r0}}
"""


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of two labs, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text(LAB.format(name="a", description="description: Said in a key."))
    (folder / "b.yaml").write_text(
        "# Said in\n# a comment.\n#\n# More.\n" + LAB.format(name="b", description="")
    )
    return tmp_path


def made(*arguments: str) -> dict[str, bytes]:
    """The files of ``plots`` after a call with ``arguments``."""
    gallery.main([*arguments, "-q"], standalone_mode=False)
    return {str(path): path.read_bytes() for path in sorted(Path("plots").rglob("*")) if path.is_file()}


@pytest.mark.usefixtures("labs")
def test_pictures_and_index(capsys: pytest.CaptureFixture[str]) -> None:
    """Every picture is in the index, with what its scenario says of itself; made again, nothing changes."""
    files = made()
    assert capsys.readouterr().out.split() == ["plots/a", "plots/b"]
    pictures = [name for name in files if not name.endswith("README.md")]
    assert pictures == [f"plots/{lab}/{kind}.svg" for lab in "ab" for kind in ("changes", "updates")]
    index = files["plots/README.md"].decode()
    assert sorted(f"plots/{file}" for file, _ in _captions(index)) == pictures
    assert "Said in a key." in index
    assert "Said in a comment." in index
    assert "More" not in index
    assert made() == files


@pytest.mark.usefixtures("labs")
def test_one_scenario_alone(labs: Path) -> None:
    """Its pictures are drawn anew, and what was in the folder goes; the others and their captions stay."""
    files = made()
    (labs / "plots" / "a" / "load.svg").write_text("of an older version")
    assert made("scenarios/a.yaml") == files


def test_what_is_drawn_flat_keeps_its_colour() -> None:
    """Frequent colours are the palette; rare ones go to the nearest of it."""
    rng = np.random.default_rng(1)
    flat = np.array([[0, 0, 0], [255, 255, 255], [0, 114, 178]], np.uint8)
    image = flat[rng.integers(0, 3, (40, 60))]
    indices, palette = reduced(image)
    assert np.array_equal(palette[indices], image)
    noisy = np.concatenate([image, rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)])
    indices, palette = reduced(noisy)
    assert len(palette) == COLOURS
    assert np.array_equal(palette[indices][:40], image)
    found = np.linalg.norm(palette[indices][40:].astype(float) - noisy[40:], axis=2)
    every = np.linalg.norm(palette.astype(float) - noisy[40:].reshape(-1, 1, 3), axis=2).min(axis=1)
    assert np.allclose(found.ravel(), every)


def test_the_committed_gallery_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scenario of the library has its pictures, and the index is what they and the scenarios say."""
    monkeypatch.chdir(ROOT)
    plots = ROOT / "plots"
    loaded = load_all(library())
    names = sorted(one.document.name for one in loaded)
    assert sorted(path.name for path in plots.iterdir() if path.is_dir()) == names
    index = (plots / "README.md").read_text(encoding="utf-8")
    assert index_page(loaded, dict(_captions(index)), plots) == index
    assert not re.search(r"!\[[\w-]*\]", index)  # a caption, not a file's name
    large = [path for path in plots.rglob("*.svg") if path.stat().st_size > SVG_BYTES_MAX]
    assert large == []
