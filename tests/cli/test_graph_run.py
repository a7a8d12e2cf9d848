"""Runs on AS graphs as a person starts them: the same bytes anywhere, refusals with a way out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.cli.main import main
from emulator.record.folder import read_run

SMALL = """\
version: 1
name: graph
network:
  generate: {ases: 60}
  cdn: {asn: 54113, pops: 3}
  collectors: {rv: [5, 9]}
bgp: {mrai: {0s: 60%, 30s: 40%}, processing_delay: {uniform: [1ms, 5ms]}}
duration: 5min
timeline:
  - {at: 1min, outage: {pop: POP1}, repair_after: 1min}
  - {at: 150s, withdraw: {provider: 1}, repair_after: 1min}
strategies:
  anycast: {kind: anycast}
  ipa: {kind: ipa}
clients: {demand: 60/s, population: {count: 10}}
"""
LARGE = (
    SMALL.replace("ases: 60", "ases: 4000").replace("pops: 3", "pops: 5").replace("[5, 9]", "[50, 90]")
).replace("processing_delay: {uniform: [1ms, 5ms]}", "mrai_scope: prefix")
"""Twice its links, times its prefixes, is above what loops are compiled from."""
IS_COMPILED = (
    "import sys; from emulator.cli.main import main; code = main(sys.argv[1:]); "
    "from emulator.compiled import is_compiled; print('compiled' if is_compiled() else 'plain'); "
    "sys.exit(code)"
)


def files_of(scenario: Path, name: str, *options: str, **environment: str) -> tuple[dict[str, bytes], str]:
    """Every file of a run in a process of its own, and in which form that had its loops."""
    folder = scenario.parent / name
    arguments = ["run", scenario.name, "--no-plots", "-q", "--out", name, *options]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
    command = [sys.executable, "-c", IS_COMPILED, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environ, cwd=scenario.parent
    )
    assert done.returncode == 0, done.stderr
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return found, done.stdout.split()[-1]


def assert_equal(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """The same files, each the same to the byte."""
    assert list(one) == list(other)
    assert [name for name in one if one[name] != other[name]] == []
    assert {"summary.json", "trace.jsonl", "requests.parquet", "tables/reach.parquet"} <= set(one)


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    """With another PYTHONHASHSEED, of a run in which much happens."""
    path = tmp_path / "s.yaml"
    path.write_text(SMALL)
    one, form = files_of(path, "one", PYTHONHASHSEED="1")
    other, _ = files_of(path, "other", PYTHONHASHSEED="4711")

    assert form == "plain"  # small ones are done before loops would be compiled
    assert_equal(one, other)
    assert one["trace.jsonl"].count(b"best-path") > 100


@pytest.mark.slow
def test_compiled_and_plain_loops_write_the_same_bytes(tmp_path: Path) -> None:
    """And so do several processes where prefixes are run apart."""
    pytest.importorskip("numba", reason="without numba there is one form only")
    path = tmp_path / "s.yaml"
    path.write_text(LARGE)
    compiled, form = files_of(path, "compiled", IPA_EMULATOR_COMPILED="1", PYTHONHASHSEED="1")
    plain, other_form = files_of(path, "plain", IPA_EMULATOR_COMPILED="0", PYTHONHASHSEED="2")
    apart, _ = files_of(path, "apart", "--jobs", "2", IPA_EMULATOR_COMPILED="1", PYTHONHASHSEED="3")

    assert (form, other_form) == ("compiled", "plain")
    assert_equal(compiled, plain)
    assert_equal(compiled, apart)


@pytest.mark.parametrize(
    ("arguments", "needs"),
    [
        (["run", "s.yaml", "--pcap", "AS1-AS2"], "captures need"),
        (["run", "s.yaml", "--mrt", "AS1"], "captures need"),
        (["run", "s.yaml", "--routes-history"], "a route history needs"),
        (["explain", "s.yaml", "--router", "AS5", "--prefix", "198.18.0.1"], "`explain` needs"),
        (["verify", "s.yaml", "--against", "bird"], "`verify` needs"),
    ],
)
def test_what_only_full_speakers_can_tell(
    arguments: list[str], needs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Refused at the network's place, with what to write there; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(SMALL)

    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert (
        f"s.yaml:4:3: network: {needs} full speakers: add `speakers: full`, for up to 2,000 routers" in said
    )
    assert not Path("out").exists()


def test_expectations_name_catchments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All POPs' parts of the clients add up to all; a site that is not there is no value, and fails."""
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(
        f"{SMALL}expect:\n"
        "  - catchments.shared.end.POP2.weight > 0%\n"
        "  - catchments.shared.end.POP9.ases > 1\n"
    )

    assert main(["run", "s.yaml", "--no-plots", "-q"]) == 1
    said = capsys.readouterr().out
    assert "ok      catchments.shared.end.POP2.weight > 0%" in said
    assert "FAILED  catchments.shared.end.POP9.ases > 1  (found no such value)" in said
    ends = json.loads(Path("out/graph/summary.json").read_text())["catchments"]["shared"]["end"]
    assert sum(site["weight"] for site in ends.values()) == pytest.approx(1)
    assert sum(site["ases"] for site in ends.values()) == 60


def test_explain_says_at_once_that_compact_speakers_have_no_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a finished run: running it again with an option would not do."""
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(SMALL)
    assert main(["run", "s.yaml", "--no-plots", "-q"]) == 0
    capsys.readouterr()

    assert main(["explain", "out/graph", "--router", "AS5", "--prefix", "198.18.0.1"]) == 2
    said = capsys.readouterr().err
    assert "out/graph: compact speakers keep no route history; say `network: {speakers: full}` in the" in said
    assert "--routes-history" not in said


PREFIXES = """\
version: 1
name: prefixes
network:
  generate: {ases: 60, seed: 1}
  speakers: SPEAKERS
  prefixes: {AS40: [203.0.113.0/24, 198.51.100.0/24], AS50: [192.0.2.0/24]}
bgp: {mrai: 0s}
duration: 5min
timeline:
  - {at: 10s, withdraw: 203.0.113.0/24, router: AS40, repair_after: 20s}
  - {at: 1min, outage: {network: 50}}
  - {at: 2min, announce: 203.0.113.0/25, router: AS30, repair_after: 30s}
  - {at: 4min, degrade: {network: 40, delay: +100ms, loss: 10%}}
expect:
  - event[0].loss_of_connectivity[203.0.113.0/24].never == 57
  - event[0].loss_of_connectivity[198.51.100.0/24].ases == 0
  - event[0].loss_of_connectivity[192.0.2.0/24].ases == 0
  - event[1].loss_of_connectivity[192.0.2.0/24].never == 57
  - event[1].loss_of_connectivity[203.0.113.0/24].ases == 0
  # Half of the prefix is announced elsewhere: the other half stays where it was.
  - event[2].loss_of_connectivity[203.0.113.0/24].ases == 0
  - catchments[203.0.113.0/24].end.AS40.ases == 57
  - catchments[192.0.2.0/24].start.AS50.ases == 57
  - catchments[192.0.2.0/24].end.no-route.ases == 57
"""


@pytest.mark.parametrize("speakers", ["compact", "full"])
def test_every_prefix_is_a_destination(
    speakers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a CDN: by name in the summary, in both tables and in what is printed; whoever speaks."""
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(PREFIXES.replace("SPEAKERS", speakers))

    assert main(["run", "s.yaml", "--no-plots", "-q"]) == 0, capsys.readouterr().out
    printed = capsys.readouterr().out
    assert "192.0.2.0/24" in printed
    assert "AS40: +100 ms and 10 % loss" in printed
    run = read_run(Path("out/prefixes"))
    names = ["203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24", "203.0.113.0/25"]
    assert list(dict.fromkeys(run.tables["sites"]["destination"])) == names
    assert set(run.tables["reach"]["destination"]) == set(names)


DISCARDED = """\
version: 1
name: discarded
network:
  generate: {ases: 60, seed: 1}
  speakers: full
  prefixes: {AS40: [203.0.113.0/24, 192.0.2.0/24]}
bgp: {mrai: 0s, honor_blackhole: true, export: [mark]}
policies:
  mark: [{match: {prefix: [203.0.113.0/24]}, set: {add_communities: [blackhole]}}]
duration: 1min
expect:
  - catchments[203.0.113.0/24].start.blackhole.ases == 1
  - catchments[203.0.113.0/24].start.no-route.ases == 58
  - catchments[192.0.2.0/24].end.AS40.ases == 59
"""


def test_what_full_speakers_discard_arrives_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Marked by its origin as a blackhole (RFC 7999), the one neighbour drops it and tells nobody."""
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(DISCARDED)

    assert main(["run", "s.yaml", "--no-plots", "-q"]) == 0, capsys.readouterr().out


def test_a_site_is_called_by_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A code that says what it is needs no "POP" before it."""
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(SMALL)
    assert main(["run", "s.yaml", "--no-plots", "-q", "--format", "json"]) == 0

    labels = [event["label"] for event in json.loads(capsys.readouterr().out)["events"]]
    assert labels[0] == "outage of POP1"
