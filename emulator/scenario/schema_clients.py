"""``strategies:``, ``clients:`` and ``health_checks:``: who asks, and how they are steered."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field

from emulator.errors import suggest
from emulator.scenario.fields import (
    TAG,
    ClassPath,
    Period,
    Rate,
    RouterName,
    Shape,
    Share,
    Size,
    StrategyName,
    Text,
    Time,
    branch,
    by_key,
    fail,
    fail_expected,
    full,
    refuse,
)
from emulator.units import MILLISECOND, MINUTE, SECOND, Duration

Weight = Annotated[float, Field(gt=0, le=1e15)]


class AnycastStrategy(Shape):
    """Plain anycast: one shared prefix, announced at every POP on every session; BGP alone decides."""

    kind: Literal["anycast"]
    ttl: Period = Field(default=Duration(30 * SECOND), description="TTL of the answer.")


class _Measuring(Shape):
    """What strategies that measure have in common."""

    ttl: Period = Field(default=Duration(30 * SECOND), description="TTL of the answers.", examples=["30s"])
    window: Period = Field(
        default=Duration(MINUTE), description="How long an RTT sample counts.", examples=["5min"]
    )
    reevaluate: Period = Field(
        default=Duration(10 * SECOND), description="Time between two rankings.", examples=["30s"]
    )
    samples: Rate = Field(
        default=1.0, description="RTT samples for each client group and address.", examples=["10/min"]
    )


class IpaStrategy(_Measuring):
    """Individual Provider Anycast: a prefix for each transit provider, announced to that provider alone."""

    kind: Literal["ipa"]
    ranking: Literal["wan", "none"] = Field(
        default="wan",
        description="Rank a client network's providers by wins above nominal, or leave the shares as they "
        "are.",
    )
    bias: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=8.0,
        description="How far shares follow the ranking: 0 not at all, large for the best one alone.",
    )
    floor: Share = Field(
        default=0.02, description="Least share of a provider that works, to keep measuring it."
    )
    cap: Share = Field(default=0.70, description="Greatest share of a provider, where there are others.")
    cover: bool = Field(
        default=False,
        description="Announce a less specific prefix everywhere too, to fall back to when a provider's is "
        "gone.",
    )
    shrinkage: Annotated[float, Field(ge=0, le=1e6)] = Field(
        default=20.0,
        description="Nominal samples that a win rate is blended with, so that few samples say little.",
    )


class UnicastStrategy(_Measuring):
    """A prefix for each POP; clients get the one with the best median RTT."""

    kind: Literal["unicast"]


class UserStrategy(_Measuring):
    """A class of your own; runs only where code of scenarios is allowed (`--allow-code`)."""

    kind: Literal["user"]
    class_: ClassPath = Field(
        alias="class",
        description="Module and class; a module beside the scenario file is found first.",
        examples=["mysteering.strategies:Nearest"],
    )
    cover: bool = Field(default=False, description="As of `ipa`: whether its provider prefixes have a cover.")


KINDS: Final[dict[str, type[Shape]]] = {
    "anycast": AnycastStrategy,
    "ipa": IpaStrategy,
    "unicast": UnicastStrategy,
    "user": UserStrategy,
}


def _known_kind(value: object) -> object:
    """Refuse a strategy of no known kind, where it says so."""
    kinds = ", ".join(KINDS)
    if not isinstance(value, dict):
        fail_expected("a strategy such as {kind: anycast}")
    if "kind" not in value:
        fail(f"missing key 'kind', one of: {kinds}")
    kind = value["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        hint = suggest(kind, KINDS) if isinstance(kind, str) else ""
        refuse("kind", full(f"unknown kind {kind!r}{hint}; known kinds: {kinds}"))
    return value


def _kind_of(value: object) -> str:
    return TAG + (value["kind"] if isinstance(value, dict) else str(getattr(value, "kind", "")))


AnyStrategy = Annotated[
    Annotated[AnycastStrategy, branch("anycast")]
    | Annotated[IpaStrategy, branch("ipa")]
    | Annotated[UnicastStrategy, branch("unicast")]
    | Annotated[UserStrategy, branch("user")],
    Discriminator(_kind_of),
    BeforeValidator(_known_kind),
]


class LabGroup(Shape):
    """Clients behind a router of a lab."""

    router: RouterName = Field(description="The router they are attached to.", examples=["r4"])
    weight: Weight = Field(default=1.0, description="Part of the demand, relative to the other groups.")
    last_mile: Time = Field(
        default=Duration(0),
        description="Median access RTT that requests add to the path's.",
        examples=["10ms"],
    )


class Population(Shape):
    """Client groups of an AS graph."""

    weight: Text = Field(
        default="customer-cone",
        description="What makes an AS count more: `customer-cone` (the ASes that are served through it), "
        "`uniform`, or a CSV file of AS numbers and weights, relative to the scenario's folder.",
        examples=["uniform", "users-by-asn.csv"],
    )
    count: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=500,
        description="How many to draw in proportion to their weight: the groups that requests come from. "
        "Catchments and losses of connectivity are of all ASes.",
    )
    last_mile: Time = Field(
        default=Duration(10 * MILLISECOND),
        description="Median access RTT that requests add to the path's.",
    )


class Host(Shape):
    """A host name that requests go to."""

    name: Text = Field(description="The host name.", examples=["files.pythonhosted.org"])
    share: Share = Field(
        description="Its part of all requests; those of all hosts add up to 1.", examples=["25%"]
    )
    steered: bool = Field(
        default=True, description="Answered by the strategy; else on the plain anycast address, always."
    )
    ttl: Period | None = Field(
        default=None, description="TTL of its answers. Default: the strategy's.", examples=["1d"]
    )
    response_size: Size | None = Field(
        default=None, description="Mean size of an answer. Default: that of `clients`.", examples=["50kB"]
    )


class Resolvers(Shape):
    """Recursive resolvers, with a cache each."""

    per_group: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=50, description="Resolvers of a client group."
    )
    ttl_violators: Share = Field(default=0.0874, description="Share of resolvers that keep answers too long.")
    violator_factor: Annotated[float, Field(ge=1, le=10_000)] = Field(
        default=3.0, description="How many times the TTL they keep them."
    )
    skew: Annotated[float, Field(ge=0, le=5)] = Field(
        default=1.0,
        description="Sigma of the log-normal by which a group's demand is spread over its resolvers; 0 for"
        " evenly.",
    )


class RetrySpec(Shape):
    """What a client does when no answer comes."""

    retries: Annotated[int, Field(ge=0, le=20)] = Field(default=5, description="Attempts after the first.")
    timeout: Period = Field(default=Duration(15 * SECOND), description="How long an attempt waits.")
    backoff: Time = Field(
        default=Duration(250 * MILLISECOND),
        description="Before retry i it sleeps backoff x 2^(i-1), except before the first one (urllib3).",
    )


class ClientsSpec(Shape):
    """Who asks, how often, and what they do when it fails."""

    demand: Rate = Field(
        default=36_000.0, description="Mean requests a second over all groups.", examples=["36k/s"]
    )
    groups: tuple[LabGroup, ...] = Field(
        default=(),
        description="Client groups of a lab. The world makes its own: one a city of an access network.",
        examples=[[{"router": "r4", "weight": 1}]],
    )
    population: Population = Field(default_factory=Population, description="Client groups of an AS graph.")
    hosts: Annotated[
        Annotated[Literal["pypi"], branch("text")]
        | Annotated[Annotated[tuple[Host, ...], Field(min_length=1)], branch("many")],
        by_key("'pypi' or a list of hosts", text="text", words=("pypi",), many="many"),
    ] = Field(
        default=(Host.model_construct(name="service", share=1.0),),
        description="The host names asked for: a list, or `pypi` for pypi.org (75 % of requests, plain "
        "anycast, TTL 1d) and files.pythonhosted.org (25 %, steered, TTL 30s).",
        examples=["pypi"],
    )
    response_size: Size = Field(
        default=697e3, description="Mean size of an answer, which loads the links.", examples=["697kB"]
    )
    diurnal: Share = Field(
        default=0.0,
        description="Relative amplitude of a daily swing of the demand; 0 is flat.",
        examples=["30%"],
    )
    resolvers: Resolvers = Field(
        default_factory=Resolvers, description="The resolvers between clients and DNS."
    )
    retry: Annotated[
        Annotated[Literal["pip", "none"], branch("text")] | Annotated[RetrySpec, branch("retry")],
        by_key(
            "'pip', 'none' or {retries: 5, timeout: 15s, backoff: 250ms}",
            text="text",
            words=("pip", "none"),
            otherwise="retry",
        ),
    ] = Field(
        default="pip",
        description="`pip`: 5 retries, 15 s timeout, sleeps of 0, 0.5, 1, 2 and 4 s. `none`: one attempt "
        "of 15 s.",
        examples=["none", {"retries": 2, "timeout": "5s", "backoff": "100ms"}],
    )
    validation_time: Period = Field(
        default=Duration(10 * SECOND),
        description="A group has reconverged once no request failed for so long (RFC 6412's sustained "
        "convergence validation time).",
    )


class HealthChecks(Shape):
    """Probes that take a dead address out of a client group's answers."""

    interval: Period = Field(default=Duration(10 * SECOND), description="Time between two checks.")
    failures: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=3, description="Failures in a row that take an address out."
    )
    timeout: Period = Field(default=Duration(2 * SECOND), description="Silence that makes a check fail.")
    successes: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=2, description="Successes in a row that bring it back."
    )


Strategies = dict[StrategyName, AnyStrategy]
