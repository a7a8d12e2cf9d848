"""Whether what is added to an AS graph fits together: names that are one thing only, ASes named once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.scenario.schema_graph import Prepended, site_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.scenario.findings import Finding
    from emulator.scenario.schema_graph import GraphCdn, GraphNetwork, GraphSite


def check_graph(network: GraphNetwork) -> Iterator[Finding]:
    """Everything that can be wrong without looking at the graph."""
    first: dict[tuple[int, ...], int] = {}
    for index, link in enumerate(network.links):
        path = ("network", "links", index, "ends")
        if link.ends[0] == link.ends[1]:
            yield path, f"expected two ASes, got {link.ends[0]} twice"
        if first.setdefault(tuple(sorted(link.ends)), index) != index:
            yield path, "this pair is given twice"
    if network.cdn is not None:
        yield from _check_cdn(network.cdn)
        given = network.cdn.pops
        codes = site_codes(given) if isinstance(given, int) else tuple(given)
        for name in network.collectors:
            if name in codes:
                yield ("network", "collectors", name), f"{name!r} is a POP already"
    for name, feeds in network.collectors.items():
        for index, asn in enumerate(feeds):
            if asn in feeds[:index]:
                yield ("network", "collectors", name, index), f"AS {asn} is given twice"


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
        if code.startswith("AS") and code[2:].isdecimal():
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
