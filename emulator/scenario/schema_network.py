"""``network:`` in its forms: router by router, an AS graph (a file, or made up), the world."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emulator.scenario.fields import Asn, Bandwidth, Rate, Shape, Share, Text, branch, by_key
from emulator.scenario.schema_graph import GeneratedNetwork, GraphNetwork, RelationshipsNetwork
from emulator.scenario.schema_lab import LabNetwork, RouterSpec

__all__ = ["GeneratedNetwork", "GraphNetwork", "LabNetwork", "RelationshipsNetwork", "RouterSpec"]


class NetworkSpec(Shape):
    """A transit or access network of the world, one router in each of its cities."""

    asn: Asn = Field(description="Its AS number.", examples=[1299])
    name: Text | None = Field(
        default=None,
        description="Name for people. Default: the world's name for this AS.",
        examples=["Arelion"],
    )
    kind: Literal["transit", "access"] = Field(
        default="transit", description="What it does: carry others' traffic, or hold clients."
    )
    cities: tuple[Text, ...] | None = Field(
        default=None,
        min_length=1,
        description="Where it is present. Default: the cities that the world knows for this AS.",
        examples=[["Stockholm", "Frankfurt", "London"]],
    )
    cables: tuple[Text, ...] | None = Field(
        default=None,
        description="The only submarine cables that a transit network has capacity on. Default: those that"
        " the world knows for this AS, and a seeded share of the others.",
        examples=[["AAE-1", "SEA-ME-WE-5"]],
    )
    weight: Annotated[float, Field(gt=0, le=1e10)] | None = Field(
        default=None,
        description="Internet users of an access network, shared out over its cities by their inhabitants;"
        " they come on top of generated ones. Default: a million.",
        examples=[12e6],
    )
    upstreams: tuple[Asn, ...] | None = Field(
        default=None,
        description="Networks that it buys transit from; [] for nobody, as a tier-1 network. Default: what"
        " the world knows for this AS.",
        examples=[[1299, 174]],
    )


class BuiltinSpec(Shape):
    """Networks that the world knows."""

    builtin: Literal["transit"] = Field(
        description="All transit networks of the world's table that are not listed by themselves.",
        examples=["transit"],
    )


class GenerateSpec(Shape):
    """Networks made up from the world's statistics and the seed."""

    generate: Literal["access"] = Field(description="What to make: access networks with seeded upstreams.")
    per: Literal["country"] = Field(default="country", description="What they are spread over.")
    count: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="How many in all, shared out in proportion to the weight.", examples=[150]
    )
    countries: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] | None = Field(
        default=None,
        min_length=1,
        description="Only these countries, by ISO 3166-1 alpha-2 code. Default: all that have users and a "
        "city.",
        examples=[["EG", "KE", "IN"]],
    )
    weight: Literal["internet_users"] = Field(
        default="internet_users", description="What makes a country count more."
    )


class TransitSpec(Shape):
    """A transit provider of the CDN, and where the two meet."""

    asn: Asn = Field(description="The provider.", examples=[1299])
    pops: tuple[Text, ...] | None = Field(
        default=None,
        min_length=1,
        description="The POPs with a session to it. Default: a seeded, plausible part of the POPs in whose"
        " city it is present.",
        examples=[["LHR", "FRA"]],
    )
    capacity: Bandwidth | None = Field(
        default=None, description="What it carries to the CDN in all. Default: unlimited.", examples=["2Tbps"]
    )


class CdnSpec(Shape):
    """The content delivery network whose clients are watched."""

    asn: Asn = Field(description="Its AS number.", examples=[54113])
    name: Text | None = Field(default=None, description="Name for people.", examples=["Fastly"])
    pops: Annotated[
        Annotated[Literal["builtin"], branch("text")]
        | Annotated[Annotated[tuple[Text, ...], Field(min_length=1)], branch("many")],
        by_key("'builtin' or a list of POP codes", text="text", words=("builtin",), many="many"),
    ] = Field(
        description="Its points of presence, by the IATA code of their city's airport; or `builtin` for a "
        "real CDN's, one a city.",
        examples=["builtin", ["LHR", "FRA", "SIN"]],
    )
    transit: tuple[
        Annotated[
            Annotated[Asn, branch("asn")] | Annotated[TransitSpec, branch("transit")],
            by_key("an AS number or {asn: ..., pops: [...]}", otherwise="transit", text="asn"),
        ],
        ...,
    ] = Field(
        min_length=1,
        description="Its transit providers: AS numbers, or mappings that also say where it meets them.",
        examples=[[1299, {"asn": 174, "pops": ["FRA"]}]],
    )
    peers: Literal["ixp", "none"] = Field(
        default="ixp", description="Peering: with the access networks present in a POP's city, or none."
    )
    meeting: Share = Field(
        default=0.55,
        description="Probability that a provider present in a POP's city has a session there; seeded, and "
        "at least three POPs a provider where it is present at so many.",
        examples=["80%"],
    )
    peering_share: Share = Field(
        default=0.35,
        description="Probability that an access network near a POP peers there.",
        examples=["50%"],
    )
    pop_capacity: Rate | None = Field(
        default=None,
        description="Requests a second that each POP can serve; what it refuses is tried again. Default: "
        "unlimited.",
        examples=["50k/s"],
    )


class WorldNetwork(Shape):
    """Cities, cables and networks by presence: one router an (AS, city), called ``AS1299@Stockholm``."""

    world: Text = Field(
        description="`builtin`, or the folder of your own tables, relative to the scenario's.",
        examples=["builtin"],
    )
    networks: tuple[
        Annotated[
            Annotated[NetworkSpec, branch("asn")]
            | Annotated[BuiltinSpec, branch("builtin")]
            | Annotated[GenerateSpec, branch("generate")],
            by_key(
                "a network {asn: ...}, {builtin: transit} or {generate: access, ...}",
                "generate",
                "builtin",
                "asn",
                otherwise="asn",
            ),
        ],
        ...,
    ] = Field(
        min_length=1,
        description="The networks beside the CDN.",
        examples=[[{"builtin": "transit"}, {"generate": "access", "count": 150}]],
    )
    year: Annotated[int, Field(ge=1980, le=2100)] | None = Field(
        default=None,
        description="Leave out cables that entered service later. Default: all cables.",
        examples=[2024],
    )
    cdn: CdnSpec = Field(
        description="The CDN.", examples=[{"asn": 54113, "pops": ["LHR", "SIN"], "transit": [1299, 174]}]
    )


NetworkForm = Annotated[
    Annotated[LabNetwork, branch("routers")]
    | Annotated[RelationshipsNetwork, branch("as_relationships")]
    | Annotated[GeneratedNetwork, branch("generate")]
    | Annotated[WorldNetwork, branch("world")],
    by_key(
        "a network: a mapping with `routers`, `as_relationships`, `generate` or `world`",
        "routers",
        "as_relationships",
        "generate",
        "world",
        otherwise="routers",
    ),
]
