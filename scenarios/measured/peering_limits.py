"""What keeps a prediction from being right: links not known, ties, who decides, what no model gets."""

# ruff: noqa: INP001 - part of a script

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
from peering_data import ASN, METHODS

from emulator.network.asgraph.graph import CUSTOMER, PEER, PROVIDER
from emulator.steady.preferences import UNKNOWN, Trial, carry, learn
from emulator.steady.preferences_reach import is_offered
from emulator.steady.preferences_sites import to_site

if TYPE_CHECKING:
    import numpy.typing as npt
    from peering_data import Experiment
    from peering_models import World

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_GROUP_MIN = 5


def hidden_links(world: World) -> tuple[int, int, float]:
    """Links on single-site paths, how many of them CAIDA lacks, and the share of paths that use one."""
    hidden = {frozenset(pair) for pair in world.attached.hidden}
    links: set[frozenset[int]] = set()
    paths = [short for seen in world.paths.values() for path in seen if (short := to_site(path, ASN))]
    using = 0
    for path in paths:
        pairs = {frozenset(pair) for pair in pairwise(path) if pair[0] != pair[1] and ASN not in pair}
        links |= pairs
        using += bool(pairs & hidden)
    return len(links), len(hidden), using / len(paths)


def ties(world: World, experiment: Experiment) -> tuple[Bools, Ints]:
    """(N,) of ``plain`` where equally good routes lead to both sites, here or further on; and the answers."""
    graph, routes = world.plain.graph, world.routes(experiment)
    owner = graph.slot_node()
    kind = routes.relation.astype(np.int64)
    kind[[world.plain.site[site] for site in experiment.sites]] = CUSTOMER + 1
    is_equal = (
        is_offered(graph, np.where(routes.origin >= 0, kind, 0))
        & (graph.relation == routes.relation[owner])
        & (routes.length[graph.neighbor] + 1 == routes.length[owner])
    )
    may = np.zeros((len(graph), 2), np.bool_)
    for at, site in enumerate(experiment.sites):
        may[world.plain.site[site], at] = True
    slots = np.flatnonzero(is_equal)
    while True:
        further = may.copy()
        np.logical_or.at(further, owner[slots], may[graph.neighbor[slots]])
        if np.array_equal(further, may):
            return may[:, 0] & may[:, 1], world.landed(experiment, "ping", graph)
        may = further


def decided_by_tie(world: World, experiment: Experiment) -> tuple[float, float]:
    """Share of pinged ASes whose site the tie-break decides, and of those that the graph has wrong."""
    is_tied, landed = ties(world, experiment)
    origin = world.routes(experiment).origin
    measured = landed >= 0
    sites = np.array([world.plain.site[site] for site in experiment.sites])
    is_wrong = measured & (origin != sites[landed])
    return _share(is_tied[measured]), _share(is_tied[is_wrong])


def behind(world: World, experiment: Experiment, most: int = 3) -> list[tuple[int, float]]:
    """ASes nearest to the site that the graph has wrong, on the ways of ASes it has wrong, by their share."""
    graph, routes = world.plain.graph, world.routes(experiment)
    landed = world.landed(experiment, "ping", graph)
    sites = [world.plain.site[site] for site in experiment.sites]
    chosen = np.full(len(graph), UNKNOWN, np.int64)
    for at, site in enumerate(sites):
        chosen[routes.origin == site] = at
    is_wrong = (landed >= 0) & (chosen >= 0) & (landed != chosen)
    culprits: Counter[int] = Counter()
    for node in np.flatnonzero(is_wrong).tolist():
        at, culprit = node, node
        while at not in sites:
            culprit = at if is_wrong[at] else culprit
            at = int(routes.next_hop[at])
        culprits[int(graph.asn[culprit])] += 1
    total = max(1, culprits.total())
    return [(asn, count / total) for asn, count in culprits.most_common(most)]


def with_provider(world: World, experiment: Experiment) -> float:
    """Share of pinged ASes with one provider and no peer that go where most such customers of it go."""
    graph = world.attached.graph
    landed = world.landed(experiment, "ping")
    alone = (graph.degrees(PROVIDER) == 1) & (graph.degrees(PEER) == 0) & (landed >= 0)
    owner = graph.slot_node()
    slots = np.flatnonzero(alone[owner] & (graph.relation == PROVIDER))
    provider, site = graph.neighbor[slots], landed[owner[slots]]
    count = np.stack([np.bincount(provider[site == at], minlength=len(graph)) for at in (0, 1)], axis=1)
    large = count.sum(axis=1) >= _GROUP_MIN
    total = int(count[large].sum())
    return float(count[large].max(axis=1).sum()) / total if total else math.nan


def ceiling(world: World, experiment: Experiment) -> float:
    """Share of pinged ASes without customers that would be right if all others' sites were told.

    Not a prediction: it is told the answers of the transit ASes of this very experiment.
    """
    graph, answers = world.attached.graph, world.trial(experiment)
    others = [world.fields[each.name] for each in world.usable if each.name != experiment.name]
    told = Trial(answers.reaches, np.where(graph.degrees(CUSTOMER) > 0, answers.landed, UNKNOWN))
    share = carry(graph, told, learn(graph, others).habit).share
    landed = world.landed(experiment, "ping")
    at = np.flatnonzero((landed >= 0) & (told.landed < 0))
    return _share(share[at].argmax(axis=1) == landed[at])


def agreement(experiment: Experiment) -> dict[tuple[str, str], tuple[int, float]]:
    """For pairs of methods: ASes that both measured, and the share of them with the same answer."""
    found = {}
    for one, two in combinations(METHODS, 2):
        first, second = experiment.landed[one], experiment.landed[two]
        both = sorted(first.keys() & second.keys())
        same = sum(first[asn] == second[asn] for asn in both)
        found[one, two] = (len(both), same / max(1, len(both)))
    return found


def transitive(world: World, experiment: Experiment) -> tuple[float, float]:
    """Share of pinged ASes with a measured preference by way of a third site, and how many are right.

    AnyOpt's rule by itself: s over c in one experiment and c over t in another, and no third site against it.
    """
    first, second = experiment.sites
    wins = {
        (each.sites[at], each.sites[1 - at]): np.where(found < 0, 0, np.where(found == at, 1, -1))
        for each in world.usable
        if each.name != experiment.name
        for found in [world.measured(each)]
        for at in (0, 1)
    }
    votes = np.zeros(len(world.attached.graph), np.int64)
    for third in sorted(world.paths):
        if (first, third) in wins and (third, second) in wins:
            ahead, behind_ = wins[first, third], wins[third, second]
            votes += np.where((ahead == behind_), ahead, 0)
    landed = world.landed(experiment, "ping")
    measured = landed >= 0
    says = measured & (votes != 0)
    right = (votes[says] > 0) == (landed[says] == 0)
    return _share(says[measured]), _share(right)


def _share(true: Bools) -> float:
    """Share of what is true, NaN of nothing."""
    return float(true.mean()) if len(true) else math.nan
