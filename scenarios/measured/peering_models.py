"""What each model sees, and what it predicts, for every experiment."""

# ruff: noqa: INP001 - part of a script

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from peering_data import ASN, METHODS, Experiment

from emulator.network.asgraph.cones import customer_cones
from emulator.steady.preferences import UNKNOWN, Trial, carry, learn, predict
from emulator.steady.preferences_reach import observe, reach
from emulator.steady.preferences_sites import attach
from emulator.steady.valley_free import Origin, Routes, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.preferences import Field
    from emulator.steady.preferences_reach import Reach
    from emulator.steady.preferences_sites import Attached

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

MODELS: Final = {
    "graph": "CAIDA's graph; of the single-site paths only who the sites' neighbours are",
    "single": "the graph and all single-site paths; no two-site measurement at all",
    "others": "that, and the two-site measurements of all other experiments, never of this one",
}
"""What each model sees."""


@dataclass(frozen=True)
class World:
    """All experiments on one graph with all sites in it."""

    base: AsGraph
    experiments: Sequence[Experiment]

    @cached_property
    def usable(self) -> tuple[Experiment, ...]:
        """Experiments whose sites were both seen alone by somebody, in this or another experiment."""
        seen = {
            site
            for each in self.experiments
            for site, paths in each.alone.items()
            if any(ASN in p for p in paths)
        }
        return tuple(each for each in self.experiments if seen.issuperset(each.sites))

    @cached_property
    def paths(self) -> dict[str, list[tuple[int, ...]]]:
        """By site all paths seen while it announced alone."""
        sites = sorted({site for each in self.usable for site in each.sites})
        return {site: [p for each in self.usable for p in each.alone.get(site, ())] for site in sites}

    @cached_property
    def attached(self) -> Attached:
        """The graph with the sites, and links that CAIDA's lacks."""
        return attach(self.base, ASN, self.paths)

    @cached_property
    def plain(self) -> Attached:
        """The graph with the sites and no other link than CAIDA's."""
        return attach(self.base, ASN, self.paths, with_hidden=False)

    @cached_property
    def reaches(self) -> dict[tuple[str, str], Reach]:
        """By experiment and site: the routes while it announces alone, from its own paths where they say."""
        always = {site: observe(self.attached, site, paths) for site, paths in self.paths.items()}
        return {
            (each.name, site): reach(
                self.attached.graph,
                self.attached.site[site],
                observe(self.attached, site, each.alone[site]).completed(always[site]),
            )
            for each in self.usable
            for site in each.sites
        }

    def landed(self, experiment: Experiment, method: str, graph: AsGraph | None = None) -> Ints:
        """(N,) 0 or 1 for the experiment's sites, `UNKNOWN` where the method has no answer."""
        graph = graph or self.attached.graph
        found = np.full(len(graph), UNKNOWN, np.int64)
        for asn, site in experiment.landed[method].items():
            node = graph.node(asn)
            if node is not None and asn != ASN:
                found[node] = experiment.sites.index(site)
        return found

    def measured(self, experiment: Experiment) -> Ints:
        """(N,) as `landed` by any method: collectors before traceroute before ping."""
        found = np.full(len(self.attached.graph), UNKNOWN, np.int64)
        for method in METHODS:
            answer = self.landed(experiment, method)
            found = np.where(answer >= 0, answer, found)
        return found

    def trial(self, experiment: Experiment) -> Trial:
        """The experiment with its answers: for learning what is asked of others, or for a ceiling."""
        first, second = (self.reaches[experiment.name, site] for site in experiment.sites)
        return Trial((first, second), self.measured(experiment))

    @cached_property
    def fields(self) -> dict[str, Field]:
        """By experiment, its answers carried over the graph."""
        return {each.name: carry(self.attached.graph, self.trial(each)) for each in self.usable}

    @cached_property
    def cones(self) -> Ints:
        """(N,) customer cones."""
        return customer_cones(self.attached.graph)

    def routes(self, experiment: Experiment) -> Routes:
        """Gao-Rexford with both sites announcing, on CAIDA's links alone."""
        return solve(self.plain.graph, [Origin(self.plain.site[site]) for site in experiment.sites])

    def predicted(self, experiment: Experiment, model: str) -> Ints:
        """(N,) 0 or 1, `UNKNOWN` without a route, by a model of `MODELS`; nodes are those of ``attached``."""
        if model == "graph":
            origin = self.routes(experiment).origin
            answer = np.full(len(origin), UNKNOWN, np.int64)
            for at, site in enumerate(experiment.sites):
                answer[origin == self.plain.site[site]] = at
            return self._as_attached(answer)
        others = [self.fields[each.name] for each in self.usable if each.name != experiment.name]
        preferences = learn(self.attached.graph, others) if model == "others" else None
        reaches = [self.reaches[experiment.name, site] for site in experiment.sites]
        likeliest: Ints = predict(self.attached.graph, reaches, preferences).argmax(axis=1)
        return likeliest

    def _as_attached(self, answer: Ints) -> Ints:
        """An answer by nodes of ``plain``, by those of ``attached``, which has some more ASes."""
        at = np.searchsorted(self.plain.graph.asn, self.attached.graph.asn)
        at = np.minimum(at, len(answer) - 1)
        is_there = self.plain.graph.asn[at] == self.attached.graph.asn
        return np.where(is_there, answer[at], UNKNOWN)


@dataclass(frozen=True, slots=True)
class Score:
    """Of the ASes that a method measured: how many there are, and the share that was predicted right.

    ``weighted`` counts each by its customer cone; ``majority`` is what one would get by
    naming the larger site for all.
    """

    measured: int
    share: float
    weighted: float
    majority: float


def score(predicted: Ints, landed: Ints, cones: Ints) -> Score:
    """Compare a prediction with a measurement; an AS without a route counts as wrong."""
    at = np.flatnonzero(landed >= 0)
    right = predicted[at] == landed[at]
    sizes = np.bincount(landed[at], minlength=2)
    return Score(
        len(at),
        float(right.mean()),
        float((right * cones[at]).sum() / cones[at].sum()),
        float(sizes.max() / sizes.sum()),
    )
