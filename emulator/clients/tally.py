"""Counting what became of the requests, and turning the counts into the run's tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from emulator.clients.paths import DARK, NO_POP
from emulator.record.tables import CATCHMENT, HOSTS, LOAD, RECONVERGENCE, RTT_BINS, STEERING
from emulator.units import SECOND

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.clients.config import Host, Phases
    from emulator.clients.paths import Paths
    from emulator.record.tables import Schema, Table

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

PHASE_NAMES = ("before", "during", "after")


def sums(index: Ints, values: npt.NDArray[Any], size: int) -> Floats:
    """Sum ``values`` by ``index``, shape (size,)."""
    return np.asarray(np.bincount(index, weights=values, minlength=size), dtype=np.float64)


def phase_edges(phases: Phases) -> Ints:
    """Instants at which "during" and "after" begin; past the end where there is no fault."""
    if phases.fault is None:
        return np.array([phases.end, phases.end], dtype=np.int64)
    during_end = phases.end if phases.during_end is None else phases.during_end
    return np.array([phases.fault, max(during_end, phases.fault)], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts under one strategy; by (group, second) unless noted."""

    slow: Ints
    lost: Ints
    resets: Ints
    rtt_sum: Floats
    rtt: npt.NDArray[np.int32]
    """(seconds, RTT_BINS) successful requests."""
    served: Ints
    """(phases, path entries) successful requests."""
    hosts: Ints
    """(4, phases, hosts): requests, good, slow, lost."""


def no_counts(groups: int, seconds: int, entries: int, hosts: int) -> Counts:
    """Zeros."""

    def zeros() -> Ints:
        return np.zeros((groups, seconds), dtype=np.int64)

    return Counts(
        zeros(),
        zeros(),
        zeros(),
        np.zeros((groups, seconds)),
        np.zeros((seconds, RTT_BINS), dtype=np.int32),
        np.zeros((len(PHASE_NAMES), entries), dtype=np.int64),
        np.zeros((4, len(PHASE_NAMES), hosts), dtype=np.int64),
    )


def request_rows(strategy: str, asked: Ints, counts: Counts) -> Table:
    """Return `REQUESTS` of one strategy: every (group, second) in which requests were ``asked``."""
    group, second = np.nonzero(asked)
    requests, slow, lost = (c[group, second] for c in (asked, counts.slow, counts.lost))
    succeeded = requests - lost
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(succeeded > 0, counts.rtt_sum[group, second] / succeeded, np.nan)
    return {
        "strategy": [strategy] * len(group),
        "group": group.astype(np.int32),
        "second": second.astype(np.int32),
        "requests": requests.astype(np.uint32),
        "good": (succeeded - slow).astype(np.uint32),
        "slow": slow.astype(np.uint32),
        "lost": lost.astype(np.uint32),
        "resets": counts.resets[group, second].astype(np.uint32),
        "rtt_mean_ms": mean.astype(np.float32),
    }


def rtt_rows(strategy: str, counts: Counts) -> Table:
    """`RTT` of one strategy: the filled bins."""
    second, index = np.nonzero(counts.rtt)
    return {
        "strategy": [strategy] * len(second),
        "second": second.astype(np.int32),
        "bin": index.astype(np.int16),
        "requests": counts.rtt[second, index].astype(np.uint32),
    }


def catchment_rows(strategy: str, counts: Counts, paths: Paths) -> Table:
    """`CATCHMENT` of one strategy; the median is over requests, by the path each was served on."""
    rows: list[tuple[str, int, int, int, float]] = []
    group_of = paths.pair % paths.group_count
    for phase, name in enumerate(PHASE_NAMES):
        used = np.flatnonzero((counts.served[phase] > 0) & (paths.site != DARK))
        if not len(used):
            continue
        used = used[np.lexsort((paths.rtt_ms[used], paths.site[used], group_of[used]))]
        group, site, weight = group_of[used], paths.site[used], counts.served[phase, used]
        first = np.flatnonzero(np.append(True, (np.diff(group) != 0) | (np.diff(site) != 0)))
        total = np.add.reduceat(weight, first)
        upto = np.cumsum(weight)
        middle = np.searchsorted(upto, upto[first] - weight[first] + (total + 1) // 2)
        pop = np.where(site[first] == NO_POP, -1, site[first])
        median = paths.rtt_ms[used[middle]]
        columns = (group[first].tolist(), pop.tolist(), total.tolist(), median.tolist())
        rows += [(name, *row) for row in zip(*columns, strict=True)]
    return _table(CATCHMENT, strategy, rows)


def host_rows(strategy: str, counts: Counts, hosts: tuple[Host, ...]) -> Table:
    """`HOSTS` of one strategy: the phases with requests."""
    rows = []
    for index, host in enumerate(hosts):
        for phase, name in enumerate(PHASE_NAMES):
            numbers = counts.hosts[:, phase, index].tolist()
            if numbers[0]:
                rows.append((host.name, name, *numbers))
    return _table(HOSTS, strategy, rows)


def reconvergence_rows(strategy: str, rows: list[tuple[int, int, float, bool, int]]) -> Table:
    """`RECONVERGENCE` of one strategy."""
    return _table(RECONVERGENCE, strategy, rows)


@dataclass(slots=True)
class Journal:
    """Rows of `STEERING` and `LOAD` as the run goes."""

    strategy: str
    steering: list[tuple[int, str, float, float, float]] = field(default_factory=list)
    load: list[tuple[int, str, str, float, float]] = field(default_factory=list)

    def tables(self) -> tuple[Table, Table]:
        """`STEERING` and `LOAD` of the strategy."""
        return _table(STEERING, self.strategy, self.steering), _table(LOAD, self.strategy, self.load)


_TYPES = {
    "Int16": np.int16,
    "Int32": np.int32,
    "UInt32": np.uint32,
    "UInt64": np.uint64,
    "Float32": np.float32,
    "Float64": np.float64,
    "Boolean": np.bool_,
}


def _table(schema: Schema, strategy: str, rows: list[Any]) -> Table:
    """Columns from rows that lack the leading strategy."""
    names = list(schema)[1:]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    table: Table = {"strategy": [strategy] * len(rows)}
    for name, column in zip(names, columns, strict=True):
        kind = schema[name]
        table[name] = list(column) if kind == "String" else np.array(column, dtype=_TYPES[kind])
    return table


def stack(tables: list[Table], schema: Schema) -> Table:
    """One table from those of the strategies, in order."""
    joined: Table = {}
    for name, kind in schema.items():
        if kind == "String":
            joined[name] = [text for table in tables for text in table[name]]
        else:
            joined[name] = np.concatenate([table[name] for table in tables])
    return joined


def second_count(end: int) -> int:
    """Whole seconds that a run of ``end`` ns touches."""
    return -(-end // SECOND)
