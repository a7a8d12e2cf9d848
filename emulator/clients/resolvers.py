"""Recursive resolvers: who shares a cache, and what each cache answers when.

A *cell* is what shares one cached answer: (client group, host, resolver). A host
that is not steered has one cell a group, since its answer never changes. Cells
are numbered by group, then host, then resolver, so that a group's requests lie
side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.draws import draw, mix, name_keys
from emulator.clients.paths import NEVER
from emulator.rng import array_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.clients.arrivals import Arrivals
    from emulator.clients.config import Host, Resolvers
    from emulator.clients.steering import Authority

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Words = npt.NDArray[np.uint64]

_VIOLATES, _CACHED, _RESIDUE, _VARIATE = range(4)


@dataclass(frozen=True, slots=True)
class Cells:
    """Columns by cell (C,), and the first cell of each group (groups + 1,)."""

    group: Ints
    host: Ints
    weight: Floats
    """Part of the whole demand."""
    is_steered: npt.NDArray[np.bool_]
    words: Words
    """Key of the cell's draws; one resolver has another for each host."""
    first: Ints
    stretch: Floats
    """How many times the TTL the cell keeps an answer."""

    @property
    def steered(self) -> Ints:
        """Numbers of the cells whose answers move."""
        return np.flatnonzero(self.is_steered)


def make_cells(
    groups: Sequence[str], demand: Floats, hosts: Sequence[Host], resolvers: Resolvers, seed: int
) -> Cells:
    """Lay out the cells; ``demand`` is each group's part of all requests."""
    rows: list[tuple[int, int, float, bool]] = []
    words: list[Words] = []
    numbers = np.arange(resolvers.per_group, dtype=np.uint64)
    for group, name in enumerate(groups):
        size = np.exp(resolvers.skew * array_stream(seed, f"resolvers/{name}").standard_normal(len(numbers)))
        size /= size.sum()
        for host, spec in enumerate(hosts):
            asked = float(demand[group]) * spec.share
            parts = asked * size if spec.steered else np.array([asked])
            rows += [(group, host, float(part), spec.steered) for part in parts]
            words.append(mix(name_keys(seed, [f"cell/{name}/{spec.name}"]) + numbers[: len(parts)]))
    group_of, host_of, weight, steered = (np.array(column) for column in zip(*rows, strict=True))
    # a violator is a resolver that violates for every host: keyed by group and number alone
    violates = np.concatenate([_violators(name, hosts, resolvers, numbers, seed) for name in groups])
    stretch = np.where(violates, resolvers.violator_factor, 1.0)
    first = np.searchsorted(group_of, np.arange(len(groups) + 1))
    return Cells(group_of, host_of, weight, steered, np.concatenate(words), first, stretch)


def _violators(
    group: str, hosts: Sequence[Host], resolvers: Resolvers, numbers: Words, seed: int
) -> npt.NDArray[np.bool_]:
    """Whether each cell of ``group`` sits on a resolver that extends TTLs."""
    chance = draw(mix(name_keys(seed, [f"resolver/{group}"]) + numbers), _VIOLATES)
    violates = chance < resolvers.ttl_violators
    return np.concatenate([violates if host.steered else violates[:1] & False for host in hosts])


class Caches:
    """What the cells hold under one strategy.

    ``answer`` (C,) is the address index as of the last chunk's end, ``expiry``
    (C,) the instant it is good until. Cells that are not steered hold answer 0 for ever.
    """

    def __init__(
        self, cells: Cells, ttls: Ints, authority: Authority, rate: float, address_keys: Words
    ) -> None:
        """Start in the steady state at t = 0.

        ``ttls`` (hosts,) in ns. At ``rate`` requests a second in all, a cell asked
        l times a second holds a fresh answer with probability l T / (1 + l T), of
        uniform age: it renews T + an exponential wait apart.
        """
        self._cells = cells
        self._authority = authority
        self.ttl: Ints = (ttls[cells.host] * cells.stretch).astype(np.int64)
        self.answer: Ints = np.zeros(len(cells.group), dtype=np.int64)
        self.expiry: Ints = np.full(len(cells.group), NEVER, dtype=np.int64)
        self._moves: list[tuple[Ints, Ints]] = []
        if authority.is_fixed:
            return
        steered = cells.steered
        busy = cells.weight[steered] * rate * self.ttl[steered] / 1e9
        cached = draw(cells.words[steered], _CACHED) < busy / (1 + busy)
        residue = (draw(cells.words[steered], _RESIDUE) * self.ttl[steered]).astype(np.int64)
        self.expiry[steered] = np.where(cached, residue, 0)
        keys = mix(cells.words[steered, None] ^ address_keys)
        variates = -np.log(draw(keys, _VARIATE))
        self._row: Ints = np.full(len(cells.group), -1, dtype=np.int64)
        self._row[steered] = np.arange(len(steered))
        self._variates = variates
        self.answer[steered] = self._ask(steered, np.zeros(len(steered), dtype=np.int64), 0, 1)

    def _ask(self, cells: Ints, instants: Ints, begin: int, end: int) -> Ints:
        """Answers of the authoritative server to ``cells`` at ``instants`` within [begin, end)."""
        groups = self._cells.group[cells]
        return self._authority.answer(groups, instants, self._variates[self._row[cells]], begin, end)

    def refresh(self, arrivals: Arrivals, retry_cells: Ints, retry_instants: Ints) -> Ints:
        """Replay a chunk: the first request at or after expiry fetches a new answer.

        Retries ask too. Returns the cells whose answer changed, ascending; until the
        next call `answer_at` knows when. ``answer`` and ``expiry`` become those at the
        chunk's end.
        """
        self._moves = []
        self._before = self.answer
        due = np.flatnonzero(self.expiry < arrivals.end)
        if not len(due):
            return due
        self.answer = self.answer.copy()
        changed = np.zeros(len(self.answer), dtype=bool)
        while len(due):
            first = self._first_request(due, arrivals, retry_cells, retry_instants)
            asked = first < NEVER
            due, first = due[asked], first[asked]
            fresh = self._ask(due, first, arrivals.begin, arrivals.end)
            self.expiry[due] = first + self.ttl[due]
            differs = fresh != self.answer[due]
            if differs.any():
                instant = np.full(len(self.answer), NEVER, dtype=np.int64)
                instant[due[differs]] = first[differs]
                self.answer[due] = fresh
                self._moves.append((instant, self.answer.copy()))
                changed[due[differs]] = True
            due = due[self.expiry[due] < arrivals.end]
        return np.flatnonzero(changed)

    def _first_request(self, due: Ints, arrivals: Arrivals, retry_cells: Ints, retry_instants: Ints) -> Ints:
        """Instant of the first request at or after expiry in each ``due`` cell, NEVER for none."""
        first = arrivals.first_since(due, self.expiry[due])
        if len(retry_cells):
            everywhere = np.full(len(self.expiry), NEVER, dtype=np.int64)
            late = retry_instants >= self.expiry[retry_cells]
            np.minimum.at(everywhere, retry_cells[late], retry_instants[late])
            first = np.minimum(first, everywhere[due])
        return first

    def answer_at(self, cells: Ints, instants: Ints) -> Ints:
        """Return what ``cells`` hold at ``instants`` within the chunk last replayed, elementwise."""
        answer = self._before[cells]
        for instant, fresh in self._moves:
            answer = np.where(instants >= instant[cells], fresh[cells], answer)
        return answer
