"""The command line as a person meets it: exit codes, what is printed where, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from emulator.cli.main import COMMANDS, main
from emulator.errors import InvariantError
from emulator.record.folder import read_run

LINE = """\
version: 1
name: line-3
network:
  routers: {r0: {asn: 65000}, r1: {asn: 65001}, r2: {asn: 65002}}
  links:
    - {ends: [r0, r1], delay: 10ms}
    - {ends: [r1, r2], delay: 10ms}
bgp: {policy: permit-all, mrai: 30s, mrai_jitter: [1, 1]}
duration: 20min
timeline:
  - {at: 0s, announce: 203.0.113.0/24, router: r0}
  - {at: 10min, withdraw: 203.0.113.0/24, router: r0}
expect:
  - event[1].control_plane_convergence_s == 20ms
"""


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scenario file of three routers; the working folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IPA_EMULATOR_DEBUG", raising=False)
    path = tmp_path / "line.yaml"
    path.write_text(LINE)
    return path


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    command = [sys.executable, "-m", "emulator", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_run_writes_a_folder_and_says_where(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The default place is out/<name>; progress is on stderr, the answer on stdout."""
    assert main(["run", str(line)]) == 0
    out, err = capsys.readouterr()
    assert "withdraw 203.0.113.0/24" in out
    assert "report: out/line-3/report.html" in out
    assert "ok" in out
    assert "control plane" in err.splitlines()[1]
    run = Path("out/line-3")
    assert read_run(run).summary["events"][1]["control_plane_convergence_s"] == 0.02
    assert (run / "report.html").is_file()
    assert (run / "plots" / "updates.svg").is_file()


def test_json_on_stdout_is_summary_json(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing else, to the byte."""
    assert main(["run", str(line), "--format", "json", "--quiet", "--out", "here"]) == 0
    out, err = capsys.readouterr()
    assert out == Path("here/summary.json").read_text()
    assert err == ""
    assert json.loads(out)["expectations"][0]["passed"] is True


def test_the_command_in_the_report_repeats_the_run(line: Path) -> None:
    """`--seed` of the run is in it."""
    assert main(["run", str(line), "--seed", "7", "-q"]) == 0
    assert f"ipa-emulator run {line} --seed 7" in Path("out/line-3/report.html").read_text()
    assert read_run(Path("out/line-3")).manifest["seed"] == 7


def test_several_files_go_to_folders_of_their_names(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All below --out; with JSON a list."""
    other = line.with_name("other.yaml")
    other.write_text(LINE.replace("line-3", "other-3"))
    arguments = ["run", str(line), str(other), "--out", "all", "--no-plots", "--format", "json", "-q"]
    assert main(arguments) == 0
    assert [summary["scenario"] for summary in json.loads(capsys.readouterr().out)] == ["line-3", "other-3"]
    assert sorted(path.name for path in Path("all").iterdir()) == ["line-3", "other-3"]
    assert not (Path("all") / "line-3" / "plots").exists()


def test_two_scenarios_of_one_name_are_refused(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They would overwrite each other."""
    other = line.with_name("other.yaml")
    other.write_text(LINE)
    assert main(["run", str(line), str(other)]) == 2
    assert "are both called 'line-3'" in capsys.readouterr().err


def test_a_failed_expectation_is_exit_code_1(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The results are written all the same."""
    line.write_text(LINE.replace("20ms", "21ms"))
    assert main(["run", str(line), "--no-plots"]) == 1
    assert "FAILED  event[1].control_plane_convergence_s == 21ms  (found 0.02)" in capsys.readouterr().out
    assert Path("out/line-3/summary.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["run"], "Missing argument"),
        (["runs"], "No such command"),
        (["run", "--seed", "x", "f"], "not a valid"),
        (["plot", "nowhere"], "nowhere: no such folder"),
        (["plot", "."], "holds no run"),
        (["check", "nowhere.yaml", "--baseline", "b"], "nowhere.yaml"),
        (["check", "line.yaml", "--baseline", "b", "--tolerance", "5%"], "expected a tolerance such as"),
        (["check", "line.yaml", "--baseline", "b"], "make one with --update"),
        (["run", "line.yaml", "--out", "."], "holds no run"),
    ],
)
def test_wrong_input_is_exit_code_2(
    line: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """One message on stderr that says what is wrong, no traceback, nothing on stdout."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert [path.name for path in line.parent.iterdir()] == ["line.yaml"]


def test_all_problems_of_all_files_are_told_at_once(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is run."""
    for name in ("a.yaml", "b.yaml"):
        line.with_name(name).write_text(LINE.replace("delay", "delai"))
    assert main(["run", "a.yaml", "line.yaml", "b.yaml"]) == 2
    err = capsys.readouterr().err
    assert err.count("a.yaml:6:") == 1
    assert err.count("b.yaml:6:") == 1
    assert not Path("out").exists()


@pytest.mark.parametrize("failure", [InvariantError("impossible"), ZeroDivisionError("impossible")])
def test_an_internal_error_is_exit_code_3(
    line: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Short, with how to report it; the traceback only where asked for."""

    def broken(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("emulator.sim.run.simulate", broken)
    assert main(["run", str(line)]) == 3
    err = capsys.readouterr().err
    assert f"{type(failure).__name__}: impossible" in err
    assert "Please report it" in err
    assert "Traceback" not in err
    assert main(["--debug", "run", str(line)]) == 3
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("IPA_EMULATOR_DEBUG", "1")
    assert main(["run", str(line)]) == 3
    assert "Traceback" in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize("place", ["emulator.sim.run.simulate", "emulator.analysis.plots.draw_all"])
def test_ctrl_c_leaves_the_old_run_and_nothing_half_written(
    line: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """While simulating or while drawing: exit code 130, one line, the former results."""
    assert main(["run", str(line), "--no-plots", "-q"]) == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    capsys.readouterr()
    assert main(["run", str(line), "--seed", "2", "-q"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted; nothing was written for the unfinished run"
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before
    assert [path.name for path in Path("out").iterdir()] == ["line-3"]


def test_plot_draws_a_finished_run_again(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the files it wrote; a run without pictures gets them."""
    assert main(["run", str(line), "--no-plots", "-q"]) == 0
    capsys.readouterr()
    assert main(["plot", "out/line-3", "--format", "svg", "-q"]) == 0
    files = [Path(name) for name in capsys.readouterr().out.split()]
    assert [file.name for file in files] == ["updates.svg", "changes.svg", "report.html"]
    assert all(file.is_file() for file in files)
    assert main(["plot", "out/line-3", "--only", "updates,nonsense"]) == 2


def test_plot_says_which_pictures_there_are(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None of those asked for: refused, and nothing is touched. One of two: that one, and a word on that."""
    assert main(["run", str(line), "-q"]) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")}
    capsys.readouterr()
    assert main(["plot", "out/line-3", "--only", "load,map", "-q"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: out/line-3: this run has no picture load or map; it has updates, changes\n"
    assert {path: path.stat().st_mtime_ns for path in Path("out").rglob("*") if path.is_file()} == {
        path: time for path, time in before.items() if path.is_file()
    }
    assert main(["plot", "out/line-3", "--only", "load,updates", "--format", "svg", "-q"]) == 0
    out, err = capsys.readouterr()
    assert out == "out/line-3/plots/updates.svg\n"
    assert err == "out/line-3: this run has no picture load\n"


TOGETHER = LINE.replace(
    "  - {at: 10min, withdraw: 203.0.113.0/24, router: r0}\n",
    "  - {at: 10min, withdraw: 203.0.113.0/24, router: r0, repair_after: 1min}\n"
    "  - {at: 10min, announce: 198.51.100.0/24, router: r2}\n"
    "  - {at: 15min, withdraw: 198.51.100.0/24, router: r2}\n",
).partition("expect:")[0]


def test_the_table_has_a_row_an_instant(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What comes at once shares it, with the messages of all; a repair stands where it comes."""
    line.write_text(TOGETHER)
    assert main(["run", str(line), "--no-plots", "-q"]) == 0
    rows = [text.strip().split("  ")[0] for text in capsys.readouterr().out.splitlines()[2:-1]]
    assert rows == [
        "announce 203.0.113.0/24 at r0",
        "withdraw 203.0.113.0/24 at r0 + announce 198.51.100.0/24 at r2",
        "repair of withdraw 203.0.113.0/24 at r0",
        "withdraw 198.51.100.0/24 at r2",
    ]


QUIET = """\
version: 1
name: quiet
network:
  routers: {r0: {asn: 65000, prefixes: [203.0.113.0/24]}, r1: {asn: 65001}, r2: {asn: 65002}}
  links:
    - {ends: [r0, r1], delay: 10ms}
    - {ends: [r1, r2], delay: 10ms}
bgp: {policy: permit-all, mrai: 0s}
duration: 2min
strategies: {anycast: {kind: anycast}}
clients: {demand: 10/s, groups: [{router: r1}]}
timeline:
  - {at: 1min, cut: [r1, r2]}
"""


def test_nobody_affected_is_a_dash(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a recovery in no time of none out of none."""
    line.write_text(QUIET)
    assert main(["run", str(line), "--no-plots", "-q"]) == 0
    out = capsys.readouterr().out
    row = next(text for text in out.splitlines() if text.strip().startswith("anycast"))
    assert row.split()[-2:] == ["\N{EN DASH}", "\N{EN DASH}"]
    assert "0 of 0" not in out


def test_the_gate_from_nothing_to_red(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No baseline: 2. Written: 0. Unchanged: 0. A metric moved: 1, named twice. Updated: 0 again."""
    check = ["check", str(line), "--baseline", "base", "-q"]
    assert main(check) == 2
    assert main([*check, "--update"]) == 0
    assert main([*check, "--junit", "out.xml"]) == 0
    assert ET.parse("out.xml").getroot().get("failures") == "0"  # noqa: S314 - ours
    line.write_text(LINE.replace("10ms}\nbgp", "11ms}\nbgp").replace("20ms", "21ms"))
    capsys.readouterr()
    assert main([*check, "--junit", "out.xml"]) == 1
    moved = [row.split() for row in capsys.readouterr().out.splitlines() if row.strip().startswith("moved")]
    assert ["moved", "event[1].control_plane_convergence_s", "0.02", "0.021", "+5", "%"] in moved
    root = ET.parse("out.xml").getroot()  # noqa: S314 - ours
    assert root.get("failures") == "1"
    assert main([*check, "--tolerance", "event*_s=5%"]) == 0
    assert main([*check, "--tolerance", "event*_s=1%"]) == 1
    assert main([*check, "--update"]) == 0
    assert main(check) == 0


def test_the_gate_fails_for_an_expectation_alone(line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A baseline that is met does not excuse it, and cannot be updated away."""
    line.write_text(LINE.replace("20ms", "21ms"))
    check = ["check", str(line), "--baseline", "base", "-q"]
    assert main([*check, "--update"]) == 1
    assert main(check) == 1
    assert "expectations that do not hold" in capsys.readouterr().out


def test_a_tolerance_in_the_baseline_counts_and_stays(line: Path) -> None:
    """It is written by hand into the file and survives --update."""
    check = ["check", str(line), "--baseline", "base", "-q"]
    assert main([*check, "--update"]) == 0
    path = Path("base/line-3.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "tolerances": {"event*_s": "5%"}}))
    line.write_text(LINE.replace("10ms}\nbgp", "11ms}\nbgp").replace("20ms", "21ms"))
    assert main(check) == 0
    assert main([*check, "--update"]) == 0
    assert json.loads(path.read_text())["tolerances"] == {"event*_s": "5%"}


def test_help_names_every_command_and_each_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` at both levels, and `-h`."""
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS)
    for command in COMMANDS:
        assert main([command, "-h" if command != "validate" else "--help"]) == 0
        assert f"ipa-emulator {command}" in capsys.readouterr().out.replace("Usage: ipa-emulator", "")
    assert main(["--version"]) == 0
    assert "ipa-emulator, version" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    """What keeps `--help` instant: no array, plot, table or schema library is imported."""
    code = (
        "import sys; from emulator.cli.main import main; main(['--help']);"
        "heavy = {'numpy', 'matplotlib', 'polars', 'pydantic', 'rich', 'jinja2', 'simpy', 'ruamel'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_went_away_is_no_error(line: Path) -> None:
    """`| head` closes the pipe: quiet, the code that shells give, results whole."""
    script = (
        f"{sys.executable} -m emulator run {line} --no-plots -q --format json | true; echo ${{PIPESTATUS[0]}}"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() in ("141", "0")  # 0 where the pipe took all of it before its reader went
    assert done.stderr == ""
    assert read_run(Path("out/line-3"))


def test_the_module_runs_as_the_program(line: Path) -> None:
    """`python -m emulator`, its exit code, and plain text where there is no terminal."""
    done = program("run", str(line), "--no-plots")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "line-3: settling" in done.stderr
    assert program("run", "nowhere.yaml").returncode == 2


@pytest.mark.slow
def test_same_scenario_same_folder_in_another_process(line: Path) -> None:
    """Every file of a run, pictures and report too, whatever the hash seed."""
    found = []
    for name, seed in (("a", "1"), ("b", "2")):
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": seed}
        command = [sys.executable, "-m", "emulator", "run", str(line), "--out", name, "-q"]
        subprocess.run(command, check=True, env=environment, capture_output=True)
        found.append(
            {p.relative_to(name): p.read_bytes() for p in sorted(Path(name).rglob("*")) if p.is_file()}
        )
    assert found[0] == found[1]
    assert len(found[0]) == 11
