"""The CDN: where its POPs stand, where it meets its providers, with whom it peers.

POPs are islands: nothing joins them but other networks. A provider that is
present in a POP's city has a session there with a given probability, which is
what makes anycast take detours: the provider carries a client's packets to the
nearest of *its* meeting places, which need not be the nearest POP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from emulator.network import directory
from emulator.network.fibre import UNREACHED
from emulator.network.physical import close_names
from emulator.network.spec import BUILTIN
from emulator.rng import unit_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.access import Access
    from emulator.network.backbone import Transit
    from emulator.network.fibre import Fibre, Way
    from emulator.network.physical import PhysicalWorld
    from emulator.network.spec import CdnSpec, Problems

MEETINGS_MIN: Final = 3
"""A provider meets the CDN at this many POPs at least, where it is present at as many."""
NEAR_NS: Final = 5_000_000
"""An access network peers at a POP within this one-way delay, or in its own country within `NEAR_HOME_NS`."""
NEAR_HOME_NS: Final = 12_000_000


def choose_pops(physical: PhysicalWorld, fibre: Fibre, spec: CdnSpec, problems: Problems) -> dict[str, int]:
    """City number by POP code, in the spec's order."""
    known = directory.pops()
    if spec.pops == BUILTIN:
        codes = [pop.code for pop in known.values() if pop.default and pop.city in physical.cities]
        return {code: fibre.number[known[code].city] for code in codes}
    chosen: dict[str, int] = {}
    for index, code in enumerate(spec.pops):
        path = f"cdn.pops.{index}"
        if code not in known:
            close = close_names(code, known) or tuple(
                pop.code
                for pop in known.values()
                if pop.city in close_names(code, [p.city for p in known.values()])
            )
            problems.add(path, f"no POP code {code!r}{did_you_mean(close)}")
        elif code in chosen:
            problems.add(path, f"POP {code} is there twice")
        elif known[code].city not in physical.cities:
            problems.add(path, f"POP {code} stands in {known[code].city}, which this world does not have")
        else:
            chosen[code] = fibre.number[known[code].city]
    if not spec.pops:
        problems.add("cdn.pops", "expected at least one POP")
    return chosen


def choose_meetings(
    spec: CdnSpec, pops: dict[str, int], transits: Sequence[Transit], seed: int, problems: Problems
) -> list[tuple[str, Transit]]:
    """The sessions (POP code, provider), provider by provider in the order of ``spec.transit``."""
    by_asn = {transit.asn: transit for transit in transits}
    explicit: Mapping[int, Sequence[str]] = spec.meet if isinstance(spec.meet, Mapping) else {}
    probability = spec.meet_otherwise if isinstance(spec.meet, Mapping) else spec.meet
    sessions: list[tuple[str, Transit]] = []
    if not spec.transit:
        problems.add("cdn.transit", "expected at least one provider")
    for index, asn in enumerate(spec.transit):
        path = f"cdn.transit.{index}"
        if asn not in by_asn:
            there = ", ".join(f"{number} {transit.name}" for number, transit in by_asn.items())
            problems.add(path, f"AS{asn} is not one of the transit networks: {there or 'there are none'}")
        elif asn in spec.transit[:index]:
            problems.add(path, f"AS{asn} is there twice")
        elif asn in explicit:
            sessions += [
                (code, by_asn[asn]) for code in _explicit(explicit[asn], by_asn[asn], pops, path, problems)
            ]
        else:
            shared = [code for code, city in pops.items() if city in by_asn[asn].cities]
            draw = {code: unit_hash(f"{seed}", "cdn session", f"{asn}", code) for code in shared}
            chosen = sorted(shared, key=draw.__getitem__)
            count = max(MEETINGS_MIN, sum(draw[code] < probability for code in shared))
            sessions += [(code, by_asn[asn]) for code in pops if code in chosen[:count]]
            if not shared:
                problems.add(path, f"AS{asn} {by_asn[asn].name} is present in no POP's city")
    for asn in explicit:
        if asn not in spec.transit:
            problems.add("cdn.transit", f"AS{asn} has POPs but is not among the providers")
    return sessions


def _explicit(
    codes: Sequence[str], transit: Transit, pops: dict[str, int], path: str, problems: Problems
) -> list[str]:
    """The POPs in ``codes``, without those where ``transit`` cannot have a session."""
    if not codes:
        problems.add(f"{path}.pops", f"expected at least one POP for AS{transit.asn}")
    chosen: list[str] = []
    for index, code in enumerate(codes):
        place = f"{path}.pops.{index}"
        if code not in pops:
            problems.add(place, f"{code!r} is not one of the POPs{did_you_mean(close_names(code, pops))}")
        elif pops[code] not in transit.cities:
            there = ", ".join(pop for pop, city in pops.items() if city in transit.cities)
            problems.add(place, f"AS{transit.asn} is not present at {code}; it is at {there or 'no POP'}")
        elif code in chosen:
            problems.add(place, f"{code} is there twice")
        else:
            chosen.append(code)
    return chosen


def choose_peers(
    fibre: Fibre,
    physical: PhysicalWorld,
    spec: CdnSpec,
    pops: dict[str, int],
    access: Sequence[Access],
    *,
    seed: int,
) -> list[tuple[str, Access, Way]]:
    """Access networks that peer with the CDN: the nearest POP's code, and the fibre from POP to network."""
    if spec.peers is None or not pops:
        return []
    cells = fibre.search(tuple(dict.fromkeys(pops.values())), fibre.delays)
    code_at: dict[int, str] = {}
    for code, city in pops.items():
        code_at.setdefault(city, code)
    peers = []
    for network in access:
        distance, pop_city = cells.cost[network.city], cells.owner[network.city]
        if distance == UNREACHED:
            continue
        home = physical.cities[fibre.names[pop_city]].country == network.country
        near = distance <= (NEAR_HOME_NS if home else NEAR_NS)
        if near and unit_hash(f"{seed}", network.name, "ixp") < spec.peering_share:
            peers.append((code_at[pop_city], network, cells.way(network.city)))
    return peers


def did_you_mean(names: tuple[str, ...]) -> str:
    """``; did you mean 'A' or 'B'?``, or nothing."""
    return f"; did you mean {' or '.join(map(repr, names))}?" if names else ""
