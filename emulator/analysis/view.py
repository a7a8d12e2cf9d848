"""A run's tables as arrays in the shape that metrics and plots ask for, each computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.record.tables import RTT_BINS, RTT_FIRST_MS, RTT_RATIO, rtt_bin_centre_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.analysis.graphview import Catchments, Reach
    from emulator.record.run import Json, RunRecord
    from emulator.record.tables import Table

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

PHASES: Final = ("before", "during", "after")
COUNTS: Final = ("requests", "good", "slow", "lost", "resets")
WINDOWS: Final = 180
"""At most this many RTT windows a run: about one a five-pixel column of a plot."""
_WINDOW_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Phases:
    """When the network was whole, broken and afterwards, in seconds after t = 0."""

    fault_s: float | None
    """First fault; None where nothing breaks, and then all of the run is "before"."""
    during_end_s: float
    end_s: float

    def of_seconds(self, seconds: Ints) -> Ints:
        """Phase index of requests that started in [s, s + 1); the second of the fault is "during"."""
        if self.fault_s is None:
            return np.zeros(len(seconds), np.int64)
        during = seconds >= math.floor(self.fault_s)
        after = during & (seconds >= math.ceil(self.during_end_s))
        return during.astype(np.int64) + after

    @property
    def present(self) -> tuple[str, ...]:
        """The phases that have a duration."""
        if self.fault_s is None:
            return PHASES[:1]
        lengths = (self.fault_s, self.during_end_s - self.fault_s, self.end_s - self.during_end_s)
        return tuple(phase for phase, length in zip(PHASES, lengths, strict=True) if length > 0)


def text_codes(values: Sequence[str], names: Sequence[str]) -> Ints:
    """Return the position in ``names`` of each of ``values``; -1 where it is none of them."""
    import polars as pl

    series = pl.Series(values, dtype=pl.String).cast(pl.Enum(list(names)), strict=False)
    return series.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def distinct(values: Sequence[str]) -> list[str]:
    """Return ``values`` without repetition, in order of first appearance."""
    import polars as pl

    return pl.Series(values, dtype=pl.String).unique(maintain_order=True).to_list()


def rtt_edges_ms() -> Floats:
    """Lower edges of the RTT bins, and the upper edge of the last (RTT_BINS + 1 values, ms)."""
    return RTT_FIRST_MS * RTT_RATIO ** np.arange(RTT_BINS + 1, dtype=float)


def histogram_quantile_ms(counts: Ints, quantile: float) -> float:
    """RTT (ms) that a share ``quantile`` of the requests did not exceed; NaN without requests.

    The geometric centre of the bin in which the cumulative count gets there.
    """
    cumulative = np.cumsum(counts)
    total = int(cumulative[-1])
    if not total:
        return math.nan
    index = int(np.searchsorted(cumulative, max(1, math.ceil(quantile * total))))
    return rtt_bin_centre_ms(index)


class RunView:
    """A `RunRecord` seen by strategy, second and phase. Absent tables give empty results."""

    def __init__(self, record: RunRecord) -> None:
        """Nothing is computed until it is asked for."""
        self.record = record

    def table(self, name: str) -> Table | None:
        """Table ``name``, or None where the run has none or it has no rows."""
        table = self.record.tables.get(name)
        return table if table is not None and len(next(iter(table.values()))) else None

    @cached_property
    def atlas(self) -> Json:
        """The record's atlas."""
        return self.record.atlas

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        """Names of the strategies with requests, in the scenario's order."""
        requests = self.table("requests")
        if requests is None:
            return ()
        present = distinct(requests["strategy"])
        listed = [entry["name"] for entry in self.atlas.get("strategies", ())]
        return tuple([name for name in listed if name in present] + [n for n in present if n not in listed])

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind of each strategy; its own name where the atlas does not say."""
        listed = {
            entry["name"]: entry.get("kind", entry["name"]) for entry in self.atlas.get("strategies", ())
        }
        return {name: listed.get(name, name) for name in self.strategies}

    @cached_property
    def phases(self) -> Phases:
        """When the phases begin and end."""
        given = self.atlas.get("phases", {})
        end = given.get("end_s")
        if end is None:
            requests = self.table("requests")
            end = 0.0 if requests is None else float(np.max(requests["second"])) + 1
        fault = given.get("fault_s")
        return Phases(fault, end if fault is None else given.get("during_end_s", end), end)

    @cached_property
    def events(self) -> tuple[Json, ...]:
        """Timeline events, {index, at_s, kind, label}, in time order."""
        return tuple(sorted(self.atlas.get("events", ()), key=lambda event: (event["at_s"], event["index"])))

    @cached_property
    def request_codes(self) -> Ints:
        """Strategy position of each row of the requests table."""
        requests = self.table("requests")
        return (
            np.zeros(0, np.int64) if requests is None else text_codes(requests["strategy"], self.strategies)
        )

    @cached_property
    def by_second(self) -> dict[str, dict[str, Ints]]:
        """Strategy -> count's name -> requests by the second they started in (index = second)."""
        requests = self.table("requests")
        if requests is None:
            return {}
        second = np.asarray(requests["second"], np.int64)
        length = max(int(second.max()) + 1, math.ceil(self.phases.end_s))
        flat = self.request_codes * length + second
        shape = (len(self.strategies), length)
        counts = {name: _sums(flat, requests[name], shape) for name in COUNTS}
        return {s: {name: counts[name][i] for name in COUNTS} for i, s in enumerate(self.strategies)}

    @cached_property
    def by_group(self) -> dict[str, dict[str, Ints]]:
        """Strategy -> count's name -> requests by phase and group, shape (3, groups)."""
        requests = self.table("requests")
        if requests is None:
            return {}
        group = np.asarray(requests["group"], np.int64)
        groups = max(len(self.atlas.get("groups", ())), int(group.max()) + 1)
        phase = self.phases.of_seconds(np.asarray(requests["second"], np.int64))
        flat = (self.request_codes * len(PHASES) + phase) * groups + group
        shape = (len(self.strategies), len(PHASES), groups)
        counts = {name: _sums(flat, requests[name], shape) for name in COUNTS}
        return {s: {name: counts[name][i] for name in COUNTS} for i, s in enumerate(self.strategies)}

    @cached_property
    def rtt_window_s(self) -> int:
        """Length in seconds of one row of `rtt_windows`."""
        length = max(1.0, self.phases.end_s)
        return next((w for w in _WINDOW_S if length / w <= WINDOWS), math.ceil(length / WINDOWS))

    @cached_property
    def rtt_windows(self) -> dict[str, Ints]:
        """Strategy -> RTT histogram, shape (windows, RTT_BINS)."""
        rtt = self.table("rtt")
        if rtt is None:
            return {}
        window = np.asarray(rtt["second"], np.int64) // self.rtt_window_s
        rows = max(int(window.max()) + 1, math.ceil(self.phases.end_s / self.rtt_window_s))
        return self._rtt_histograms(rtt, window, rows)

    @cached_property
    def rtt_phases(self) -> dict[str, Ints]:
        """Strategy -> RTT histogram by phase, shape (3, RTT_BINS)."""
        rtt = self.table("rtt")
        if rtt is None:
            return {}
        return self._rtt_histograms(
            rtt, self.phases.of_seconds(np.asarray(rtt["second"], np.int64)), len(PHASES)
        )

    def _rtt_histograms(self, rtt: Table, row: Ints, rows: int) -> dict[str, Ints]:
        codes = text_codes(rtt["strategy"], self.strategies)
        known = codes >= 0
        flat = ((codes * rows + row) * RTT_BINS + np.asarray(rtt["bin"], np.int64))[known]
        counts = _sums(flat, np.asarray(rtt["requests"])[known], (len(self.strategies), rows, RTT_BINS))
        return dict(zip(self.strategies, counts, strict=True))

    @cached_property
    def served_by(self) -> dict[str, Ints]:
        """Strategy -> successful requests by phase, group and POP, shape (3, groups, pops)."""
        table = self.table("catchment")
        if table is None:
            return {}
        group, pop = np.asarray(table["group"], np.int64), np.asarray(table["pop"], np.int64)
        groups = max(len(self.atlas.get("groups", ())), int(group.max()) + 1)
        pops = max(len(self.atlas.get("pops", ())), int(pop.max()) + 1)
        codes, phase = text_codes(table["strategy"], self.strategies), text_codes(table["phase"], PHASES)
        known = (codes >= 0) & (phase >= 0) & (pop >= 0)
        flat = (((codes * len(PHASES) + phase) * groups + group) * pops + pop)[known]
        shape = (len(self.strategies), len(PHASES), groups, pops)
        return dict(
            zip(self.strategies, _sums(flat, np.asarray(table["requests"])[known], shape), strict=True)
        )

    @cached_property
    def reconvergence(self) -> dict[str, Reconvergence]:
        """Strategy -> service reconvergence of the groups that a fault touched."""
        table = self.table("reconvergence")
        if table is None:
            return {}
        codes = text_codes(table["strategy"], self.strategies)
        return {name: _reconvergence(table, codes == i) for i, name in enumerate(self.strategies)}

    @cached_property
    def steering(self) -> dict[str, Steering]:
        """Strategy -> address shares over time, for the strategies with more than one address."""
        table = self.table("steering")
        if table is None:
            return {}
        codes = text_codes(table["strategy"], self.strategies)
        found = {name: _steering(table, codes == i) for i, name in enumerate(self.strategies)}
        return {name: steering for name, steering in found.items() if len(steering.addresses) > 1}

    @cached_property
    def catchments(self) -> tuple[Catchments, ...]:
        """On AS graphs: who serves whom over time, a destination each; the shared one comes first."""
        from emulator.analysis.graphview import catchments_of

        return catchments_of(self.table("sites"))

    @cached_property
    def reach(self) -> Reach | None:
        """On AS graphs: what each event did to every AS."""
        from emulator.analysis.graphview import has_cdn, reach_of

        known = [each.destination for each in self.catchments]
        return reach_of(self.table("reach"), known=known, cdn=has_cdn(self))

    @cached_property
    def routers(self) -> tuple[str, ...]:
        """Router names in index order; empty where the atlas does not list them."""
        return tuple(self.atlas.get("routers", ()))


@dataclass(frozen=True, slots=True)
class Reconvergence:
    """Service reconvergence by affected group: its slowest recovery where several faults touched it."""

    groups: Ints
    """Client group indices, ascending."""
    seconds: Floats
    """+infinity where the group had not recovered when the run ended."""


@dataclass(frozen=True, slots=True)
class Steering:
    """Which address the demand used; arrays of shape (addresses, samples)."""

    addresses: tuple[str, ...]
    seconds: Ints
    share: Floats
    in_use: Floats
    wan: Floats


def _sums(flat: Ints, values: Any, shape: tuple[int, ...]) -> Ints:  # noqa: ANN401 - any array of counts
    """Sum ``values`` (counts below 2**53) into an array of ``shape`` by flat position."""
    weights = np.asarray(values, np.float64)
    return np.bincount(flat, weights, minlength=math.prod(shape)).astype(np.int64).reshape(shape)


def _reconvergence(table: Table, rows: npt.NDArray[np.bool_]) -> Reconvergence:
    group = np.asarray(table["group"], np.int64)[rows]
    censored = np.asarray(table["censored"], bool)[rows]
    seconds = np.where(censored, math.inf, np.asarray(table["seconds"], float)[rows])
    groups, position = np.unique(group, return_inverse=True)
    slowest = np.zeros(len(groups))
    np.maximum.at(slowest, position, seconds)
    return Reconvergence(groups, slowest)


def _steering(table: Table, rows: npt.NDArray[np.bool_]) -> Steering:
    wanted = np.flatnonzero(rows)
    if not len(wanted):
        empty = np.zeros((0, 0))
        return Steering((), np.zeros(0, np.int64), empty, empty, empty)
    text = np.asarray(table["address"], object)[wanted].tolist()
    addresses = distinct(text)
    position = text_codes(text, addresses)
    seconds, sample = np.unique(np.asarray(table["second"], np.int64)[wanted], return_inverse=True)
    columns = []
    for name in ("share", "in_use", "wan"):
        values = np.full((len(addresses), len(seconds)), math.nan if name == "wan" else 0.0)
        values[position, sample] = np.asarray(table[name], float)[wanted]
        columns.append(values)
    return Steering(tuple(addresses), seconds, *columns)
