"""Anycast sites put into an AS graph where their own announcements show them.

What is read are AS paths as route collectors see them while one site alone
announces: from the vantage point to the origin, prepending included. They say
who the site's neighbours are, which of them carry it to everybody and which
only to their customers, and which links the graph lacks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.errors import InputError
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEERING, AsGraph, from_links

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Path = Sequence[int]

UPHILL_MIN: Final = 2
"""Paths that have to show a neighbour pass a site on to its peers or providers, before it counts as transit:
a single one may have been on its way when the site was withdrawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Attached:
    """A graph with the sites in it, each a node of its own under its label.

    ``site`` has the node of each. ``transit`` and ``peers`` have by site the AS
    numbers of its neighbours, ascending. ``hidden`` are the links (customer, provider)
    that paths use and the graph did not have; which is the customer is a guess.
    """

    graph: AsGraph
    asn: int
    site: Mapping[str, int]
    transit: Mapping[str, tuple[int, ...]]
    peers: Mapping[str, tuple[int, ...]]
    hidden: tuple[tuple[int, int], ...]


def to_site(path: Path, asn: int) -> tuple[int, ...] | None:
    """``path`` up to the first appearance of the sites' ``asn``, None where it has none or nothing before it.

    What stands behind it is the origin's own affair: AS numbers put into the path to tell sites apart.
    """
    at = next((at for at, each in enumerate(path) if each == asn), 0)
    return tuple(path[: at + 1]) if at else None


def attach(
    graph: AsGraph, asn: int, paths: Mapping[str, Iterable[Path]], *, with_hidden: bool = True
) -> Attached:
    """Put the sites of ``asn`` into ``graph``, by the ``paths`` seen while each announced alone.

    A neighbour sells a site transit if it passes the site on to its own peers or
    providers at least as often as to its customers, and at least twice; otherwise it
    is a peer. A link that the graph lacks is added, the AS nearer to the vantage point
    as the customer: so it opens no way to anybody else; with ``with_hidden`` off it is only
    listed. Links that the graph has for ``asn`` itself go, as do its nodes. Raises `InputError`
    for a site without a path.
    """
    if len(np.unique(graph.asn)) < len(graph):
        message = "the graph has several nodes of one AS; sites are attached to a graph of ASes"
        raise InputError(message)
    known = {
        label: [short for path in seen if (short := to_site(path, asn))] for label, seen in paths.items()
    }
    for label, seen in known.items():
        if not seen:
            message = f"no path ends at AS{asn} while {label} announces alone; nothing shows its neighbours"
            raise InputError(message)
    neighbors = {label: _neighbors(graph, seen) for label, seen in known.items()}
    hidden = _hidden(graph, asn, known)
    joined, site = _joined(graph, asn, neighbors, hidden if with_hidden else ())
    return Attached(
        graph=joined,
        asn=asn,
        site=site,
        transit={label: tuple(n for n in sorted(of) if of[n]) for label, of in neighbors.items()},
        peers={label: tuple(n for n in sorted(of) if not of[n]) for label, of in neighbors.items()},
        hidden=hidden,
    )


def relation_of(graph: AsGraph, asn: int, other: int) -> int | None:
    """What AS ``other`` is to AS ``asn``, None where no link joins them."""
    node, neighbor = graph.node(asn), graph.node(other)
    slot = None if node is None or neighbor is None else graph.slot(node, neighbor)
    return None if slot is None else int(graph.relation[slot])


def _neighbors(graph: AsGraph, paths: list[tuple[int, ...]]) -> dict[int, bool]:
    """By a site's neighbours whether they sell it transit."""
    passed: dict[int, Counter[bool]] = {}
    for path in paths:
        *rest, neighbor, _ = _without_prepending(path)
        to = passed.setdefault(neighbor, Counter())
        relation = relation_of(graph, neighbor, rest[-1]) if rest else None
        if relation is not None:
            to[relation != CUSTOMER] += 1
    return {each: to[True] >= max(UPHILL_MIN, to[False]) for each, to in passed.items()}


def _without_prepending(path: Path) -> list[int]:
    return [each for at, each in enumerate(path) if not at or each != path[at - 1]]


def _hidden(
    graph: AsGraph, asn: int, paths: Mapping[str, list[tuple[int, ...]]]
) -> tuple[tuple[int, int], ...]:
    """Links (nearer to the vantage point, nearer to the site) that ``graph`` lacks, the first way seen."""
    found: dict[tuple[int, int], None] = {}
    checked: set[tuple[int, int]] = set()
    for seen in paths.values():
        for path in seen:
            for pair in pairwise(_without_prepending(path)):
                if asn in pair or pair in checked:
                    continue
                checked.add(pair)
                if relation_of(graph, *pair) is None and pair[::-1] not in found:
                    found[pair] = None
    return tuple(found)


def _joined(
    graph: AsGraph,
    asn: int,
    neighbors: Mapping[str, Mapping[int, bool]],
    hidden: Sequence[tuple[int, int]],
) -> tuple[AsGraph, dict[str, int]]:
    """The graph with links added and the sites as nodes, and where these are."""
    kept = (graph.asn[graph.link_ends] != asn).all(axis=1)
    added = [each for pair in hidden for each in pair] + [each for of in neighbors.values() for each in of]
    others = np.unique(np.concatenate((graph.asn[graph.asn != asn], np.array(added, np.int64))))
    at = int(np.searchsorted(others, asn))
    numbers = np.concatenate((others[:at], np.full(len(neighbors), asn, np.int64), others[at:]))
    site = {label: at + position for position, label in enumerate(neighbors)}

    def node(asns: Ints) -> Ints:
        """Nodes of ASes other than the sites'."""
        found = np.searchsorted(others, asns)
        return found + np.where(found >= at, len(neighbors), 0)

    of_sites = [
        (site[label], each, CUSTOMER_PROVIDER if is_transit else PEERING)
        for label, of in neighbors.items()
        for each, is_transit in of.items()
    ]
    extra = np.array(of_sites, np.int64).reshape(-1, 3)
    ends = (
        node(graph.asn[graph.link_ends[kept]]),
        node(np.array(hidden, np.int64).reshape(-1, 2)),
        np.stack((extra[:, 0], node(extra[:, 1])), axis=1),
    )
    kinds = (graph.link_kind[kept], np.full(len(hidden), CUSTOMER_PROVIDER, np.int64), extra[:, 2])
    labels = {position: label for label, position in site.items()}
    return from_links(numbers, np.concatenate(ends), np.concatenate(kinds), labels), site
