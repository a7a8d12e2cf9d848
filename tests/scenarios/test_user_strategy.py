"""A strategy of one's own: code that a scenario names runs only where it is allowed to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NEAREST = '''
"""Everything to the provider with the least median RTT."""
from pathlib import Path

import numpy as np

Path(__file__).with_name("imported").touch()


class Nearest:
    def shares(self, view):
        with np.errstate(all="ignore"):
            median = np.nanmedian(view.samples_ms, axis=2)
        return (median == median.min(axis=1, keepdims=True)).astype(float)


class Nonsense:
    def shares(self, view):
        return np.full((len(view.groups), len(view.addresses)), -1.0)
'''

SCENARIO = """
version: 1
name: own-strategy
network:
  world: builtin
  networks: [{asn: 1299}, {asn: 174}, {asn: 6453}, {generate: access, count: 40}]
  cdn: {asn: 54113, pops: [LHR, FRA, IAD, SJC, SIN, TYO], transit: [1299, 174, 6453], peers: none}
duration: 1min
strategies:
  anycast: {kind: anycast}
  nominal: {kind: ipa, ranking: none}
  own: {kind: user, class: "mysteering:Nearest"}
clients: {demand: 1k/s}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario and, beside it, the module that it names."""
    (tmp_path / "own.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "mysteering.py").write_text(NEAREST, encoding="utf-8")
    return tmp_path


def emulator(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the scenario from another folder."""
    return subprocess.run(
        [sys.executable, "-m", "emulator", "run", str(folder / "own.yaml"), "--no-plots", *options],
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_code_is_refused_unless_it_is_allowed(folder: Path) -> None:
    """A scenario from a stranger must not run code: exit 2, the place and the way out, nothing imported."""
    done = emulator(folder, "--out", str(folder / "out"))

    assert done.returncode == 2
    assert "own.yaml:12:" in done.stderr
    assert "--allow-code" in done.stderr
    assert not (folder / "imported").exists()


def test_an_allowed_class_steers(folder: Path) -> None:
    """Its choice of the nearest provider beats the nominal mix."""
    done = emulator(folder, "--out", str(folder / "out"), "--allow-code")

    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))["strategies"]
    assert found["own"]["rtt_ms"]["before"]["p50"] < found["nominal"]["rtt_ms"]["before"]["p50"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mysteering:Missing", "cannot be loaded"),
        ("nowhere:Nearest", "nowhere"),
        ("mysteering:Nonsense", "Nonsense"),
    ],
)
def test_a_class_that_does_not_work_is_named(folder: Path, name: str, said: str) -> None:
    """Exit 2 and a message that names it; no traceback."""
    scenario = folder / "own.yaml"
    scenario.write_text(
        scenario.read_text(encoding="utf-8").replace("mysteering:Nearest", name), encoding="utf-8"
    )

    done = emulator(folder, "--out", str(folder / "out"), "--allow-code")

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
