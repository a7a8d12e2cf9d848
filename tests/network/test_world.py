"""Worlds built from a short description: what holds of every one, what a wrong one is told."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from emulator.network import directory
from emulator.network.access import apportion
from emulator.network.fibre import RESTRICTED
from emulator.network.geo import great_circle_km
from emulator.network.latency import fibre_bound
from emulator.network.model import City, Kind, Link, Network, Relationship, Segment
from emulator.network.physical import Cable, PhysicalWorld, builtin_world
from emulator.network.spec import (
    AccessNetworkSpec,
    AccessSpec,
    CapacitySpec,
    CdnSpec,
    TransitSpec,
    WorldError,
    WorldSpec,
)
from emulator.network.world import build_world, default_spec

SEED = 1
SIX = (1299, 174, 3257, 2914, 6453, 37282)
SMALL = WorldSpec((*map(TransitSpec, SIX), AccessSpec(40)), CdnSpec(transit=SIX[:5]))

DIGEST = """
import hashlib
from emulator.network.physical import builtin_world
from emulator.network.world import build_world, default_spec
network = build_world(default_spec(access=30), builtin_world(), seed=3)
text = repr((network.routers, network.links, network.pops, network.groups, network.systems))
print(hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def world() -> Network:
    """The built-in world, every transit network in it."""
    return build_world(default_spec(), builtin_world(), SEED)


@pytest.fixture(scope="module")
def small() -> Network:
    """Six transit networks and forty access networks."""
    return build_world(SMALL, builtin_world(), SEED)


def of(network: Network, relationship: Relationship) -> list[Link]:
    """Links of one relationship."""
    return [link for link in network.links if link.relationship is relationship]


def asns(network: Network, link: Link) -> tuple[int, int]:
    """AS numbers of a link's ends."""
    first, second = link.ends
    return network.routers[first].asn, network.routers[second].asn


def connected(network: Network, asn: int, *, without: int = -1) -> bool:
    """Whether the routers of ``asn`` reach each other inside it once segment ``without`` is cut."""
    members = network.routers_of[asn]
    seen, stack = {members[0]}, [members[0]]
    while stack:
        here = stack.pop()
        for index in network.links_of[here]:
            link = network.links[index]
            far = link.other(here)
            inside = link.relationship is Relationship.INTERNAL and without not in link.segments
            if inside and far not in seen:
                seen.add(far)
                stack.append(far)
    return len(seen) == len(members)


def test_every_transit_network_is_one_piece(world: Network) -> None:
    """Its routers reach each other over its own links."""
    transit = [system.asn for system in world.systems if system.kind is Kind.TRANSIT]

    assert [asn for asn in transit if not connected(world, asn)] == []
    assert all(len(set(asns(world, link))) == 1 for link in of(world, Relationship.INTERNAL))


def test_one_cable_cut_seldom_parts_a_large_network(world: Network) -> None:
    """No tier-1 network falls apart when a single submarine segment is cut; a one-cable network does."""
    parted = Counter(
        asn
        for system in world.systems
        if system.kind is Kind.TRANSIT
        for segment, links in enumerate(world.links_on_segment)
        if links and world.segments[segment].cable is not None
        for asn in [system.asn]
        if not connected(world, asn, without=segment)
    )
    tier1 = [asn for asn, facts in directory.transit_networks().items() if facts.tier == 1]

    assert {asn: parted[asn] for asn in tier1 if parted[asn]} == {}
    assert sum(parted.values()) > 0


def test_links_ride_on_fibre_from_end_to_end(world: Network) -> None:
    """A link's segments lead from its first city to its second, none twice."""
    for link in world.links:
        here, end = (world.routers[router].city for router in link.ends)
        for index in link.segments:
            segment = world.segments[index]
            assert here in segment.ends
            here = segment.ends[1] if here == segment.ends[0] else segment.ends[0]
        assert here == end
        assert len(set(link.segments)) == len(link.segments)


def test_no_link_is_faster_than_light_in_fibre(world: Network) -> None:
    """Delay is at least the great circle's, and positive within a city."""
    for link in world.links:
        a, b = (world.cities[str(world.routers[router].city)] for router in link.ends)
        distance = great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude)
        assert link.delay >= max(1, fibre_bound(distance))


def test_igp_cost_follows_delay(world: Network) -> None:
    """Hot potato by IGP cost is then nearest exit by delay, to the microsecond."""
    assert all(0 <= 1000 * link.igp_cost - link.delay < 1000 for link in of(world, Relationship.INTERNAL))


def test_nobody_is_its_own_provider(world: Network) -> None:
    """Customer to provider has no cycle, and no pair of ASes is in two relationships."""
    up: dict[int, set[int]] = {}
    pairs: dict[frozenset[int], set[tuple[Relationship, int]]] = {}
    for link in world.links:
        customer, provider = asns(world, link)
        if link.relationship is Relationship.CUSTOMER_PROVIDER:
            up.setdefault(customer, set()).add(provider)
        if link.relationship is not Relationship.INTERNAL:
            role = customer if link.relationship is Relationship.CUSTOMER_PROVIDER else 0
            pairs.setdefault(frozenset((customer, provider)), set()).add((link.relationship, role))
    level = dict.fromkeys(up, 0)
    for _ in range(len(world.systems) + 1):
        for customer, providers in up.items():
            level[customer] = max(level.get(provider, 0) for provider in providers) + 1
        if max(level.values()) > len(world.systems):
            break

    assert max(level.values()) < 6
    assert all(len(roles) == 1 for roles in pairs.values())


def test_tier1_networks_all_peer(world: Network) -> None:
    """Without a full mesh at the top some would not reach each other."""
    tier1 = {asn for asn, facts in directory.transit_networks().items() if facts.tier == 1}
    peering = {frozenset(asns(world, link)) for link in of(world, Relationship.PEER)}

    assert all(frozenset((a, b)) in peering for a in tier1 for b in tier1 if a < b)


def test_every_group_buys_transit_from_somebody_else(world: Network) -> None:
    """One to three providers, none twice; weights are shares of the whole."""
    bought: dict[int, list[int]] = {}
    for link in of(world, Relationship.CUSTOMER_PROVIDER):
        bought.setdefault(link.ends[0], []).append(asns(world, link)[1])
    for group in world.groups:
        providers = bought[group.router]
        assert 1 <= len(providers) <= 3
        assert len(set(providers)) == len(providers)
        assert 4_000_000 <= group.last_mile <= 50_000_000
    assert abs(sum(group.weight for group in world.groups) - 1) < 1e-9
    assert len({group.asn for group in world.groups}) == len(world.groups) == 150


def test_uplinks_keep_away_from_closed_countries(world: Network) -> None:
    """Few cross one on land that neither end stands in, and only landlocked countries' networks do."""
    uplinks = [link for link in of(world, Relationship.CUSTOMER_PROVIDER) if asns(world, link)[0] >= 4.2e9]
    crossing = []
    for link in uplinks:
        ends = {world.cities[str(world.routers[router].city)].country for router in link.ends}
        land = [world.segments[index] for index in link.segments if world.segments[index].cable is None]
        crossed = {world.cities[end].country for segment in land for end in segment.ends}
        if crossed & RESTRICTED - ends:
            crossing.append(world.cities[str(world.routers[link.ends[0]].city)].country)

    assert len(crossing) <= 0.03 * len(uplinks)
    assert set(crossing) <= {"KZ", "KG", "TJ", "UZ", "TM", "MN", "AF", "SS", "TD"}


def test_large_countries_have_several_networks_in_different_cities(world: Network) -> None:
    """And West Africa's coast is there, country by country."""
    cities: dict[str, set[str]] = {}
    for group in world.groups:
        cities.setdefault(group.country, set()).add(group.city)

    assert len(cities["CN"]) >= 4
    assert len(cities["IN"]) >= 4
    assert len(cities["US"]) >= 2
    assert {"CI", "GH", "NG", "BJ", "TG", "SN", "BF", "NE", "CM", "LT", "KE", "AU"} <= set(cities)


WEST_AFRICA = ("LR", "SL", "GA", "GM")


def test_countries_that_are_named_are_there_and_are_not_counted_twice() -> None:
    """Small countries left out of the general list join it, in their own share; the order is no matter."""
    physical = builtin_world()
    transit = tuple(map(TransitSpec, SIX))
    whole = (AccessSpec(400), AccessSpec(8, countries=(*WEST_AFRICA, "EE")))
    worlds = [
        build_world(WorldSpec((*transit, *access), SMALL.cdn), physical, SEED)
        for access in (whole, whole[::-1])
    ]
    users = directory.countries()
    shares: dict[str, float] = {}
    for group in worlds[0].groups:
        shares[group.country] = shares.get(group.country, 0) + group.weight
    everyone = sum(users[code].users for code in shares)

    assert {*WEST_AFRICA, "EE", "NG", "DE"} <= set(shares)
    assert all(abs(shares[code] - users[code].users / everyone) < 1e-9 for code in shares)
    assert {g.name: g.weight for g in worlds[0].groups} == pytest.approx(
        {g.name: g.weight for g in worlds[1].groups}
    )


def test_naming_a_country_gives_it_a_network() -> None:
    """However few users it has, next to others with many."""
    networks = (*map(TransitSpec, SIX), AccessSpec(5, countries=("NG", *WEST_AFRICA)), AccessSpec(30))
    world = build_world(WorldSpec(networks, SMALL.cdn), builtin_world(), SEED)
    count = Counter(group.country for group in world.groups)

    assert [count[code] for code in ("NG", *WEST_AFRICA)] == [1, 1, 1, 1, 1]
    assert sum(count.values()) == 35


GIVEN = AccessNetworkSpec(64501, "Lone Star", ("Monrovia", "Freetown"), (1299, 37282), weight=2_000_000)


def test_an_access_network_of_ones_own() -> None:
    """A router and a group a city, its upstreams in each, joined inside; the users shared by inhabitants."""
    spec = replace(SMALL, networks=(*SMALL.networks, GIVEN))
    network = build_world(spec, builtin_world(), SEED)
    groups = [group for group in network.groups if group.asn == 64501]
    bought = {
        (network.routers[link.ends[0]].city, asns(network, link)[1])
        for link in of(network, Relationship.CUSTOMER_PROVIDER)
        if asns(network, link)[0] == 64501
    }
    population = directory.city_population()
    generated = sum(group.weight for group in network.groups if group.asn != 64501)
    users = sum(directory.countries()[c].users for c in {g.country for g in network.groups} - {"LR", "SL"})

    assert [network.routers[group.router].name for group in groups] == [
        "AS64501@Monrovia",
        "AS64501@Freetown",
    ]
    assert network.system_by_asn[64501].name == "Lone Star"
    assert network.system_by_asn[64501].kind is Kind.ACCESS
    assert bought == {(city, asn) for city in ("Monrovia", "Freetown") for asn in (1299, 37282)}
    assert connected(network, 64501)
    assert groups[0].weight / groups[1].weight == pytest.approx(
        population["Monrovia"] / population["Freetown"]
    )
    assert sum(group.weight for group in groups) / generated == pytest.approx(2_000_000 / users)


def test_an_access_network_of_ones_own_leaves_the_others_alone() -> None:
    """Names, upstreams and fibre of every other network stay; names are unique."""
    without = build_world(SMALL, builtin_world(), SEED)
    spec = replace(SMALL, networks=(replace(GIVEN, upstreams=None), *SMALL.networks))
    network = build_world(spec, builtin_world(), SEED)
    others = [(*described(network, link)[:4],) for link in network.links if 64501 not in asns(network, link)]

    assert others == [(*described(without, link)[:4],) for link in without.links]
    assert [g.name for g in network.groups if g.asn != 64501] == [g.name for g in without.groups]
    assert len({group.name for group in network.groups}) == len(network.groups)
    assert len({router.name for router in network.routers}) == len(network.routers)


def test_mistakes_in_access_networks_are_reported_at_once() -> None:
    """Cities, upstreams, weight, AS numbers; countries that two lists name, and too few networks."""
    found = problems_of(
        replace(
            SMALL,
            networks=(
                *map(TransitSpec, SIX),
                AccessNetworkSpec(1299, cities=("Monrovai",), upstreams=(1299, 65000, 1299)),
                AccessNetworkSpec(64501, weight=0.0, upstreams=()),
                AccessSpec(2, countries=("LR", "SL", "LR")),
                AccessSpec(5, countries=("SL",)),
                AccessSpec(5),
                AccessSpec(6),
            ),
        )
    )

    assert "twice" in found["networks.6.asn"]
    assert "did you mean 'Monrovia'" in found["networks.6.cities.0"]
    assert "AS65000" in found["networks.6.upstreams.1"]
    assert "twice" in found["networks.6.upstreams.2"]
    assert "at least one city" in found["networks.7.cities"]
    assert "over 0" in found["networks.7.weight"]
    assert "at least one transit" in found["networks.7.upstreams"]
    assert "twice" in found["networks.8.countries.2"]
    assert "at least 3" in found["networks.8.count"]
    assert "twice" in found["networks.9.countries.0"]
    assert "twice" in found["networks.11"]


def test_pops_are_islands(world: Network) -> None:
    """One router a POP, nothing between POPs, every provider at three or more of them."""
    cdn = world.routers[world.pops[0].router].asn
    sessions = Counter(
        asns(world, link)[1]
        for link in of(world, Relationship.CUSTOMER_PROVIDER)
        if asns(world, link)[0] == cdn
    )

    assert len({pop.router for pop in world.pops}) == len(world.pops)
    assert len({pop.city for pop in world.pops}) >= 60
    assert not [link for link in world.links if asns(world, link) == (cdn, cdn)]
    assert set(CdnSpec().transit) == {asn for asn, count in sessions.items() if count >= 3}


def test_names_numbers_and_router_ids_are_unique(world: Network) -> None:
    """And indices are places in the tuples."""
    assert [router.index for router in world.routers] == list(range(len(world.routers)))
    assert [link.index for link in world.links] == list(range(len(world.links)))
    assert len({router.name for router in world.routers}) == len(world.routers)
    assert len({router.router_id for router in world.routers}) == len(world.routers)
    assert len(world.system_by_asn) == len(world.systems)


def test_same_seed_same_network_in_any_process() -> None:
    """Whatever Python's hash seed; another seed gives another network."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    physical = builtin_world()

    assert runs[0] == runs[1]
    assert build_world(SMALL, physical, 1) == build_world(SMALL, physical, 1)
    assert build_world(SMALL, physical, 1).links != build_world(SMALL, physical, 2).links


def described(network: Network, link: Link) -> tuple[object, ...]:
    """A link by names, so that it can be found again in another network."""
    ends = tuple(network.routers[router].name for router in link.ends)
    return ends, link.relationship, link.delay, link.segments, link.capacity_bps, link.igp_cost


def test_a_further_network_leaves_the_others_alone(small: Network) -> None:
    """Backbones, meetings of the others, and their sessions with the CDN stay as they were."""
    more = replace(SMALL, networks=(TransitSpec(6762), *SMALL.networks))
    bigger = build_world(more, builtin_world(), SEED)
    among = {*SIX, SMALL.cdn.asn}

    def core(network: Network) -> list[tuple[object, ...]]:
        links = (link for link in network.links if among.issuperset(asns(network, link)))
        return [described(network, link) for link in links]

    assert core(bigger) == core(small)
    assert {r.name: r.router_id for r in small.routers}.items() <= {
        r.name: r.router_id for r in bigger.routers
    }.items()


def test_capacities_are_finite_and_can_be_set(small: Network) -> None:
    """Every link has one; the spec's scale them."""
    spec = replace(SMALL, capacity=CapacitySpec(peering=7e9, cdn_session=2e9, access_total=1e15))
    other = build_world(spec, builtin_world(), SEED)
    cdn = spec.cdn.asn
    sessions = {
        link.capacity_bps for link in of(other, Relationship.CUSTOMER_PROVIDER) if asns(other, link)[0] == cdn
    }

    assert all(1e9 <= link.capacity_bps < 1e16 for link in (*small.links, *other.links))
    assert sessions == {1e9, 2e9, 4e9}
    for group in other.groups:
        uplinks = [other.links[index] for index in other.links_of[group.router]]
        assert all(
            link.capacity_bps >= group.weight * 1e15
            for link in uplinks
            if link.relationship is Relationship.CUSTOMER_PROVIDER
        )


def test_a_network_keeps_to_the_cables_it_names() -> None:
    """Given cables are the only submarine ones that its backbone rides on."""
    spec = replace(
        SMALL, networks=(TransitSpec(1299), TransitSpec(37282, cables=("MainOne", "ACE")), AccessSpec(5))
    )
    network = build_world(replace(spec, cdn=CdnSpec(transit=(1299,))), builtin_world(), SEED)
    ridden = {
        network.segments[segment].cable
        for link in of(network, Relationship.INTERNAL)
        if asns(network, link)[0] == 37282
        for segment in link.segments
    }

    assert {"MainOne"} <= ridden - {None} <= {"MainOne", "ACE"}


def test_cables_of_later_years_carry_nothing() -> None:
    """With a year, only cables that had entered service by then."""
    physical = builtin_world()
    network = build_world(replace(SMALL, year=2009), physical, SEED)
    ridden = {network.segments[segment].cable for link in network.links for segment in link.segments} - {None}

    assert len(ridden) > 10
    assert max(physical.cables[str(cable)].ready or 0 for cable in ridden) <= 2009


def test_explicit_meetings_are_the_only_ones() -> None:
    """``meet`` by AS number places the sessions; a provider that it does not have is drawn."""
    meet = {1299: ("LHR", "SIN"), 174: ("FRA",)}
    pops = ("LHR", "SIN", "FRA", "GRU")
    cdn = CdnSpec(pops=pops, transit=(1299, 174, 3257), peers=None, meet=meet, meet_otherwise=1.0)
    network = build_world(replace(SMALL, cdn=cdn), builtin_world(), SEED)
    pop_at = {pop.router: pop.code for pop in network.pops}
    met = {(asns(network, link)[1], pop_at[link.ends[0]]) for link in network.links if link.ends[0] in pop_at}

    assert met == {(1299, "LHR"), (1299, "SIN"), (174, "FRA"), *((3257, pop) for pop in pops)}


def test_apportionment() -> None:
    """The count is used up, more users never get fewer networks, the smallest go without."""
    users = {"AA": 900, "BB": 300, "CC": 290, "DD": 1, "EE": 0}

    assert apportion(users, 8) == {"AA": 3, "BB": 2, "CC": 2, "DD": 1}
    assert apportion(users, 2) == {"AA": 1, "BB": 1}
    assert apportion({}, 5) == {}
    for count in range(1, 60):
        seats = apportion(users, count)
        assert sum(seats.values()) == count
        assert sorted(seats.values(), reverse=True) == [seats[code] for code in users if code in seats]


def test_built_in_tables_agree_with_the_built_in_world() -> None:
    """Every city is there and has routers, every cable exists, providers are of a higher tier."""
    physical = builtin_world()
    table = directory.transit_networks()
    places = {(facts.name, city) for facts in table.values() for city in facts.cities}
    places |= {(pop.code, pop.city) for pop in directory.pops().values()}

    assert [place for place in sorted(places) if place[1] not in physical.cities] == []
    assert [place for place in sorted(places) if place[1] in physical.landing_only] == []
    assert [cable for facts in table.values() for cable in facts.cables if cable not in physical.cables] == []
    assert all(table[asn].tier < facts.tier for facts in table.values() for asn in facts.providers)
    assert all((facts.tier == 1) == (not facts.providers) for facts in table.values())
    assert sum(facts.tier == 1 for facts in table.values()) >= 12
    assert [city for city in directory.city_population() if city not in physical.cities] == []


def problems_of(spec: WorldSpec, physical: PhysicalWorld | None = None) -> dict[str, str]:
    """What `build_world` says is wrong, message by path."""
    with pytest.raises(WorldError) as caught:
        build_world(spec, physical or builtin_world(), SEED)
    assert type(caught.value)(*caught.value.args).problems == caught.value.problems
    return {problem.path: problem.message for problem in caught.value.problems}


def test_every_mistake_is_reported_at_once() -> None:
    """With its path in the spec, and the close names."""
    spec = WorldSpec(
        networks=(
            TransitSpec(1299, cities=("Stockholm", "Frankfrut", "Stockholm", "Bude")),
            TransitSpec(64999),
            TransitSpec(174, cables=("SEA-ME-WE4",), upstreams=(1299, 7)),
            TransitSpec(174),
            AccessSpec(0),
            AccessSpec(3, countries=("CH", "QQ")),
        ),
        cdn=CdnSpec(
            asn=1299, pops=("LHX", "FRA", "FRA"), transit=(1299, 3257), meet={1299: ("GRU",), 5: ("FRA",)}
        ),
    )
    found = problems_of(spec)

    assert "did you mean 'Frankfurt'" in found["networks.0.cities.1"]
    assert "twice" in found["networks.0.cities.2"]
    assert "landing" in found["networks.0.cities.3"]
    assert "built-in table" in found["networks.1"]
    assert "'SEA-ME-WE-4'" in found["networks.2.cables.0"]
    assert "AS7 " in found["networks.2.upstreams.1"]
    assert "twice" in found["networks.3.asn"]
    assert "at least 1" in found["networks.4.count"]
    assert "'QQ'" in found["networks.5.countries.1"]
    assert "twice" in found["cdn.asn"]
    assert "'LHX'" in found["cdn.pops.0"]
    assert "twice" in found["cdn.pops.2"]
    assert "AS3257" in found["cdn.transit.1"]
    assert "'GRU'" in found["cdn.transit.0.pops.0"]
    assert "AS5 " in found["cdn.transit"]


def test_a_provider_that_meets_nowhere_is_a_mistake() -> None:
    """Present in no POP's city, or given no POP."""
    nowhere = replace(SMALL, cdn=CdnSpec(pops=("GRU", "EZE"), transit=(37282,)))
    not_there = replace(
        SMALL, cdn=CdnSpec(pops=("GRU", "LHR"), transit=(37282, 1299), meet={37282: ("GRU",)})
    )

    assert "no POP's city" in problems_of(nowhere)["cdn.transit.0"]
    assert "it is at LHR" in problems_of(not_there)["cdn.transit.0.pops.0"]


def test_a_ring_of_providers_is_a_mistake() -> None:
    """Valley-free routing needs a top."""
    ring = (
        TransitSpec(1, cities=("London", "Paris"), upstreams=(2,)),
        TransitSpec(2, cities=("London", "Paris"), upstreams=(1,)),
    )

    assert (
        "buys from itself" in problems_of(WorldSpec(ring, CdnSpec(pops=("LHR",), transit=(1,))))["networks.0"]
    )


def islands() -> PhysicalWorld:
    """London - Paris on land, London - Lisbon and Lisbon - Lagos by sea, and Sydney out of reach."""
    places = {
        "London": ("GB", 51.5, -0.1),
        "Paris": ("FR", 48.9, 2.4),
        "Lisbon": ("PT", 38.7, -9.1),
        "Lagos": ("NG", 6.5, 3.4),
        "Sydney": ("AU", -33.9, 151.2),
    }
    lines = (
        ("London", "Lisbon", 1900.0, "North"),
        ("Lisbon", "Lagos", 5800.0, "South"),
        ("London", "Paris", 450.0, None),
    )
    segments = tuple(Segment(index, (a, b), km, cable) for index, (a, b, km, cable) in enumerate(lines))
    cables = {"North": Cable("North", 2000, 1900.0, (0,)), "South": Cable("South", 2020, 5800.0, (1,))}
    return PhysicalWorld(
        {name: City(name, *rest) for name, rest in places.items()}, segments, cables, frozenset()
    )


def test_a_world_of_five_cities() -> None:
    """Two networks of one's own, one meeting the other over a cable because they share no city."""
    spec = WorldSpec(
        (
            TransitSpec(1, "North", ("London", "Paris")),
            TransitSpec(2, "South", ("Lisbon", "Lagos"), upstreams=(1,)),
            AccessSpec(1, countries=("NG",)),
        ),
        CdnSpec(pops=("LHR", "LIS"), transit=(1,), peers=None),
    )
    network = build_world(spec, islands(), SEED)
    lines = {
        tuple(network.routers[router].name for router in link.ends): (link.relationship, link.segments)
        for link in network.links
    }

    assert lines.pop(("AS1@London", "AS1@Paris")) == (Relationship.INTERNAL, (2,))
    assert lines.pop(("AS2@Lisbon", "AS2@Lagos")) == (Relationship.INTERNAL, (1,))
    assert lines.pop(("AS2@Lisbon", "AS1@London")) == (Relationship.CUSTOMER_PROVIDER, (0,))
    assert lines.pop(("AS54113@LHR", "AS1@London")) == (Relationship.CUSTOMER_PROVIDER, ())
    access = network.routers[network.groups[0].router].name
    assert access.endswith("@Lagos")
    assert lines.pop((access, "AS2@Lagos")) == (Relationship.CUSTOMER_PROVIDER, ())
    assert all(ends == (access, "AS1@London") for ends in lines)


def test_fibre_that_does_not_reach_is_a_mistake() -> None:
    """Of a transit network's cities, of an access network's, and for want of a cable that year."""
    cdn = CdnSpec(pops=("LHR",), transit=(1,), peers=None)
    far = WorldSpec((TransitSpec(1, cities=("London", "Sydney")),), cdn)
    lonely = WorldSpec((TransitSpec(1, cities=("London",)), AccessSpec(1, countries=("AU",))), cdn)
    early = WorldSpec((TransitSpec(1, cities=("London", "Lagos")),), cdn, year=2010)

    assert "Sydney" in problems_of(far, islands())["networks.0"]
    assert "Sydney" in problems_of(lonely, islands())["networks"]
    assert "Lagos" in problems_of(early, islands())["networks.0"]
