"""Files of AS relationships: what is in them is read, what is wrong in them is told with its line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import InputError, ScenarioError
from emulator.network.asgraph.graph import CUSTOMER, PEER, PROVIDER, from_links
from emulator.network.asgraph.mistakes import SHOWN, explained
from emulator.network.asgraph.relationships import (
    parse_rows,
    parsed,
    read_file,
    write_relationships,
)

from as_files import PACKINGS, REAL, Link, brought, links, normal, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = b"""\
# input clique: 1 2
# IXP ASes: 65000 1200
1|2|0
1|3|-1
2|4|-1
3|4294967295|-1
"""


def _problems(path: Path) -> list[str]:
    """What reading ``path`` complains of, without the file's name."""
    with pytest.raises(ScenarioError) as caught:
        read_file(path)
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return [str(problem).removeprefix(f"{path}:").strip() for problem in caught.value.problems]


def test_a_small_file(tmp_path: Path) -> None:
    """Who is what to whom, and what the header says."""
    path = tmp_path / "as-rel.txt"
    path.write_bytes(SMALL)
    read = read_file(path)
    graph = read.graph
    assert graph.asn.tolist() == [1, 2, 3, 4, 2**32 - 1]
    assert read.clique == (1, 2)
    assert read.ixps == (65000, 1200)
    three = graph.slots(2)
    assert graph.neighbor[three.start : three.stop].tolist() == [4, 0]
    assert graph.relation[three.start : three.stop].tolist() == [CUSTOMER, PROVIDER]
    assert graph.degrees(PEER).tolist() == [1, 1, 0, 0, 0]


FORMS = st.fixed_dictionaries({
    "serial": st.sampled_from((1, 2, "mixed")),
    "ending": st.sampled_from(("\n", "\r\n")),
    "comments": st.lists(
        st.sampled_from(("# a", "#", "# source:topology|BGP|20190701|ripe|rrc00", "")), max_size=3
    ),
    "packing": st.sampled_from(tuple(PACKINGS)),
    "is_ended": st.booleans(),
})  # fmt: skip
HEADERS = st.fixed_dictionaries({
    "clique": st.lists(st.integers(1, 2**32 - 1), max_size=3),
    "ixps": st.lists(st.integers(1, 2**32 - 1), max_size=3),
})  # fmt: skip


@given(rows=links(), form=FORMS)
def test_every_form_is_read(
    rows: list[Link], form: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Serial-1, serial-2, both; comments anywhere, blank lines, CRLF, no last line end; every packing."""
    is_second = {1: (False, False), 2: (True, True), "mixed": (False, True)}[form["serial"]]
    lines = [f"{a}|{b}|{kind}" + "|bgp" * is_second[number % 2] for number, (a, b, kind) in enumerate(rows)]
    middle = len(lines) // 2
    text = form["ending"].join([*form["comments"], *lines[:middle], *form["comments"], *lines[middle:]])
    text += form["ending"] * form["is_ended"]
    path = tmp_path_factory.getbasetemp() / "form.txt"  # its name says nothing
    path.write_bytes(PACKINGS[form["packing"]](text.encode()))
    assert written(read_file(path).graph) == normal(rows)
    assert parse_rows(text.replace("\r", "").encode()) is not None  # the quick way


@given(rows=links(), name=st.sampled_from([f"out.txt{packing}" for packing in PACKINGS]), header=HEADERS)
def test_what_is_written_is_read_again(
    rows: list[Link], name: str, header: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The graph and the header, whatever the file is packed with; and the same bytes the second time."""
    path = tmp_path_factory.getbasetemp() / name
    graph = parsed("".join(f"{a}|{b}|{kind}\n" for a, b, kind in rows).encode(), "rows").graph
    write_relationships(path, graph, comments=["made by a test"], **header)
    first = path.read_bytes()
    again = read_file(path)
    assert written(again.graph) == normal(rows)
    assert (again.clique, again.ixps) == (tuple(header["clique"]), tuple(header["ixps"]))
    write_relationships(path, again.graph, comments=["made by a test"], **header)
    assert path.read_bytes() == first


def test_files_are_packed_as_they_are_called(tmp_path: Path) -> None:
    """Anybody's tools open them."""
    graph = parsed(SMALL, "small").graph
    openers: dict[str, Callable[[bytes], bytes]] = {
        ".txt": bytes,
        ".gz": gzip.decompress,
        ".bz2": bz2.decompress,
        ".xz": lzma.decompress,
    }
    for ending, opener in openers.items():
        path = tmp_path / f"out{ending}"
        write_relationships(path, graph)
        assert opener(path.read_bytes()) == b"1|2|0\n1|3|-1\n2|4|-1\n3|4294967295|-1\n"


def test_numbers_may_begin_with_zeros() -> None:
    """However many, in links and in the header."""
    zeros = b"0" * 6000
    read = parsed(b"# input clique: %s1 02\n%s1|02|-1\n" % (zeros, zeros), "zeros")
    assert (read.clique, written(read.graph)) == ((1, 2), [(1, 2, -1)])


PIECES = (
    *(b"1 2 77 4294967295 4294967296 99999999999 0 -1 | | | # x |0\n |-1\n 1|2|0\n 2|3|-1\n".split(b" ")),
    *(b"007", b"00060000000001"),
    *(b"\n", b"\n", b" ", b"\r", b"\xc3\xa9", b"\xff", b"# input clique:", b"# IXP ASes: 5 6\n"),
)


@given(text=st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join))
@settings(max_examples=300)
def test_the_quick_and_the_careful_reader_agree(text: bytes) -> None:
    """What the quick one takes the careful one takes too, with the same result; what it leaves has a reason.

    Links that are there twice are left to later by the quick one.
    """
    quick = parse_rows(text)
    careful, messages = None, [""]
    try:
        careful = explained(text, "text")
    except ScenarioError as error:
        messages = [problem.message for problem in error.problems]
    if careful is None:
        twice = ("already", "contradict", "itself")
        assert quick is None or all(any(word in message for word in twice) for message in messages)
    elif quick is not None:
        assert quick.first.tolist() == careful.first.tolist()
        assert quick.second.tolist() == careful.second.tolist()
        assert quick.is_peering.tolist() == careful.is_peering.tolist()
        assert (quick.clique, quick.ixps) == (careful.clique, careful.ixps)


NUMBER = "expected an AS number from 1 to 4294967295, found"
RELATION = "expected -1 (the first is the second's provider) or 0 (peers), found"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"1|5|x", f"5:5: {RELATION} 'x'"),
        (b"1|5|", f"5:5: {RELATION} ''"),
        (b"1|5|-2", f"5:5: {RELATION} '-2'"),
        (b"1|5|1", f"5:5: {RELATION} '1' (siblings, which have no rule for what they announce)"),
        (b"1|5|0 ", f"5:5: {RELATION} '0 '"),
        (b"1|5|+0", f"5:5: {RELATION} '+0'"),
        (b"0|5|0", f"5:1: {NUMBER} '0'"),
        (b"5|0|0", f"5:3: {NUMBER} '0'"),
        (b"1|4294967296|0", f"5:3: {NUMBER} '4294967296'"),
        (b"1|99999999999999999999|0", f"5:3: {NUMBER} '99999999999999999999'"),
        (b"1|1.10|0", f"5:3: {NUMBER} '1.10'"),
        (b"1|AS5|0", f"5:3: {NUMBER} 'AS5'"),
        (b"1| 5|0", f"5:3: {NUMBER} ' 5'"),
        (b"1||0", f"5:3: {NUMBER} ''"),
        ("1|\u0665|0".encode(), f"5:3: {NUMBER} '\u0665'"),
        (b"1|-5|0", f"5:3: {NUMBER} '-5'"),
        (b"7|7|0", "5:1: AS7 is given a link to itself"),
        (b"1|3|-1", "5:1: AS1 and AS3 are joined already on line 4"),
        (b"2|1|0", "5:1: AS2 and AS1 are joined already on line 3"),
        (
            b"3|1|-1",
            "5:1: AS3 and AS1 contradict line 4: here AS3 provider of AS1, there AS1 provider of AS3",
        ),
        (b"1|3|0", "5:1: AS1 and AS3 contradict line 4: here peers, there AS1 provider of AS3"),
        (b"1 3 -1", "5:1: expected <provider>|<customer>|-1 or <peer>|<peer>|0, found '1 3 -1'"),
        (b"1|3", "5:1: expected <provider>|<customer>|-1 or <peer>|<peer>|0, found '1|3'"),
        (b"1|3|0|bgp|x", "5:1: expected <provider>|<customer>|-1 or <peer>|<peer>|0, found '1|3|0|bgp|x'"),
        (b"1|5|\xff", "5:5: expected UTF-8 text, found byte 0xff"),
        (b"# caf\xe9", "5:6: expected UTF-8 text, found byte 0xe9"),
        (b"1|5|0\0", "5:6: expected text, found a zero byte: binary data or UTF-16"),
        (b"# input clique: 1 two", f"5:16: {NUMBER} 'two'"),
        (b"# IXP ASes: 4294967296", f"5:12: {NUMBER} '4294967296'"),
        (b"# input clique: 00060000000001", f"5:16: {NUMBER} '00060000000001'"),
        (b"# input clique: 1 000", f"5:16: {NUMBER} '000'"),
    ],
)
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_wrong_line_is_named(tmp_path: Path, line: bytes, problem: str, ending: bytes) -> None:
    """With its number, its column and what was expected; whatever comes behind it is still looked at."""
    path = tmp_path / "wrong.txt"
    lines = (b"# one", b"# two", b"1|2|0", b"1|3|-1", line, b"9|9|0")
    path.write_bytes(ending.join(lines) + ending)
    assert _problems(path) == [problem, "6:1: AS9 is given a link to itself"]


def test_all_mistakes_are_told_up_to_a_point(tmp_path: Path) -> None:
    """The first thirty, and how many more."""
    path = tmp_path / "wrong.txt"
    path.write_text("1|2|0\n" + "".join(f"{n}|{n}|0\n" for n in range(1, 1235)))
    problems = _problems(path)
    assert problems[:2] == [f"{n + 1}:1: AS{n} is given a link to itself" for n in (1, 2)]
    assert len(problems) == SHOWN + 1
    assert problems[-1] == f"and {1234 - SHOWN:,} more"


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"", "the file is empty; expected lines <provider>|<customer>|-1 or <peer>|<peer>|0"),
        (b"\n \n"[:1], "the file is empty; expected lines <provider>|<customer>|-1 or <peer>|<peer>|0"),
        (b"# a\n", "the file has no links; expected lines <provider>|<customer>|-1 or <peer>|<peer>|0"),
        (gzip.compress(b"", mtime=0),
         "the file is empty; expected lines <provider>|<customer>|-1 or <peer>|<peer>|0"),
        ("1|2|0\n".encode("utf-16"),
         "expected text, plain or packed by gzip, bzip2 or xz; this is UTF-16 text"),
        (b"PK\x03\x04rest", "expected text, plain or packed by gzip, bzip2 or xz; this is a ZIP archive"),
        (b"(\xb5/\xfdrest", "expected text, plain or packed by gzip, bzip2 or xz; this is packed with zstd"),
    ],
)  # fmt: skip
def test_files_without_links(tmp_path: Path, contents: bytes, problem: str) -> None:
    """They are told for what they are."""
    path = tmp_path / "odd"
    path.write_bytes(contents)
    assert _problems(path) == [problem]


def test_a_web_page_is_recognised(tmp_path: Path) -> None:
    """What a login page leaves where a file was to be fetched."""
    path = tmp_path / "as-rel.txt"
    path.write_text("<!doctype html>\n<title>Sign in</title>\n")
    assert "this looks like a web page" in _problems(path)[0]


@pytest.mark.parametrize("packing", [packing for packing in PACKINGS if packing])
def test_a_cut_archive_says_how_far_it_could_be_read(tmp_path: Path, packing: str) -> None:
    """A download that broke off, and one with a flipped bit."""
    path = tmp_path / f"cut{packing}"
    rng = np.random.default_rng(1)
    rows = [f"{n}|{n + 1 + int(rng.integers(1, 10**6))}|0" for n in range(1, 150_000)]
    whole = PACKINGS[packing]("\n".join(rows).encode())
    path.write_bytes(whole[: len(whole) // 2])
    (problem,) = _problems(path)
    line, column, message = problem.split(":", 2)
    assert column == "1"
    assert 1 <= int(line) < len(rows)
    if packing != ".bz2":  # which gives out whole blocks only
        assert int(line) > 1000
    assert message.startswith(" the ")
    assert message.endswith("fetch it again")
    half = len(whole) // 2
    path.write_bytes(whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :])
    assert "is damaged or cut off here" in _problems(path)[0]


def test_a_missing_file(tmp_path: Path) -> None:
    """And a folder in its place."""
    with pytest.raises(InputError, match=r"none\.txt: cannot be read: No such file"):
        read_file(tmp_path / "none.txt")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_file(tmp_path)


def test_what_is_no_plain_file_stays_what_it_is(tmp_path: Path) -> None:
    """A link goes on leading where it led, a pipe gets the text."""
    graph = parsed(SMALL, "small").graph
    link, target, pipe = tmp_path / "link", tmp_path / "target", tmp_path / "pipe"
    link.symlink_to(target)
    write_relationships(link, graph)
    assert link.is_symlink()
    assert written(read_file(target).graph) == written(graph)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_relationships(pipe, graph)
    assert os.read(reader, 1000) == target.read_bytes()
    os.close(reader)
    assert pipe.is_fifo()


def test_graphs_that_a_file_cannot_hold(tmp_path: Path) -> None:
    """An AS with several sites, an AS without links; nothing is written."""
    path = tmp_path / "out.txt"
    sites = from_links(np.array([5, 5, 6]), np.array([[0, 2], [1, 2]]), np.array([0, 0]))
    with pytest.raises(InputError, match="AS5 has several nodes"):
        write_relationships(path, sites)
    alone = from_links(np.array([5, 6, 7]), np.array([[0, 1]]), np.array([0]))
    with pytest.raises(InputError, match="AS7 has no links"):
        write_relationships(path, alone)
    with pytest.raises(InputError, match="cannot be written: No such file"):
        write_relationships(tmp_path / "no" / "folder", parsed(SMALL, "small").graph)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "ases", "links_count", "clique", "ixps"),
    [
        (REAL[0], 55_809, 239_064, 17, 28),
        (REAL[1], 60_006, 261_340, 19, 28),
        (REAL[2], 65_438, 345_300, 0, 0),
    ],
)
def test_the_real_ones(name: str, ases: int, links_count: int, clique: int, ixps: int) -> None:
    """As many ASes and links as CAIDA's files of those days have."""
    read = read_file(brought(name))
    assert (len(read.graph), read.graph.link_count) == (ases, links_count)
    assert (len(read.clique), len(read.ixps)) == (clique, ixps)
    assert all(np.diff(read.graph.asn) > 0)
