"""AS relationships as CAIDA publishes them, read and written.

Serial-1 has a line a link, ``<provider>|<customer>|-1`` or ``<peer>|<peer>|0``;
serial-2 adds how the link was inferred, ``...|bgp`` (CAIDA, "The CAIDA AS
Relationships Dataset", README of each series). Comment lines start with ``#``;
two kinds of them carry data: the clique that the inference started from, and
the AS numbers of IXP route servers, which CAIDA takes out of the paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.errors import InputError
from emulator.network.asgraph.archive import packed, read_raw, unpacked, write_whole
from emulator.network.asgraph.arrays import distinct
from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, PEERING, AsGraph, from_links

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

ASN_MAX: Final = 2**32 - 1
"""AS numbers have 32 bits (RFC 6793); 0 is not one (RFC 7607)."""
CLIQUE: Final = re.compile(rb"#\s*(?:input|inferred) clique:(.*)", re.DOTALL)
IXPS: Final = re.compile(rb"#\s*IXP ASes:(.*)", re.DOTALL)
BARS: Final = (2, 3)
"""How many bars a line has: serial-1, serial-2."""
_DIGITS_MAX: Final = 10
_NEWLINE, _BAR, _HASH, _ZERO = b"\n|#0"
_NINE: Final = 9


@dataclass(frozen=True, slots=True, eq=False)
class Relationships:
    """A file's contents: the graph, and the AS numbers of its header in the header's order.

    ``clique`` and ``ixps`` (route servers) are empty where the header does not have them.
    """

    graph: AsGraph
    clique: tuple[int, ...] = ()
    ixps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The lines of a file in its order: ``first``, ``second`` (L,) AS numbers, ``is_peering`` (L,) bool."""

    first: Ints
    second: Ints
    is_peering: npt.NDArray[np.bool_]
    clique: tuple[int, ...]
    ixps: tuple[int, ...]


def read_file(path: Path) -> Relationships:
    """Everything in a file of AS relationships.

    Raises `InputError` where it cannot be read, and `ScenarioError` with every
    line that is wrong and what was expected there.
    """
    return parsed(unpacked(read_raw(path), str(path)), str(path))


def parsed(text: bytes, file: str) -> Relationships:
    """What the unpacked ``text`` of a file called ``file`` says. Raises `ScenarioError`."""
    from emulator.network.asgraph.mistakes import explained

    text = text.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    rows = parse_rows(text)
    if rows is None:
        rows = explained(text, file)
    graph = _graph(rows)
    if graph is None:
        graph = _graph(explained(text, file))
    if graph is None:
        message = f"{file}: two lines join the same ASes"
        raise InputError(message)
    return Relationships(graph, rows.clique, rows.ixps)


def _graph(rows: Rows) -> AsGraph | None:
    """Lay the rows out as a graph; None where a link is a loop or is there twice."""
    pairs = np.stack((rows.second, rows.first), axis=1)  # of a customer-provider link the customer first
    asn = distinct(pairs)
    nodes = _positions(asn, pairs)
    low, high = nodes.min(axis=1).astype(np.int64), nodes.max(axis=1)
    key = low * len(asn) + high
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    if np.any(ordered[1:] == ordered[:-1]) or np.any(low == high):
        return None
    return from_links(asn, nodes[order], np.where(rows.is_peering, PEERING, CUSTOMER_PROVIDER)[order])


def _positions(asn: Ints, wanted: Ints) -> npt.NDArray[np.int32]:
    """Where each of ``wanted`` stands in the ascending ``asn``, which has them all."""
    if len(asn) and asn[-1] < 2**23:  # a table of all numbers is quicker than a search, while it is small
        table = np.zeros(int(asn[-1]) + 1, np.int32)
        table[asn] = np.arange(len(asn), dtype=np.int32)
        return table[wanted]
    return np.searchsorted(asn, wanted).astype(np.int32)


def parse_rows(text: bytes) -> Rows | None:
    """The rows of ``text``, in arrays; None where any line is not as it should be.

    Needs no more than the places of line ends and bars: numbers are read digit
    by digit over all lines at once.
    """
    if not text.isascii():
        return None
    buffer = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(buffer == _NEWLINE)
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(buffer))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    starts, ends = starts[starts < ends], ends[starts < ends]
    is_comment = buffer[starts] == _HASH
    header = _header(text, starts[is_comment], ends[is_comment])
    starts, ends = starts[~is_comment], ends[~is_comment]
    if header is None or not len(starts):
        return None
    bars = np.flatnonzero(buffer == _BAR)
    at = np.searchsorted(bars, starts)
    count = np.searchsorted(bars, ends) - at
    serial_1, serial_2 = BARS
    if count.min() < serial_1 or count.max() > serial_2:
        return None
    one, two = bars[at], bars[at + 1]
    three = np.where(count == serial_2, bars[np.minimum(at + 2, len(bars) - 1)], ends)
    numbers = _numbers(buffer, np.concatenate((starts, one + 1)), np.concatenate((one, two)))
    is_peering = _is_written(buffer, two + 1, three, b"0")
    is_transit = _is_written(buffer, two + 1, three, b"-1")
    if numbers is None or not np.all(is_peering | is_transit):
        return None
    return Rows(numbers[: len(starts)], numbers[len(starts) :], is_peering, *header)


def _is_written(
    buffer: npt.NDArray[np.uint8], starts: Ints, stops: Ints, word: bytes
) -> npt.NDArray[np.bool_]:
    """Where what stands at ``starts`` up to ``stops`` is ``word``."""
    is_it: npt.NDArray[np.bool_] = stops - starts == len(word)
    for place, character in enumerate(word):
        is_it &= buffer[np.minimum(starts + place, len(buffer) - 1)] == character
    return is_it


def _numbers(buffer: npt.NDArray[np.uint8], starts: Ints, stops: Ints) -> Ints | None:
    """The AS numbers written at ``starts`` up to ``stops``; None where any is none."""
    width = stops - starts
    if width.min() < 1 or width.max() > _DIGITS_MAX:
        return None
    values = np.zeros(len(starts), np.int64)
    for place in range(int(width.max())):
        has = np.flatnonzero(width > place)
        digits = buffer[stops[has] - 1 - place] - np.uint8(_ZERO)
        if digits.max() > _NINE:  # what is no digit wraps around to larger values
            return None
        values[has] += digits * np.int64(10**place)
    return values if values.min() >= 1 and values.max() <= ASN_MAX else None


def _header(text: bytes, starts: Ints, ends: Ints) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The clique and the IXPs out of comment lines; None where they are not AS numbers."""
    found: list[tuple[int, ...]] = [(), ()]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        for kind, pattern in enumerate((CLIQUE, IXPS)):
            match = pattern.match(text, start, end)
            if match is None:
                continue
            words = match[1].split()
            digits = [word.lstrip(b"0") for word in words if word.isdigit()]
            asns = tuple(int(each) for each in digits if 1 <= len(each) <= _DIGITS_MAX)
            if len(asns) < len(words) or max(asns, default=0) > ASN_MAX:
                return None
            found[kind] = asns or found[kind]
    return found[0], found[1]


def write_relationships(
    path: Path,
    graph: AsGraph,
    *,
    clique: Sequence[int] = (),
    ixps: Sequence[int] = (),
    comments: Iterable[str] = (),
) -> None:
    """Write ``graph`` as serial-1, packed as ``path`` is named.

    Raises `InputError` for a graph that the format
    cannot hold, and where the file cannot be written.
    """
    try:
        write_whole(path, packed(as_text(graph, clique, ixps, comments), path.name))
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise InputError(message) from error


def as_text(
    graph: AsGraph,
    clique: Sequence[int] = (),
    ixps: Sequence[int] = (),
    comments: Iterable[str] = (),
) -> bytes:
    """The text of a file: comments, header, then the links in ascending order. Raises `InputError`."""
    _check_writable(graph)
    lines = [f"# {comment}" for comment in comments]
    if clique:
        lines.append(f"# input clique: {' '.join(map(str, clique))}")
    if ixps:
        lines.append(f"# IXP ASes: {' '.join(map(str, ixps))}")
    is_peering = graph.link_kind == PEERING
    ends = graph.asn[np.where(is_peering[:, None], graph.link_ends, graph.link_ends[:, ::-1])]
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    kinds = ("|-1", "|0")
    first, second = ends[order].T.tolist()
    rows = zip(first, second, is_peering[order].tolist(), strict=True)
    lines += [f"{one}|{two}{kinds[peers]}" for one, two, peers in rows]
    return ("\n".join(lines) + "\n").encode()


def _check_writable(graph: AsGraph) -> None:
    """A file knows ASes only by their links, and only one node an AS."""
    twice = np.flatnonzero(graph.asn[1:] == graph.asn[:-1])
    if len(twice):
        message = f"AS{graph.asn[twice[0]]} has several nodes; a file of AS relationships has one an AS"
        raise InputError(message)
    alone = np.flatnonzero(np.diff(graph.first) == 0)
    if len(alone):
        message = f"AS{graph.asn[alone[0]]} has no links; a file of AS relationships cannot hold it"
        raise InputError(message)
