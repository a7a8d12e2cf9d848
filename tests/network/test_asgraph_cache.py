"""The binary copy of an AS graph: right or made anew, never in the way."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.errors import ScenarioError
from emulator.network.asgraph import cache
from emulator.network.asgraph.cache import copies_of, load, load_file, load_with_copy
from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.relationships import read_file, write_relationships

from as_files import written

if TYPE_CHECKING:
    from emulator.network.asgraph.graph import AsGraph

ONE = "# input clique: 1 2\n# IXP ASes: 77\n1|2|0\n1|3|-1\n3|4|-1\n"
OTHER = "1|2|0\n2|3|-1\n"
LOADED = "from emulator.network.asgraph.cache import load_with_copy; from pathlib import Path; import sys\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of AS relationships in a folder of its own, and an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "files").mkdir()
    path = tmp_path / "files" / "as-rel.txt"
    path.write_text(ONE)
    return path


def copy_of(file: Path) -> Path:
    """Where the copy stands beside the file."""
    return file.with_name(f"{file.name}{cache.SUFFIX}")


def is_equal(one: AsGraph, two: AsGraph) -> bool:
    """Whether all arrays are the same, types included."""
    pairs = [
        (getattr(one, part.name), getattr(two, part.name))
        for part in dataclasses.fields(one)
        if part.name != "labels"
    ]
    return all(a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b) for a, b in pairs)


def test_the_copy_holds_what_the_file_does(file: Path) -> None:
    """Arrays, types and header; the second time nothing is parsed."""
    read = read_file(file)
    first, place, was_there = load_with_copy(file)
    again, same_place, is_there = load_with_copy(file)
    assert (place, was_there) == (copy_of(file), False)
    assert (same_place, is_there) == (place, True)
    for other in (first, again):
        assert is_equal(other.graph, read.graph)
        assert (other.clique, other.ixps) == (read.clique, read.ixps) == ((1, 2), (77,))
    assert is_equal(load(file), read.graph)


def test_a_large_graph_comes_back_the_same(file: Path) -> None:
    """Tens of thousands of links, packed."""
    packed = file.with_name("large.xz")
    write_relationships(packed, generate(5000, 3))
    made = load(packed)
    again, _, is_there = load_with_copy(packed)
    assert is_there
    assert is_equal(made, again.graph)
    assert is_equal(made, read_file(packed).graph)


def test_other_contents_are_read_anew(file: Path) -> None:
    """Also with the same name, size and date."""
    load(file)
    date = file.stat()
    file.write_text(ONE.replace("3|4", "3|5"))
    os.utime(file, ns=(date.st_atime_ns, date.st_mtime_ns))
    graph, _, was_there = load_with_copy(file)
    assert not was_there
    assert graph.graph.asn.tolist() == [1, 2, 3, 5]
    assert load_with_copy(file)[2]


def test_a_copy_of_another_format_is_made_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older version of this program left."""
    monkeypatch.setattr(cache, "FORMAT", cache.FORMAT - 1)
    load(file)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file.parent / "cache"))
    assert [load_with_copy(file)[2] for _ in range(2)] == [False, True]


def test_any_damage_is_found(file: Path) -> None:
    """Every byte behind the first line counts; whatever happens to one, the graph stays right."""
    whole = read_file(file)
    load(file)
    copy = copy_of(file)
    contents = copy.read_bytes()
    for at in range(contents.index(b"\n") + 1, len(contents)):
        copy.write_bytes(contents[:at] + bytes([contents[at] ^ 0x04]) + contents[at + 1 :])
        read, _, was_there = load_with_copy(file)
        assert not was_there, at
        assert (written(read.graph), read.clique) == (written(whole.graph), whole.clique)
        assert copy.read_bytes() == contents


def test_cut_copies_are_made_anew(file: Path) -> None:
    """Whatever begins as a copy is written over."""
    load(file)
    copy = copy_of(file)
    whole = copy.read_bytes()
    for contents in (whole[: len(whole) // 2], whole[:-1], whole + b"\0", whole[:30], whole[:22]):
        copy.write_bytes(contents)
        assert written(load(file)) == written(read_file(file).graph)
        assert copy.read_bytes() == whole


@pytest.mark.parametrize("foreign", [b"", b"my own notes\n", b"PK\x03\x04", b"\0" * 5000])
def test_what_is_no_copy_is_left_alone(file: Path, foreign: bytes) -> None:
    """Whoever wrote it wants it; the user's cache folder has the copy then."""
    copy_of(file).write_bytes(foreign)
    for was_there in (False, True):
        read, place, found = load_with_copy(file)
        assert (written(read.graph), found) == (written(read_file(file).graph), was_there)
        assert place is not None
        assert place.is_relative_to(os.environ["XDG_CACHE_HOME"])
        assert copy_of(file).read_bytes() == foreign


def test_a_pipe_in_the_place_of_a_copy_is_not_waited_for(file: Path) -> None:
    """Nor written to, nor followed where a link leads nowhere."""
    os.mkfifo(copy_of(file))
    assert load_with_copy(file)[1] != copy_of(file)
    assert copy_of(file).is_fifo()
    copy_of(file).unlink()
    copy_of(file).symlink_to(file.with_name("elsewhere"))
    file.write_text(OTHER)
    assert load_with_copy(file)[1] != copy_of(file)
    assert not file.with_name("elsewhere").exists()


def test_a_folder_that_is_not_for_writing_gets_no_copy(file: Path) -> None:
    """The user's cache folder has it then, under the digest of the contents; also for root."""
    file.parent.chmod(0o555)
    try:
        _, place, _ = load_with_copy(file)
        digest = hashlib.sha256(ONE.encode()).hexdigest()
        home = Path(os.environ["XDG_CACHE_HOME"])
        assert place == home / "ipa-emulator" / f"{digest}.asgraph"
        assert [path.name for path in file.parent.iterdir()] == ["as-rel.txt"]
        assert load_with_copy(file)[2]
    finally:
        file.parent.chmod(0o755)


def test_nowhere_to_write_is_no_reason_to_fail(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in the place of the copy, a file in the place of the cache folder."""
    copy_of(file).mkdir()
    blocked = file.parent / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    read, place, was_there = load_with_copy(file)
    assert (place, was_there) == (None, False)
    assert len(read.graph) == 4
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "as-rel.txt",
        "as-rel.txt.asgraph",
        "blocked",
    ]


@pytest.mark.parametrize("home", ["", "relative/folder"])
def test_the_usual_cache_folder(file: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    """XDG: an empty or relative setting counts as none."""
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setenv("HOME", str(file.parent))
    assert copies_of(file, "d")[1] == file.parent / ".cache" / "ipa-emulator" / "d.asgraph"


def test_a_pipe_can_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``topology info <(curl ...)``: there is no folder beside it."""
    reader, writer = os.pipe()
    os.write(writer, ONE.encode())
    os.close(writer)
    monkeypatch.chdir(file.parent)
    try:
        read, place, _ = load_with_copy(Path(f"/dev/fd/{reader}"))
    finally:
        os.close(reader)
    assert written(read.graph) == written(read_file(file).graph)
    assert place is not None
    assert place.is_relative_to(os.environ["XDG_CACHE_HOME"])


def test_nothing_is_written_beside_a_pipe_or_a_device(file: Path) -> None:
    """A pipe with a name in a folder of the user's; standard input, though a file may be behind it."""
    pipe = file.with_name("pipe")
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=(ONE,))
    writing.start()
    read, place, _ = load_with_copy(pipe)
    writing.join()
    assert written(read.graph) == written(read_file(file).graph)
    assert place is not None
    assert place.is_relative_to(os.environ["XDG_CACHE_HOME"])
    assert sorted(path.name for path in file.parent.iterdir()) == ["as-rel.txt", "pipe"]
    assert [each.parent.name for each in copies_of(Path("/dev/stdin"), "d")] == ["ipa-emulator"]


def test_wrong_files_leave_no_copy(file: Path) -> None:
    """Their mistakes are told every time."""
    file.write_text("1|1|0\n")
    for _ in range(2):
        with pytest.raises(ScenarioError, match="link to itself"):
            load_file(file)
    assert [path.name for path in file.parent.iterdir()] == ["as-rel.txt"]


def test_processes_at_once_do_not_disturb_each_other(file: Path) -> None:
    """Four that read and write the same copy over and over, while two contents take turns."""
    program = LOADED + (
        "for _ in range(60):\n"
        "    graph = load_with_copy(Path(sys.argv[1]))[0].graph\n"
        "    assert len(graph) in (3, 4), len(graph)\n"
        "    assert graph.first[-1] == len(graph.neighbor) == 2 * graph.link_count\n"
    )
    command = [sys.executable, "-c", program, str(file)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(4)]
    stop = threading.Event()

    def turn() -> None:
        number = 0
        while not stop.wait(0.002):
            number += 1
            other = file.with_name("other")
            other.write_text(OTHER if number % 2 else ONE)
            other.replace(file)

    turning = threading.Thread(target=turn)
    turning.start()
    errors = [process.communicate()[1].decode() for process in running]
    stop.set()
    turning.join()
    assert errors == [""] * 4
    assert [process.returncode for process in running] == [0] * 4
    assert not [path.name for path in file.parent.iterdir() if "partial" in path.name]
    assert written(load(file)) == written(read_file(file).graph)


@pytest.mark.slow
def test_the_whole_internet_is_there_in_a_blink(file: Path) -> None:
    """75,000 ASes and 473,000 links: half a second of processor time, digest and all."""
    plain = file.with_name("internet.txt")
    write_relationships(plain, generate(75_000, 1, links=473_000))
    load(plain)
    started = time.process_time()
    read, _, was_there = load_with_copy(plain)
    taken = time.process_time() - started
    assert was_there
    assert (len(read.graph), read.graph.link_count) == (75_000, 473_000)
    assert taken < 0.5
