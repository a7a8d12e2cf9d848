"""The package from Python: load, run, compare."""

from __future__ import annotations

from pathlib import Path

import pytest

import emulator
from emulator.errors import ScenarioError

CLIQUE = Path(__file__).parents[1] / "scenarios" / "clique-5-withdraw.yaml"


def test_a_path_runs_to_its_record() -> None:
    """The clique of five forgets its route in two MRAI rounds and two link delays."""
    record = emulator.run(CLIQUE)

    assert record.summary["events"][1]["control_plane_convergence_s"] == 60.02
    assert record.summary["events"][1]["announcements"] == 36


def test_a_loaded_scenario_runs_with_another_seed() -> None:
    """Nothing is drawn in this lab, so only the seed itself differs."""
    loaded = emulator.load(CLIQUE)

    first, second = emulator.run(loaded), emulator.run(loaded, seed=7)

    assert (first.summary["seed"], second.summary["seed"]) == (1, 7)
    assert emulator.compare(first, second) == ()


def test_runs_that_differ_are_told_apart() -> None:
    """A line is no clique: the differences are named by metric."""
    line = emulator.run(CLIQUE.with_name("line-6.yaml"))

    names = [difference.metric for difference in emulator.compare(emulator.run(CLIQUE), line)]

    assert "event[1].announcements" in names


def test_a_wrong_file_is_explained(tmp_path: Path) -> None:
    """The same located errors as on the command line."""
    file = tmp_path / "wrong.yaml"
    file.write_text("version: 1\nnmae: x\n", encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"wrong\.yaml:2:1"):
        emulator.run(file)
