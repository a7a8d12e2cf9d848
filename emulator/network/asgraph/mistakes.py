"""What is wrong with a file of AS relationships, line by line: the slow way, taken only to explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.errors import Problem, ScenarioError
from emulator.network.asgraph.relationships import ASN_MAX, BARS, CLIQUE, IXPS, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN: Final = 30
"""Problems that are listed; the rest are counted."""
_SHOWN_CHARACTERS: Final = 40
_PEERS: Final = "0"
_TRANSIT: Final = "-1"
_LINE: Final = "<provider>|<customer>|-1 or <peer>|<peer>|0"

Row = tuple[int, int, bool]


def explained(text: bytes, file: str) -> Rows:
    """The rows of ``text``, or a `ScenarioError` with every mistake in it.

    At most 30 mistakes are listed, the rest are counted. Returns where nothing is wrong.
    """
    reader = _Reader(file)
    for number, line in enumerate(text.split(b"\n"), 1):
        reader.take(number, line)
    if not reader.rows and not reader.found:
        what = "has no links" if text.strip() else "is empty"
        reader.problem(0, 0, f"the file {what}; expected lines {_LINE}")
    if reader.found:
        raise ScenarioError(tuple(reader.problems()))
    first, second, is_peering = zip(*reader.rows, strict=True)
    return Rows(
        np.array(first, np.int64),
        np.array(second, np.int64),
        np.array(is_peering, np.bool_),
        reader.clique,
        reader.ixps,
    )


class _Reader:
    """The lines read so far, and what was wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rows: list[Row] = []
        self.found: list[Problem] = []
        self.unlisted = 0
        self.clique: tuple[int, ...] = ()
        self.ixps: tuple[int, ...] = ()
        self._links: dict[tuple[int, int], tuple[int, str]] = {}

    def problem(self, line: int, column: int, message: str) -> None:
        """Note a mistake."""
        if len(self.found) < SHOWN:
            self.found.append(Problem(self.file, line, column, "", message))
        else:
            self.unlisted += 1

    def problems(self) -> Iterator[Problem]:
        """The mistakes to show, and how many more there are."""
        yield from self.found
        if self.unlisted:
            yield Problem(self.file, 0, 0, "", f"and {self.unlisted:,} more")

    def take(self, number: int, raw: bytes) -> None:
        """Read one line."""
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            found = f"byte 0x{raw[error.start]:02x}"
            self.problem(number, error.start + 1, f"expected UTF-8 text, found {found}")
            return
        if "\0" in line:
            column = line.index("\0") + 1
            self.problem(number, column, "expected text, found a zero byte: binary data or UTF-16")
            return
        if line.startswith("#"):
            self._take_header(number, raw)
        elif line:
            self._take_link(number, line)

    def _take_header(self, number: int, raw: bytes) -> None:
        for pattern in (CLIQUE, IXPS):
            match = pattern.match(raw)
            if match is None:
                continue
            words = match[1].decode().split()
            column = match.start(1) + 1
            asns = [self._asn(number, column, word) for word in words]
            known = tuple(asn for asn in asns if asn is not None)
            if pattern is CLIQUE:
                self.clique = known or self.clique
            else:
                self.ixps = known or self.ixps

    def _take_link(self, number: int, line: str) -> None:
        cells = line.split("|")
        if len(cells) - 1 not in BARS:
            hint = "; this looks like a web page" if line.lstrip().startswith("<") else ""
            self.problem(number, 1, f"expected {_LINE}, found {_short(line)}{hint}")
            return
        first = self._asn(number, 1, cells[0])
        second = self._asn(number, len(cells[0]) + 2, cells[1])
        is_peering = self._relationship(number, len(cells[0]) + len(cells[1]) + 3, cells[2])
        if first is None or second is None or is_peering is None:
            return
        if first == second:
            self.problem(number, 1, f"AS{first} is given a link to itself")
        elif self._is_new(number, first, second, is_peering=is_peering):
            self.rows.append((first, second, is_peering))

    def _asn(self, line: int, column: int, word: str) -> int | None:
        """An AS number, or None and a problem."""
        digits = word.lstrip("0") if word.isascii() and word.isdigit() else ""
        if 1 <= len(digits) <= len(str(ASN_MAX)):
            value = int(digits)
            if value <= ASN_MAX:
                return value
        self.problem(line, column, f"expected an AS number from 1 to {ASN_MAX}, found {_short(word)}")
        return None

    def _relationship(self, line: int, column: int, word: str) -> bool | None:
        """Whether a link is a peering, or None and a problem."""
        if word in (_PEERS, _TRANSIT):
            return word == _PEERS
        expected = "expected -1 (the first is the second's provider) or 0 (peers)"
        hint = {"1": " (siblings, which have no rule for what they announce)", "2": " (siblings)"}.get(
            word, ""
        )
        self.problem(line, column, f"{expected}, found {_short(word)}{hint}")
        return None

    def _is_new(self, number: int, first: int, second: int, *, is_peering: bool) -> bool:
        """Whether no earlier line joined these two; a problem otherwise."""
        pair = (min(first, second), max(first, second))
        is_what = "peers" if is_peering else f"AS{first} provider of AS{second}"
        earlier = self._links.setdefault(pair, (number, is_what))
        if earlier[0] == number:
            return True
        names = f"AS{first} and AS{second}"
        if earlier[1] == is_what:
            self.problem(number, 1, f"{names} are joined already on line {earlier[0]}")
        else:
            message = f"{names} contradict line {earlier[0]}: here {is_what}, there {earlier[1]}"
            self.problem(number, 1, message)
        return False


def _short(text: str) -> str:
    """``text`` in quotes, cut where it is long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
