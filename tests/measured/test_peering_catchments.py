"""PEERING's measured catchments: what the models reach, and that none has looked at the answer."""

from __future__ import annotations

import importlib
import json
import lzma
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emulator.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[2] / "scenarios" / "measured"
SCRIPT = FOLDER / "peering_catchments.py"
SIX = ("3", "10", "15", "19", "22", "26")
METHODS = ("ping", "traceroute", "collectors")


def part(name: str) -> ModuleType:
    """A part of the script."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


@cache
def real_world() -> Any:  # noqa: ANN401 - a type of the script's
    """Everything measured; skips the test where nobody brought it."""
    data = part("brought").data_folder(None)
    try:
        world = part("peering_catchments").world_of(data)
    except InputError as error:
        pytest.skip(f"needs what users bring: {error}")
    numbers = [each.name.split("_")[0] for each in world.experiments]
    if not set(SIX) <= set(numbers):
        pytest.skip(f"needs the experiments {', '.join(SIX)} in {data}")
    # the figures are those of six, also where somebody brought all 28
    six = [each for each, number in zip(world.experiments, numbers, strict=True) if number in SIX]
    return type(world)(world.base, six)


@cache
def real_scores() -> Any:  # noqa: ANN401 - a type of the script's
    """All models in all experiments."""
    return part("peering_catchments").scores_of(real_world())


AT_LEAST = {
    ("graph", "share"): (0.58, 0.66, 0.66),
    ("single", "share"): (0.73, 0.81, 0.905),
    ("others", "share"): (0.765, 0.85, 0.90),
    ("single", "weighted"): (0.73, 0.85, 0.92),
    ("others", "weighted"): (0.80, 0.88, 0.935),
}
"""Means over the six experiments by ping, traceroute, collectors; a little less than was found."""


@pytest.mark.slow
@pytest.mark.parametrize(("model", "what"), AT_LEAST)
def test_models_reach_what_is_said_of_them(model: str, what: str) -> None:
    """The figures of ``peering_catchments.md``, with some slack for other versions of the data."""
    mean = part("peering_catchments").mean
    found = [mean(real_scores(), model, method, what) for method in METHODS]
    assert all(np.array(found) >= AT_LEAST[model, what]), found
    # the order that the methods stand in, and that nothing is right by accident
    assert max(found) < 0.99


@pytest.mark.slow
def test_learning_beats_the_graph_and_naming_the_larger_site() -> None:
    """In the mean, by every method."""
    mean = part("peering_catchments").mean
    for method in METHODS:
        learned = mean(real_scores(), "others", method)
        assert learned > mean(real_scores(), "graph", method) + 0.1
        assert learned > mean(real_scores(), "graph", method, "majority") + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("model", ["graph", "single", "others"])
def test_no_model_looks_at_the_answer(model: str) -> None:
    """With all that was measured in an experiment turned round, it is predicted the same."""
    world = real_world()
    for at, each in enumerate(world.usable[:2]):
        other = dict(zip(each.sites, each.sites[::-1], strict=True))
        turned = {
            method: {asn: other[site] for asn, site in found.items()} for method, found in each.landed.items()
        }
        experiments = list(world.usable)
        experiments[at] = replace(each, landed=turned)
        blind = type(world)(world.base, experiments)
        for shared in ("attached", "plain", "reaches", "cones"):  # made of single-site paths alone
            blind.__dict__[shared] = getattr(world, shared)
        blind.__dict__["fields"] = {
            **world.fields,
            each.name: part("peering_models").carry(world.attached.graph, blind.trial(experiments[at])),
        }
        assert np.array_equal(blind.predicted(experiments[at], model), world.predicted(each, model))


@pytest.mark.slow
def test_what_is_read_of_sites_is_single_site_paths() -> None:
    """Two-site paths are in the folders, and nothing of them is."""
    data = part("brought").data_folder(None) / "ground-truth" / "peering-two-site"
    world = real_world()
    both = set()
    for each in world.usable:
        name = "_".join(each.sites) + "_bgpstream_paths.csv"
        path = data / each.name / f"{name}.xz"
        text = (
            lzma.decompress(path.read_bytes()).decode()
            if path.exists()
            else (path.with_suffix("")).read_text()
        )
        both |= {line.split("\t")[2] for line in text.splitlines() if "61575" in line}
    read = {",".join(map(str, path)) for paths in world.paths.values() for path in paths}
    assert both
    assert not both & read


def made_up(folder: Path) -> Path:
    """Two transit ASes, eight customers, three sites and all pairs of them, measured without noise."""
    home = {"aa01": 10, "bb01": 20, "cc01": 11}
    lines = ["# made up", "10|20|0", "10|11|-1", *(f"{10 * (1 + n % 2)}|{100 + n}|-1" for n in range(8))]
    brought = folder / "bring-your-own"
    brought.mkdir(parents=True)
    name = part("brought").GRAPH
    (brought / name).write_bytes(lzma.compress("\n".join(lines).encode() + b"\n"))
    for number, sites in enumerate((("aa01", "bb01"), ("bb01", "cc01"), ("aa01", "cc01")), 1):
        experiment = folder / "ground-truth" / "peering-two-site" / f"{number}_{sites[0]}_{sites[1]}"
        experiment.mkdir(parents=True)
        for site in sites:
            to = {"aa01": "10,47065,61574,47065", "bb01": "20,47065", "cc01": "10,11,47065"}[site]
            across = f"20,{to}" if home[site] != 20 else f"10,{to}"
            rows = [f"rrc00\t{p.split(',')[0]}\t{p}" for p in (to, across, across)]
            (experiment / f"{site}_bgpstream_paths.csv").write_text("\n".join(rows) + "\n")
        near = {10: "aa01" if "aa01" in sites else "cc01", 20: "bb01" if "bb01" in sites else "aa01"}
        landed = {str(100 + n): [near[10 * (1 + n % 2)]] for n in range(8)}
        for file in part("peering_data").METHODS.values():
            (experiment / file).write_text(json.dumps(landed))
    return folder


def test_the_script_prints_every_model(tmp_path: Path) -> None:
    """On a made-up Internet where customers follow their only provider, the models are right."""
    done = subprocess.run(
        [sys.executable, SCRIPT, made_up(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    mean = done.stdout.split("\nmean")[1].splitlines()
    assert [line.split()[0] for line in mean[2:5]] == ["graph", "single", "others"]
    assert [float(each) for each in mean[4].split()[1:]] == [100] * 6
    assert "larger site for all" in mean[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["--help"], 0, "folder with the data"), (["one", "two"], 2, "unrecognized arguments: two")],
)
def test_the_script_says_what_it_takes(arguments: list[str], code: int, said: str) -> None:
    """One folder; nothing is ignored."""
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stdout + done.stderr


def test_the_graph_is_found_where_it_usually_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for data that are elsewhere."""
    usual = made_up(tmp_path / "usual")
    monkeypatch.setenv("IPA_EMULATOR_DATA", str(usual))
    brought = part("brought")
    expected = usual / "bring-your-own" / brought.GRAPH
    assert brought.relationships_file(tmp_path / "elsewhere") == expected


def test_an_as_that_landed_at_both_sites_is_left_out(tmp_path: Path) -> None:
    """And what is no AS path: an AS_SET."""
    data = made_up(tmp_path)
    folder = data / "ground-truth" / "peering-two-site"
    first = folder / "1_aa01_bb01"
    answers = first / part("peering_data").METHODS["ping"]
    answers.write_text('{"100": ["aa01", "bb01"], "101": ["bb01"], "102": ["elsewhere"]}')
    paths = first / "aa01_bgpstream_paths.csv"
    paths.write_text(paths.read_text() + "rrc00\t10\t10,{20,30},47065\n")
    experiment = part("peering_data").read_experiments(folder)[0]
    assert experiment.landed["ping"] == {101: "bb01"}
    assert len(experiment.alone["aa01"]) == 3


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("ground-truth", "github.com/sermpezis/bgp-estimation"),
        ("bring-your-own", "publicdata.caida.org"),
        ("ground-truth/peering-two-site/2_bb01_cc01/bb01_bgpstream_paths.csv", "cannot be read"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, missing: str, message: str) -> None:
    """With where to get it, and exit code 2."""
    data = made_up(tmp_path / "whole")
    (data / missing).rename(tmp_path / "away")
    environment = {**os.environ, "IPA_EMULATOR_DATA": str(data)}
    done = subprocess.run(
        [sys.executable, SCRIPT], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_answers_that_are_none_are_refused(tmp_path: Path) -> None:
    """A list in place of an object, with the file's name."""
    folder = made_up(tmp_path) / "ground-truth" / "peering-two-site"
    (folder / "1_aa01_bb01" / part("peering_data").METHODS["ping"]).write_text("[1, 2]")
    with pytest.raises(InputError, match=r"dp_pings.*expected an object"):
        part("peering_data").read_experiments(folder)
