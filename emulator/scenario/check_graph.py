"""Whether what is added to an AS graph fits together: names that are one thing only, ASes named once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from emulator.errors import suggest
from emulator.scenario.schema_graph import Prepended, site_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.scenario.findings import Finding
    from emulator.scenario.schema_graph import GraphCdn, GraphNetwork, GraphSite


_SHOWN: Final = 6
AS_ROUTER: Final = re.compile(r"AS[1-9][0-9]{0,9}")
"""What the router of an AS is called."""


def check_graph(network: GraphNetwork) -> Iterator[Finding]:
    """Everything that can be wrong without looking at the graph."""
    yield from _check_links(network)
    if network.cdn is not None:
        yield from _check_cdn(network.cdn)
    yield from _check_collectors(network)
    for name, texts in network.prefixes.items():
        path = ("network", "prefixes", name)
        yield from check_name(network, path, name)
        if name in network.collectors:
            yield path, f"{name!r} is a collector, which only listens"
        for index, text in enumerate(texts):
            if text in texts[:index]:
                yield (*path, index), f"{text} is given twice"


def _check_collectors(network: GraphNetwork) -> Iterator[Finding]:
    codes, cdn = pops_of(network), network.cdn
    for name, feeds in network.collectors.items():
        path = ("network", "collectors", name)
        if name in codes:
            yield path, f"{name!r} is a POP already"
        if AS_ROUTER.fullmatch(name):
            yield path, "expected a name that is not an AS number"
        for index, asn in enumerate(feeds):
            if asn in feeds[:index]:
                yield (*path, index), f"AS {asn} is given twice"
            elif cdn is not None and asn == cdn.asn:
                yield (*path, index), f"AS {asn} is the CDN, which feeds no collector"


def pops_of(network: GraphNetwork) -> tuple[str, ...]:
    """Codes of the POPs that the document lists, or counts."""
    if network.cdn is None:
        return ()
    given = network.cdn.pops
    return site_codes(given) if isinstance(given, int) else tuple(given)


def check_name(network: GraphNetwork, path: tuple[str | int, ...], name: str) -> Iterator[Finding]:
    """Whether ``name`` can be a router's; the graph alone knows all its ASes."""
    codes = pops_of(network)
    named = (*codes, *network.collectors)
    if network.cdn is not None and name == f"AS{network.cdn.asn}":
        shown = ", ".join(codes[:_SHOWN]) + (" and others" if codes[_SHOWN:] else "")
        yield path, f"{name!r} is the CDN: name one of its POPs, {shown}"
    elif name not in named and not AS_ROUTER.fullmatch(name):
        expected = "a router of this network, called AS and its number such as 'AS174'"
        yield path, f"expected {expected}, got {name!r}{suggest(name, named)}"


def _check_links(network: GraphNetwork) -> Iterator[Finding]:
    first: dict[tuple[int, ...], int] = {}
    for index, link in enumerate(network.links):
        path = ("network", "links", index, "ends")
        if link.ends[0] == link.ends[1]:
            yield path, f"expected two ASes, got {link.ends[0]} twice"
        if first.setdefault(tuple(sorted(link.ends)), index) != index:
            yield path, "this pair is given twice"
        if network.cdn is not None and network.cdn.asn in link.ends:
            place = link.ends.index(network.cdn.asn)
            yield (*path, place), f"AS {network.cdn.asn} is the CDN, whose neighbours are given at its POPs"


def _check_cdn(cdn: GraphCdn) -> Iterator[Finding]:
    path = ("network", "cdn")
    for index, asn in enumerate(cdn.transit or ()):
        if asn in (cdn.transit or ())[:index]:
            yield (*path, "transit", index), f"AS {asn} is given twice"
        if asn == cdn.asn:
            yield (*path, "transit", index), f"AS {asn} is the CDN"
    if isinstance(cdn.pops, int):
        return
    for code, site in cdn.pops.items():
        if AS_ROUTER.fullmatch(code):
            yield (*path, "pops", code), "expected a code that is not an AS number"
        yield from _check_site(cdn, code, site)


def _check_site(cdn: GraphCdn, code: str, site: GraphSite) -> Iterator[Finding]:
    path = ("network", "cdn", "pops", code)
    if not site.transit and not site.peers:
        yield path, "nobody would hear of it: give `transit` or `peers`"
    seen: list[int] = []
    for key in ("transit", "peers"):
        for index, each in enumerate(getattr(site, key)):
            asn = each.asn if isinstance(each, Prepended) else each
            if asn in seen:
                yield (*path, key, index), f"AS {asn} is given twice"
            if asn == cdn.asn:
                yield (*path, key, index), f"AS {asn} is the CDN"
            seen.append(asn)
