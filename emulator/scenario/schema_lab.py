"""A lab's routers and links: ``network:`` router by router."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emulator.scenario.fields import (
    Asn,
    Bandwidth,
    Prefix,
    RouterId,
    RouterName,
    Shape,
    Text,
    Time,
    branch,
    by_key,
)
from emulator.scenario.schema_bgp import (  # noqa: TC001 - pydantic reads them
    Like,
    MaxPrefixes,
    PolicyNames,
    SpeakerSpec,
)
from emulator.scenario.schema_policy import (  # noqa: TC001 - pydantic reads them
    Communities,
    LargeCommunities,
    Uint32,
)


class Carried(Shape):
    """What an announcement carries beside its prefix."""

    communities: Communities | None = Field(
        default=None,
        description="Communities (RFC 1997); with `no-export` the prefix stays inside the AS.",
        examples=["65000:100", ["65000:100", "graceful-shutdown"]],
    )
    large_communities: LargeCommunities | None = Field(
        default=None, description="Large communities (RFC 8092).", examples=["65000:1:100"]
    )
    med: Uint32 | None = Field(default=None, description="MULTI_EXIT_DISC.", examples=[50])


class OriginatedPrefix(Carried):
    """A prefix and what its announcement carries."""

    prefix: Prefix = Field(description="The prefix.", examples=["203.0.113.0/24"])


class AggregateSpec(Shape):
    """A prefix that is originated while the router has a route to a more specific one (RFC 4271 9.2.2.2)."""

    prefix: Prefix = Field(description="The aggregate.", examples=["203.0.112.0/22"])
    contributors: tuple[Prefix, ...] | None = Field(
        default=None,
        min_length=1,
        description="The more specific prefixes, one of which is enough. Default: all that the scenario has.",
        examples=[["203.0.113.0/24", "203.0.114.0/24"]],
    )
    summary_only: bool = Field(default=False, description="Do not announce the contributors themselves.")


class NeighborSpec(Shape):
    """A router's settings for its session with one other router."""

    import_: PolicyNames | None = Field(
        default=None,
        alias="import",
        description="Rule lists that the neighbour's routes go through, instead of the router's.",
        examples=[["prefer"]],
    )
    export: PolicyNames | None = Field(
        default=None,
        description="Rule lists that routes to the neighbour go through, instead of the router's.",
        examples=[["prepend"]],
    )
    local_pref: Uint32 | None = Field(
        default=None,
        description="LOCAL_PREF of the neighbour's routes, instead of the policy's; rule lists come after.",
        examples=[200],
    )
    max_prefixes: MaxPrefixes | None = Field(
        default=None, description="Limit to what it may send.", examples=[{"limit": 100}]
    )
    role: Literal["off", "provider", "rs", "rs-client", "customer", "peer"] | None = Field(
        default=None,
        description="This router's own role towards the neighbour (RFC 9234): `customer` where the "
        "neighbour is the provider. Default: by `roles`.",
        examples=["customer"],
    )
    strict_role: bool = Field(
        default=False, description="Refuse the session where the neighbour sends no role."
    )
    next_hop_self: bool = Field(
        default=True,
        description="iBGP: give our own address as next hop of routes learned over eBGP.",
    )
    allow_own_as: Annotated[int, Field(ge=0, le=10)] = Field(
        default=0,
        description="How often our own AS may be in a path that the neighbour sends (RFC 4271 9.1.2: never).",
        examples=[1],
    )
    families: Annotated[tuple[Literal["ipv4", "ipv6"], ...], Field(min_length=1)] = Field(
        default=("ipv4", "ipv6"),
        description="What is negotiated at most (RFC 4760).",
        examples=[["ipv4"]],
    )
    passive: bool = Field(default=False, description="Wait for the neighbour to open the connection.")


class RouterSpec(Shape):
    """One router of a lab: routers of one AS number speak iBGP, all others eBGP."""

    asn: Asn = Field(description="Its AS number.", examples=[65000])
    router_id: RouterId | None = Field(
        default=None,
        description="BGP identifier, the last tie-break. Default: the router's place in the list, from "
        "0.0.0.1.",
        examples=["10.0.0.1"],
    )
    city: Text | None = Field(default=None, description="Where it stands, for maps.", examples=["Marseille"])
    prefixes: tuple[
        Annotated[
            Annotated[Prefix, branch("text")] | Annotated[OriginatedPrefix, branch("prefix")],
            by_key(
                "a prefix such as '203.0.113.0/24', or {prefix: 203.0.113.0/24, communities: ...}",
                "prefix",
                text="text",
                otherwise="prefix",
            ),
        ],
        ...,
    ] = Field(
        default=(),
        description="Prefixes that it originates from the start, plain or with what they carry.",
        examples=[["203.0.113.0/24"], [{"prefix": "203.0.113.0/24", "communities": "65000:100"}]],
    )
    local_pref: dict[RouterName, Annotated[int, Field(ge=0, le=4_294_967_295)]] = Field(
        default_factory=dict,
        description="LOCAL_PREF given to routes learned from a neighbour router, instead of the policy's "
        "(RFC 4271 5.1.5; 100 where nothing else says).",
        examples=[{"r2": 200}],
    )
    rank_paths: tuple[Annotated[tuple[RouterName, ...], Field(min_length=1)], ...] | None = Field(
        default=None,
        description="The permitted paths in order of preference, best first, each as the routers from the "
        "next one to the origin; a route over any other path is refused. The notation of the "
        "stable paths problem (Griffin, Shepherd and Wilfong, IEEE/ACM ToN 10(2), 2002). Needs"
        " a network of one router an AS.",
        examples=[[["r3", "r0"], ["r0"]]],
    )
    like: Like | None = Field(
        default=None,
        description="Whose timers and tie-breaks it has where neither `bgp` says anything. Default: as "
        "`bgp.like`.",
        examples=["bird"],
    )
    bgp: SpeakerSpec | None = Field(
        default=None,
        description="What this router has different from the section `bgp`.",
        examples=[{"mrai": "5s"}],
    )
    import_: PolicyNames | None = Field(
        default=None,
        alias="import",
        description="Rule lists that routes from its eBGP peers go through, instead of those of `bgp`.",
        examples=[["drop-long-paths"]],
    )
    export: PolicyNames | None = Field(
        default=None,
        description="Rule lists that routes to its eBGP peers go through, instead of those of `bgp`.",
        examples=[["prepend"]],
    )
    reflector: bool = Field(
        default=False,
        description="It reflects routes within its AS (RFC 4456), which then has no full mesh: reflectors"
        " peer with their clients, and all that are nobody's client with each other.",
    )
    clients: tuple[RouterName, ...] | None = Field(
        default=None,
        min_length=1,
        description="Routers of its AS that are its clients; it is a reflector then. Default, for a"
        " reflector: all that are none themselves.",
        examples=[["r2", "r3"]],
    )
    cluster_id: RouterId | None = Field(
        default=None,
        description="Cluster of a reflector (RFC 4456 7). Default: its router id.",
        examples=["10.0.0.1"],
    )
    aggregate: tuple[AggregateSpec, ...] = Field(
        default=(),
        description="Aggregates that it forms.",
        examples=[[{"prefix": "203.0.112.0/22", "summary_only": True}]],
    )
    neighbors: dict[RouterName, NeighborSpec] = Field(
        default_factory=dict,
        description="Settings by the router at a session's other end, over a link or within the AS.",
        examples=[{"r2": {"export": ["prepend"]}}],
    )

    @property
    def originated(self) -> tuple[OriginatedPrefix, ...]:
        """``prefixes`` in their long form."""
        return tuple(
            OriginatedPrefix.model_construct(prefix=each) if isinstance(each, str) else each
            for each in self.prefixes
        )

    @property
    def is_reflector(self) -> bool:
        """Whether it is one, said or by its clients."""
        return self.reflector or self.clients is not None


class LinkSpec(Shape):
    """A point-to-point link, and with it a BGP session or an IGP adjacency."""

    ends: tuple[RouterName, RouterName] = Field(description="The two routers.", examples=[["r0", "r1"]])
    delay: Time = Field(description="One-way delay.", examples=["10ms"])
    relationship: Literal["customer-provider", "peer"] | None = Field(
        default=None,
        description="What the two ASes are to each other; the first end is the customer. Absent: no "
        "relationship, routes cross freely.",
        examples=["customer-provider"],
    )
    capacity: Bandwidth | None = Field(
        default=None, description="Capacity in each direction. Default: unlimited.", examples=["100Gbps"]
    )
    igp_cost: Annotated[int, Field(ge=1, le=16_777_214)] | None = Field(
        default=None,
        description="Metric of a link inside an AS, to 2^24 - 2 (RFC 5305). Default: 1.",
        examples=[10],
    )


class LabNetwork(Shape):
    """Router by router, for labs, papers and tests."""

    routers: dict[RouterName, RouterSpec] = Field(
        min_length=1, description="The routers by name, in order.", examples=[{"r0": {"asn": 65000}}]
    )
    links: tuple[LinkSpec, ...] = Field(
        default=(), description="The links.", examples=[[{"ends": ["r0", "r1"], "delay": "10ms"}]]
    )
