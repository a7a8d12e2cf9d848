"""The same scenario and seed give the same bytes in another process, whatever the hash seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SMALL_WORLD = """
version: 1
name: small-world
network:
  world: builtin
  year: 2024
  networks:
    - {asn: 1299}
    - {asn: 174}
    - {asn: 6453}
    - {asn: 3356}
    - {generate: access, count: 60}
  cdn:
    asn: 54113
    pops: [LHR, FRA, MRS, IAD, SJC, SIN, TYO, SYD, GRU, JNB]
    transit: [1299, 174, 6453, 3356]
bgp: {mrai: {0s: 60%, 30s: 40%}, processing_delay: {uniform: [1ms, 20ms]}, fib_install_delay: 100ms}
duration: 4min
timeline:
  - {at: 1min, outage: {pop: FRA}, repair_after: 1min}
  - {at: 90s, degrade: {network: 1299, delay: +50ms, loss: 3%}}
  - {at: 100s, blackhole: {network: 174}}
strategies:
  anycast: {kind: anycast}
  ipa: {kind: ipa}
  ipa-cover: {kind: ipa, cover: true}
  unicast: {kind: unicast}
clients: {demand: 2k/s, hosts: pypi}
"""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder``."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def run(scenario: Path, out: Path, hash_seed: str, *options: str) -> None:
    """Run the program as a person does, in a process of its own."""
    subprocess.run(
        [sys.executable, "-m", "emulator", "run", str(scenario), "--out", str(out), "--quiet", *options],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
    )


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """Every file of a run: summary, trace, tables, pictures and report."""
    scenario = tmp_path / "small.yaml"
    scenario.write_text(SMALL_WORLD, encoding="utf-8")
    run(scenario, tmp_path / "first", "1")
    run(scenario, tmp_path / "second", "2")

    first, second = digests(tmp_path / "first"), digests(tmp_path / "second")

    assert len(first) > 15
    assert first == second


def test_another_seed_writes_other_bytes(tmp_path: Path) -> None:
    """The seed is not decoration."""
    scenario = tmp_path / "small.yaml"
    scenario.write_text(SMALL_WORLD, encoding="utf-8")
    run(scenario, tmp_path / "first", "1", "--no-plots")
    run(scenario, tmp_path / "second", "1", "--no-plots", "--seed", "2")

    first, second = digests(tmp_path / "first"), digests(tmp_path / "second")

    assert first["requests.parquet"] != second["requests.parquet"]
