"""Which ends of sessions are Established: their own state, which a busy router's speaker hears of later."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Ends:
    """Each end's turns, past and to come; before its first one it is up."""

    def __init__(self) -> None:
        """All are up."""
        self._turns: dict[int, list[tuple[int, bool]]] = {}

    def turn(self, slot: int, at: int, *, is_up: bool) -> None:
        """The end at ``slot`` goes up, or down, at the instant ``at``."""
        insort(self._turns.setdefault(slot, []), (at, is_up), key=lambda turn: turn[0])

    def take_back(self, slots: Iterable[int], at: int, *, is_up: bool) -> None:
        """From ``at`` on these ends do not go up, or down, after all."""
        for slot in slots:
            turns = self._turns.get(slot, [])
            turns[:] = [turn for turn in turns if turn[0] < at or turn[1] is not is_up]

    def is_up(self, slot: int, at: int) -> bool:
        """Whether the end is up just before the instant ``at``."""
        turns = self._turns.get(slot, [])
        place = bisect_left(turns, at, key=lambda turn: turn[0])
        return turns[place - 1][1] if place else True
