"""``network:`` as an AS graph: one router an AS, from a file of relationships or made up."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emulator.scenario.fields import Asn, Prefix, Rate, RouterName, Shape, Share, Text, branch, by_key
from emulator.scenario.schema_bgp import DelaySpec, Lognormal
from emulator.units import MILLISECOND, Duration

Count = Annotated[int, Field(ge=1, le=10_000)]
Site = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class Prepended(Shape):
    """A neighbour of a site that hears a longer AS path."""

    asn: Asn = Field(description="The neighbour.", examples=[174])
    prepend: Annotated[int, Field(ge=0, le=32)] = Field(
        default=0, description="How often more the CDN puts its AS in front towards it."
    )


Neighbor = Annotated[
    Annotated[Asn, branch("asn")] | Annotated[Prepended, branch("prepended")],
    by_key("an AS number or {asn: ..., prepend: ...}", otherwise="prepended", text="asn"),
]


class GraphSite(Shape):
    """A POP of the CDN: a router of its own with sessions to these ASes."""

    transit: tuple[Neighbor, ...] = Field(
        default=(), description="Transit providers it has a session with.", examples=[[1299, 174]]
    )
    peers: tuple[Neighbor, ...] = Field(default=(), description="Settlement-free peers.", examples=[[6939]])


class GraphCdn(Shape):
    """A CDN attached to the graph, a router a POP and no backbone between them.

    Its AS takes the place of one of the same number in the graph.
    """

    asn: Asn = Field(description="Its AS number.", examples=[54113])
    pops: Annotated[
        Annotated[Count, branch("text")]
        | Annotated[Annotated[dict[Site, GraphSite], Field(min_length=1)], branch("sites")],
        by_key(
            "a number of POPs, or POPs by code such as {AMS: {transit: [1299]}}",
            text="text",
            otherwise="sites",
        ),
    ] = Field(
        description="Its POPs by code, each with its neighbours; or how many, and each then gets a seeded "
        "part of `transit`.",
        examples=[{"AMS": {"transit": [1299, 174]}, "SIN": {"transit": [1299]}}, 20],
    )
    transit: tuple[Asn, ...] | None = Field(
        default=None,
        min_length=1,
        description="Its transit providers, in the order of their prefixes. Default: all that its POPs name; "
        "where POPs are only counted, the ten ASes without a provider that have the largest customer cones.",
        examples=[[1299, 174, 3257]],
    )
    meeting: Share = Field(
        default=0.2,
        description="Where POPs are only counted: probability that a provider has a session at a POP; each "
        "has at least one, and each POP as well. An AS being one router here, a provider takes all its "
        "clients to one POP at a time, the first of those it meets.",
        examples=["80%"],
    )
    pop_capacity: Rate | None = Field(
        default=None,
        description="Requests a second that each POP can serve; what it refuses is tried again. Default: "
        "unlimited.",
        examples=["50k/s"],
    )


class GraphLink(Shape):
    """A link that the file does not have."""

    ends: tuple[Asn, Asn] = Field(description="The two ASes.", examples=[[12654, 3333]])
    relationship: Literal["customer-provider", "peer"] = Field(
        description="What they are to each other; of customer-provider the first end is the customer.",
        examples=["customer-provider"],
    )


class GraphNetwork(Shape):
    """What both kinds of AS graph have; the router of AS 174 is called ``AS174``, a POP's by its code."""

    link_delay: DelaySpec = Field(
        default=Lognormal.model_construct(lognormal=(Duration(10 * MILLISECOND), 0.7)),
        description="One-way delay of every link, or the distribution it is drawn from. Without it, "
        "`like: internet-2019` has its own.",
        examples=["10ms", {"uniform": ["2ms", "50ms"]}, {"lognormal": ["10ms", 0.7]}],
    )
    links: tuple[GraphLink, ...] = Field(
        default=(),
        description="Links to add; one that is there already gets the relationship given here.",
        examples=[[{"ends": [12654, 3333], "relationship": "customer-provider"}]],
    )
    doubtful_links: Literal["as-given", "as-peerings"] | None = Field(
        default=None,
        description="What to take customer-provider links for whose provider has fewer customers than its "
        "customer: after a withdrawal, routes are looked for along them that no real provider would accept. "
        "Default: as given, or as `like: internet-2019` was calibrated.",
    )
    prefixes: dict[RouterName, tuple[Prefix, ...]] = Field(
        default_factory=dict,
        description="Prefixes that routers announce before t = 0. Without a `cdn` each announced prefix is a "
        "destination, named as written (`event[0].loss_of_connectivity[203.0.113.0/24].ases`): an address in "
        "it that no longer prefix covers, where there is one. Clients ask for the first prefix.",
        examples=[{"AS12654": ["84.205.64.0/24"]}],
    )
    collectors: dict[Site, Annotated[tuple[Asn, ...], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="Route collectors by name, each with the ASes that feed it everything they use; "
        "whatever they hear is in the `updates` table.",
        examples=[{"route-views2": [286, 1299]}],
    )
    cdn: GraphCdn | None = Field(
        default=None,
        description="A CDN whose clients are watched. Default: none, and prefixes are announced by name.",
        examples=[{"asn": 54113, "pops": 20, "transit": [1299, 174]}],
    )
    speakers: Literal["compact", "full"] = Field(
        default="compact",
        description="`compact`: all speakers in arrays, for any size. `full`: every speaker as in a lab, "
        "with every key of `bgp:` and every verb, for up to 2,000 routers. What both know gives the same, "
        "but for what each draws in its own way (jitter, processing delays that are not constant, when a "
        "hold timer or BFD notices a failure) and where routers take time over messages: then what several "
        "prefixes, or equally long links, bring to one instant may be taken in another order. "
        "Events of one instant are one to compact speakers, and a `reset` of a session that is being opened "
        "is nothing. "
        "The tables `rates` and `best_paths` are of `compact` ones only.",
    )


class RelationshipsNetwork(GraphNetwork):
    """One router an AS, from a file of AS relationships."""

    as_relationships: Text = Field(
        description="CAIDA serial-1 or serial-2 file (.txt, .gz, .bz2, .xz), relative to the scenario's "
        "folder, or else to `bring-your-own` in the folder that IPA_EMULATOR_DATA names.",
        examples=["20190701.as-rel.txt.xz"],
    )


class GenerateGraph(Shape):
    """A graph like the Internet's, made up."""

    ases: Annotated[int, Field(ge=10, le=1_000_000)] = Field(description="How many ASes.", examples=[75_000])
    links: Annotated[int, Field(ge=9, le=20_000_000)] | None = Field(
        default=None,
        description="How many links. Default: as many as the Internet of that size would have.",
        examples=[473_000],
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = Field(
        default=None,
        description="What it is drawn from. Default: the scenario's seed; another one is another graph then, "
        "whose AS numbers are other networks: give it where the scenario names ASes.",
        examples=[1],
    )


class GeneratedNetwork(GraphNetwork):
    """One router an AS, from a generator."""

    generate: GenerateGraph = Field(description="What to make.", examples=[{"ases": 75_000}])


def site_codes(count: int) -> tuple[str, ...]:
    """What POPs are called that are only counted: POP01, POP02, ..."""
    return tuple(f"POP{number:0{len(str(count))}d}" for number in range(1, count + 1))
