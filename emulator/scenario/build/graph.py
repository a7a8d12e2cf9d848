"""``network:`` as an AS graph to nodes and links: the file or the generator, and what is added to it."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.errors import InputError, ScenarioError, suggest
from emulator.fleet.draws import key_of, quantiles
from emulator.fleet.presets import PRESETS
from emulator.network.asgraph.additions import NewLink, NewNode, link_delays, with_additions
from emulator.network.asgraph.doubtful import doubtful_as_peerings
from emulator.network.asgraph.graph import PROVIDER
from emulator.network.model import AutonomousSystem, Kind, Pop
from emulator.rng import unit_hash
from emulator.scenario.build.population import build_groups, weights_of
from emulator.scenario.build.speakers import make_delay
from emulator.scenario.schema_graph import (
    GeneratedNetwork,
    GraphSite,
    Prepended,
    RelationshipsNetwork,
    site_codes,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.fleet.presets import FleetPreset
    from emulator.network.asgraph.graph import AsGraph
    from emulator.network.model import ClientGroup
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_graph import GraphCdn, GraphNetwork

    Ints = npt.NDArray[np.int64]

DATA_VARIABLE: Final = "IPA_EMULATOR_DATA"
"""Names a folder with data that users bring themselves, in `bring-your-own`."""
PROVIDERS: Final = 10
"""How many transit providers a CDN has that names none, see `_largest`."""
_COLLECTOR_ASN: Final = 4_294_967_294
"""The last private AS number (RFC 6996): collectors are numbered down from it."""


@dataclass(frozen=True, eq=False)
class BuiltGraph:
    """The graph with all that was added.

    ``delays`` (L,) ns one way; ``prepend`` (S,); ``weight`` (N,) what an AS counts
    in catchments, 0 for POPs and collectors.
    """

    graph: AsGraph
    delays: Ints
    prepend: npt.NDArray[np.int8]
    weight: npt.NDArray[np.float64]
    pops: tuple[Pop, ...] = ()
    groups: tuple[ClientGroup, ...] = ()
    collectors: tuple[int, ...] = ()
    cdn: AutonomousSystem | None = None
    transit: tuple[int, ...] = ()


def build_graph(
    document: Scenario, spec: GraphNetwork, seed: int, problems: Problems, inputs: dict[str, str]
) -> BuiltGraph | None:
    """Make the graph that ``spec`` asks for; None after a problem.

    ``inputs`` receives the SHA-256 of each file that is read.
    """
    base = _base(spec, seed, problems, inputs)
    if base is None:
        return None
    preset = PRESETS.get(document.bgp.like or "")
    if _are_peerings(spec, preset):
        base = doubtful_as_peerings(base)
    links = _links(spec)
    _check_links(spec, base, problems)
    known = base if not links else with_additions(base, (), links)
    sites, transit = _sites(spec, spec.cdn, known, seed, problems) if spec.cdn is not None else ({}, ())
    nodes = [_site_node(spec.cdn, code, site) for code, site in sites.items()] if spec.cdn else []
    nodes += _collector_nodes(spec, known, problems)
    graph = with_additions(known, nodes, ())
    place = {name: node for node, name in graph.labels.items()}
    capacity = math.inf if spec.cdn is None or spec.cdn.pop_capacity is None else spec.cdn.pop_capacity
    pops = tuple(Pop(i, code, "", place[code], capacity) for i, code in enumerate(sites))
    collectors = tuple(place[name] for name in spec.collectors)
    weight = weights_of(document, graph, problems, inputs)
    weight[[*collectors, *(pop.router for pop in pops)]] = 0.0
    groups = build_groups(document, graph, weight, seed)
    is_said = "link_delay" in spec.model_fields_set
    delay = preset.link_delay if preset is not None and not is_said else make_delay(spec.link_delay)
    delays = link_delays(graph, quantiles(delay), key_of(seed, "links/delay"))
    cdn = None if spec.cdn is None else AutonomousSystem(spec.cdn.asn, f"AS{spec.cdn.asn}", Kind.CDN)
    prepend = _prepended(graph, sites, place)
    return BuiltGraph(graph, delays, prepend, weight, pops, groups, collectors, cdn, transit)


def _are_peerings(spec: GraphNetwork, preset: FleetPreset | None) -> bool:
    """Whether doubtful links are to be taken for peerings."""
    if spec.doubtful_links is not None:
        return spec.doubtful_links == "as-peerings"
    return preset is not None and preset.doubtful_as_peerings


def _base(spec: GraphNetwork, seed: int, problems: Problems, inputs: dict[str, str]) -> AsGraph | None:
    """The graph as it comes from the file or the generator."""
    try:
        match spec:
            case RelationshipsNetwork():
                from emulator.network.asgraph.cache import load

                path = find_data(spec.as_relationships, problems.folder)
                graph = load(path)
                inputs[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
                return graph
            case GeneratedNetwork(generate=made):
                from emulator.network.asgraph.generator import generate

                return generate(made.ases, seed if made.seed is None else made.seed, links=made.links)
    except ScenarioError as error:
        problems.extend(error.problems, ("network", "as_relationships"))
    except InputError as error:
        key = "as_relationships" if isinstance(spec, RelationshipsNetwork) else "generate"
        problems.add(("network", key), str(error))
    return None


def find_data(name: str, folder: Path) -> Path:
    """Where a file is: beside the scenario, or among the data that the user has brought."""
    beside = folder / name
    brought = os.environ.get(DATA_VARIABLE)
    if brought and not beside.exists():
        for place in (Path(brought) / "bring-your-own" / name, Path(brought) / name):
            if place.exists():
                return place
    if not beside.exists():
        hint = (
            f"; nor is it in {DATA_VARIABLE}, {brought}"
            if brought
            else f"; {DATA_VARIABLE} may name the folder of your data"
        )
        message = f"there is no file {str(beside)!r}{hint}"
        raise InputError(message)
    return beside


def _links(spec: GraphNetwork) -> list[NewLink]:
    return [NewLink(link.ends, link.relationship == "peer") for link in spec.links]


def _check_links(spec: GraphNetwork, graph: AsGraph, problems: Problems) -> None:
    """A link may bring an AS that the graph does not have, but has to lead there in the end."""
    known = {asn for link in spec.links for asn in link.ends if graph.node(asn) is not None}
    apart = dict(enumerate(link.ends for link in spec.links))
    while joined := [index for index, ends in apart.items() if known.intersection(ends)]:
        for index in joined:
            known |= {*apart.pop(index)}
    for index, ends in apart.items():
        message = f"neither AS {ends[0]} nor AS {ends[1]} is in the graph, or linked to what is"
        problems.add(("network", "links", index, "ends"), message)


def _site_node(cdn: GraphCdn, code: str, site: GraphSite) -> NewNode:
    return NewNode(code, cdn.asn, _numbers(site.transit), _numbers(site.peers))


def _numbers(neighbors: tuple[int | Prepended, ...]) -> tuple[int, ...]:
    return tuple(each if isinstance(each, int) else each.asn for each in neighbors)


def seed_hint(spec: GraphNetwork) -> str:
    """What to add where an AS is not found: the graph may follow the scenario's seed."""
    if isinstance(spec, GeneratedNetwork) and spec.generate.seed is None:
        return "; this graph is another for every seed of the scenario: `generate: {seed: N}` keeps one"
    return ""


def _collector_nodes(spec: GraphNetwork, graph: AsGraph, problems: Problems) -> list[NewNode]:
    nodes = []
    for number, (name, feeds) in enumerate(spec.collectors.items()):
        for place, asn in enumerate(feeds):
            _check_known(asn, graph, ("network", "collectors", name, place), problems, seed_hint(spec))
        nodes.append(NewNode(name, _COLLECTOR_ASN - number, feeds=feeds))
    return nodes


def _check_known(
    asn: int, graph: AsGraph, path: tuple[str | int, ...], problems: Problems, hint: str
) -> None:
    if graph.node(asn) is None:
        at = int(np.searchsorted(graph.asn, asn))
        near = [str(each) for each in graph.asn[max(0, at - 3) : at + 3].tolist()]
        problems.add(path, f"AS {asn} is not in the graph{suggest(str(asn), near)}{hint}")


def _sites(
    spec: GraphNetwork, cdn: GraphCdn, graph: AsGraph, seed: int, problems: Problems
) -> tuple[dict[str, GraphSite], tuple[int, ...]]:
    """POPs with their neighbours, as given or drawn, and the providers in the order of their prefixes."""
    hint = seed_hint(spec)
    if isinstance(cdn.pops, int):
        for place, asn in enumerate(cdn.transit or ()):
            _check_known(asn, graph, ("network", "cdn", "transit", place), problems, hint)
        return _drawn_sites(cdn, cdn.pops, graph, seed)
    for code, site in cdn.pops.items():
        for key in ("transit", "peers"):
            for place, asn in enumerate(_numbers(getattr(site, key))):
                _check_known(asn, graph, ("network", "cdn", "pops", code, key, place), problems, hint)
    named = dict.fromkeys(asn for site in cdn.pops.values() for asn in _numbers(site.transit))
    for place, asn in enumerate(cdn.transit or ()):
        if asn not in named:
            problems.add(("network", "cdn", "transit", place), f"no POP has a session with AS {asn}")
    return dict(cdn.pops), tuple(named) if cdn.transit is None else cdn.transit


def _drawn_sites(
    cdn: GraphCdn, count: int, graph: AsGraph, seed: int
) -> tuple[dict[str, GraphSite], tuple[int, ...]]:
    transit = cdn.transit or _largest(graph)
    codes = site_codes(count)
    chance = {
        (asn, code): unit_hash(str(seed), "meeting", str(asn), code) for asn in transit for code in codes
    }
    met = {pair for pair, drawn in chance.items() if drawn < cdn.meeting}
    met |= {min(((asn, code) for code in codes), key=chance.__getitem__) for asn in transit}
    met |= {min(((asn, code) for asn in transit), key=chance.__getitem__) for code in codes}
    sites = {
        code: GraphSite.model_construct(transit=tuple(asn for asn in transit if (asn, code) in met), peers=())
        for code in codes
    }
    return sites, tuple(transit)


def _largest(graph: AsGraph) -> tuple[int, ...]:
    """The ASes without a provider whose cones are largest; where these are few, others after them."""
    from emulator.network.asgraph.cones import customer_cones

    cones = customer_cones(graph)
    is_top = graph.degrees(PROVIDER) == 0
    order = np.lexsort((graph.asn, -cones, ~is_top))
    return tuple(graph.asn[order[:PROVIDERS]].tolist())


def _prepended(graph: AsGraph, sites: dict[str, GraphSite], place: dict[str, int]) -> npt.NDArray[np.int8]:
    prepend = np.zeros(graph.slot_count, np.int8)
    for code, site in sites.items():
        for each in (*site.transit, *site.peers):
            if isinstance(each, Prepended) and each.prepend:
                neighbor = graph.node(each.asn)
                slot = None if neighbor is None else graph.slot(place[code], neighbor)
                if slot is not None:
                    prepend[slot] = each.prepend
    return prepend
