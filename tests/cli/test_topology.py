"""``topology`` as a person meets it: answers, mistakes, exit codes, nothing half-written."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.cli.main import main
from emulator.cli.topology import topology
from emulator.network.asgraph.cache import load_with_copy
from emulator.network.asgraph.relationships import as_text, read_file

SMALL = """\
# input clique: 1 2
# IXP ASes: 77 9
1|2|0
1|3|-1
2|4|-1
4|5|-1
5|6|-1
6|4|-1
7|8|0|bgp
7|9|-1
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of AS relationships in an empty working folder, with an empty cache folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("IPA_EMULATOR_DEBUG", raising=False)
    path = tmp_path / "small.txt"
    path.write_text(SMALL)
    return path


def test_info_tells_what_a_graph_is_like(small: Path) -> None:
    """Numbers, the clique, everything odd; plain lines where stdout is no terminal."""
    result = CliRunner().invoke(topology, ["info", str(small), "--quiet"])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "small.txt"
    assert [line.split() for line in lines[2:5]] == [
        ["ASes", "9"],
        ["transit", "ASes", "6", "66.7%"],
        ["stubs", "3", "33.3%"],
    ]
    assert "Clique (as the file says), 2 ASes: 1 2" in lines
    assert "IXP route servers: 2, of which the graph has 9" in lines
    assert "Provider cycles: 3 ASes are their own indirect providers, such as" in lines
    assert "  AS4 -> AS6 -> AS5 -> AS4 (customer -> provider)" in lines
    assert "Connected: no, 2 parts of 6, 3 ASes" in lines
    assert "ASes without a path free of valleys to the clique: 3: 7, 8, 9" in lines


def test_info_as_json(small: Path) -> None:
    """The same for programs; stages are told on stderr only."""
    result = CliRunner().invoke(topology, ["info", str(small), "--format", "json"])
    found = json.loads(result.stdout)
    assert "small.txt: customer cones, " in result.stderr
    assert (found["ases"], found["links"]) == (9, 8)
    assert found["clique"]["members"] == [1, 2]
    assert found["provider_cycles"] == [[4, 6, 5]]
    assert found["not_reached"] == [7, 8, 9]
    assert found["largest"][0] == {"asn": 2, "cone": 4, "customers": 1, "peers": 1, "providers": 0}


@pytest.mark.parametrize(
    ("text", "clique"),
    [
        ("1|2|0\n3|4|0\n", "Clique (inferred from the graph), 0 ASes: none: no AS has customers"),
        (
            "1|2|-1\n2|3|-1\n3|1|-1\n",
            "Clique (inferred from the graph), 0 ASes: none: every AS with customers has a provider",
        ),
        ("# input clique: 7 8\n1|2|-1\n", "Clique (as the file says), 2 ASes: 7 8"),
    ],
)
def test_info_where_no_clique_can_be_reached(small: Path, text: str, clique: str) -> None:
    """That nobody reaches what is not there is not said to be nobody who does not."""
    small.write_text(text)
    lines = CliRunner().invoke(topology, ["info", str(small), "-q"]).stdout.splitlines()
    assert clique in lines
    assert lines[-1] == "ASes without a path free of valleys to the clique: no clique to reach"
    found = json.loads(CliRunner().invoke(topology, ["info", str(small), "--format", "json"]).stdout)
    assert found["not_reached"] is None


def test_info_lists_a_few_of_many(small: Path) -> None:
    """A cycle of 30 ASes and a clique of 1,200: the first, and how many more."""
    members = " ".join(map(str, range(1001, 2201)))
    cycle = "".join(f"{n}|{n % 30 + 1}|-1\n" for n in range(1, 31))
    small.write_text(f"# input clique: {members}\n{cycle}")
    lines = CliRunner().invoke(topology, ["info", str(small), "-q"]).stdout.splitlines()
    around = " -> ".join(f"AS{n}" for n in (1, *range(30, 21, -1)))
    assert f"  {around} -> 20 more -> AS1 (customer -> provider)" in lines
    shown = " ".join(map(str, range(1001, 1051)))
    assert f"Clique (as the file says), 1,200 ASes: {shown} and 1,150 more" in lines


def test_info_on_a_terminal(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ruled tables with the same numbers."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["topology", "info", str(small), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "─" in out
    assert "Largest customer cones" in out


def test_import_says_where_the_copy_is(small: Path) -> None:
    """Beside the file; the second time it was there; normalised text on demand."""
    first = CliRunner().invoke(topology, ["import", "small.txt", "-q", "--out", "sorted.txt.gz"])
    assert first.stdout.splitlines() == [
        "9 ASes, 8 links",
        "copy: small.txt.asgraph",
        "file: sorted.txt.gz",
    ]
    assert load_with_copy(small)[2]
    text = gzip.decompress(Path("sorted.txt.gz").read_bytes()).decode()
    assert text == SMALL.replace("|bgp", "")
    again = CliRunner().invoke(topology, ["import", "small.txt", "-q"])
    assert "copy: small.txt.asgraph (was there already)" in again.stdout
    as_json = CliRunner().invoke(topology, ["import", "small.txt", "-q", "--format", "json"])
    assert json.loads(as_json.stdout) == {"ases": 9, "links": 8, "copy": "small.txt.asgraph", "out": None}


def test_import_does_not_write_over_what_it_reads(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By whatever name."""
    os.link(small, small.with_name("same.txt"))
    for out in ("small.txt", "./small.txt", "same.txt"):
        assert main(["topology", "import", "small.txt", "--out", out]) == 2
        assert f"--out {Path(out)}: this is the file that is read" in capsys.readouterr().err
        assert main(["topology", "import", "small.txt", "--out", out, "--force"]) == 2
    assert small.read_text() == SMALL


@pytest.mark.parametrize("command", [["import", "small.txt"], ["generate", "--ases", "10"]])
@pytest.mark.usefixtures("small")
def test_files_that_exist_are_replaced_when_that_is_asked_for(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """And the places of binary copies never; a pipe is written to as it is."""
    Path("precious.txt").write_text("mine")
    Path("link.txt").symlink_to("precious.txt")
    for out in ("precious.txt", "link.txt"):
        assert main(["topology", *command, "--out", out, "-q"]) == 2
        assert (
            f"--out {out}: this file exists already; give another name, or --force" in capsys.readouterr().err
        )
    assert Path("precious.txt").read_text() == "mine"
    for force in ([], ["--force"]):
        assert main(["topology", *command, "--out", "small.txt.asgraph", "-q", *force]) == 2
        assert "names that end in .asgraph are those of binary copies" in capsys.readouterr().err
    assert not Path("small.txt.asgraph").exists()
    assert main(["topology", *command, "--out", "precious.txt", "-q", "--force"]) == 0
    assert len(read_file(Path("precious.txt")).graph) > 0
    assert main(["topology", *command, "--out", "/dev/null", "-q"]) == 0


@pytest.mark.parametrize("ending", [".txt", ".txt.gz", ".txt.bz2", ".txt.xz"])
@pytest.mark.usefixtures("small")
def test_generate_writes_an_internet(ending: str) -> None:
    """In every packing; the comment says how, the clique stands in the header, and the numbers hold."""
    arguments = ["generate", "--ases", "300", "--seed", "5", "--links", "900", "--out", f"made{ending}", "-q"]
    result = CliRunner().invoke(topology, arguments)
    assert result.stdout.splitlines() == ["300 ASes, 900 links", f"file: made{ending}"]
    read = read_file(Path(f"made{ending}"))
    assert (len(read.graph), read.graph.link_count) == (300, 900)
    assert len(read.clique) == 5
    first = Path(f"made{ending}").read_bytes()
    assert CliRunner().invoke(topology, [*arguments, "--force"]).exit_code == 0
    assert Path(f"made{ending}").read_bytes() == first
    found = json.loads(CliRunner().invoke(topology, ["info", f"made{ending}", "--format", "json"]).stdout)
    assert (found["provider_cycles"], found["components"], found["not_reached"]) == ([], [300], [])
    assert (found["clique"]["with_providers"], found["clique"]["unpeered"]) == ([], [])


@pytest.mark.usefixtures("small")
def test_the_comment_repeats_the_file() -> None:
    """What it says can be typed."""
    assert main(["topology", "generate", "--ases", "50", "--out", "made.xz", "-q"]) == 0
    text = lzma.decompress(Path("made.xz").read_bytes())
    comment = text.decode().splitlines()[0]
    command = comment.partition("ipa-emulator ")[2].split()
    assert main([*command, "--out", "again.txt", "-q"]) == 0
    assert Path("again.txt").read_bytes() == text
    assert text.endswith(as_text(read_file(Path("again.txt")).graph)[-200:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "none.txt"], "error: none.txt: cannot be read: No such file or directory"),
        (["info", "wrong.txt"], "error: wrong.txt:2:1: AS5 is given a link to itself"),
        (["import", "wrong.txt", "--out", "out.txt"], "error: wrong.txt:2:1: AS5 is given a link to itself"),
        (["import", "small.txt", "--out", "no/where.txt"], "no/where.txt: cannot be written: No such file"),
        (["generate", "--ases", "3", "--out", "out.txt"], "expected 4 to 1,000,000 ASes, found 3"),
        (["generate", "--ases", "9", "--links", "99", "--out", "out.txt"], "to 36 links, found 99"),
        (["generate", "--ases", "many", "--out", "out.txt"], "'many' is not a valid integer"),
        (["generate", "--ases", "9"], "Missing option '--out'"),
        (["info"], "Missing argument 'FILE'"),
        (["inform"], "No such command 'inform'"),
    ],
)
@pytest.mark.usefixtures("small")
def test_mistakes(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, a message on stderr, nothing on stdout, no file."""
    Path("wrong.txt").write_text("1|2|0\n5|5|0\n")
    before = sorted(Path().rglob("*"))
    assert main(["topology", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert [
        path for path in sorted(Path().rglob("*")) if path not in before and path.suffix != ".asgraph"
    ] == []


@pytest.mark.usefixtures("small")
def test_an_interrupt_leaves_nothing() -> None:
    """Ctrl-C while a large file is packed: exit code 130, the old file as it was, no other."""
    out = Path("made.txt.xz")
    command = [sys.executable, "-m", "emulator", "topology", "generate", "--ases", "40000"]
    command += ["--out", str(out), "--force"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    out.write_text("old")
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    assert "making" in process.stderr.readline()  # the line that ends the stage before
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert out.read_text() == "old"
    assert [path.name for path in Path().iterdir() if "made" in path.name] == [out.name]


def test_help_is_instant() -> None:
    """No numpy for a help page."""
    program = (
        "import sys\nfrom emulator.cli.main import main\nmain(['topology', 'info', '--help'])\n"
        "sys.exit('numpy' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Usage: ipa-emulator topology info" in done.stdout
