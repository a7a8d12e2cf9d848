"""Errors a person can cause, each with what they need to mend it.

Everything here is rebuildable from ``args``, because SimPy re-creates an
exception that leaves a process as ``type(exc)(*exc.args)``; a test does this
for every class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class EmulatorError(Exception):
    """Base of all errors of this package."""


class UnitError(EmulatorError, ValueError):
    """A quantity that does not parse, or not exactly."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with an input file.

    ``line`` and ``column`` are 1-based, 0 where the place is unknown. ``path``
    is the dotted key path within the document, empty for the whole file.
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        """Render as ``file:line:column: path: message``, the way compilers do."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class ScenarioError(EmulatorError):
    """The input is wrong: carries every problem found, in file order. Exit code 2."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """``problems`` is never empty."""
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        """One problem a line."""
        return "\n".join(str(problem) for problem in self.problems)


class InputError(EmulatorError):
    """Any other wrong input: a missing file, a folder that holds no run. Exit code 2."""


class InvariantError(EmulatorError):
    """The emulator contradicts itself: a bug here, never the user's. Exit code 3."""


def suggest(name: str, known: Iterable[str]) -> str:
    """``" (did you mean 'X'?)"`` with the ``known`` name nearest to ``name``, or nothing.

    Upper and lower case do not count, so that ``sea-me-we-4`` finds its cable.
    Ready to be put behind a name in a message.
    """
    from difflib import get_close_matches

    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return f" (did you mean {by_folded[close[0]]!r}?)" if close else ""
