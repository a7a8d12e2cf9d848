"""``timeline:``, what happens and when: one shape a verb."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from emulator.errors import suggest
from emulator.scenario.fields import (
    AddedDelay,
    Asn,
    Period,
    Prefix,
    RouterName,
    Shape,
    Share,
    Text,
    Time,
    branch,
    by_key,
    fail,
    fail_expected,
    refuse,
    unknown,
)
from emulator.scenario.schema_lab import Carried
from emulator.units import SECOND, Duration

SHUTDOWN_TEXT_LONGEST: Final = 255
"""Octets (RFC 9003 section 2)."""

Pair = tuple[RouterName, RouterName]
CityPair = tuple[Text, Text]


def _exactly_one(shape: Shape, *names: str) -> None:
    """Refuse a mapping with none or several of ``names``."""
    given = [name for name in names if getattr(shape, name) is not None]
    if len(given) != 1:
        listed = " or ".join(f"`{name}`" for name in names)
        fail(f"expected exactly one of {listed}, got {' and '.join(given) or 'none'}")


class Event(Shape):
    """What all events have."""

    at: Time = Field(description="When, after the settled network is handed over.", examples=["1min"])
    repair_after: Period | None = Field(
        default=None,
        description="Undo the event this much later. Default: it stays.",
        examples=["20min"],
    )


class ProviderSessions(Shape):
    """The CDN's sessions with one transit provider, at all POPs or one (world only)."""

    provider: Asn = Field(description="The provider.", examples=[1299])
    pop: Text | None = Field(default=None, description="Only this POP's session.", examples=["SIN"])


Announced = Annotated[
    Annotated[Prefix, branch("text")] | Annotated[ProviderSessions, branch("provider")],
    by_key(
        "a prefix such as '203.0.113.0/24', or {provider: 1299}",
        "provider",
        otherwise="provider",
        text="text",
    ),
]


class _Origination(Event):
    """A change of what is announced."""

    router: RouterName | None = Field(
        default=None, description="The router that originates the prefix; required with one.", examples=["r0"]
    )

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        changed = getattr(self, "announce", None) or getattr(self, "withdraw", None)
        if isinstance(changed, str) and self.router is None:
            fail("expected `router`, the one that originates the prefix")
        if isinstance(changed, ProviderSessions) and self.router is not None:
            refuse("router", unknown("`router` goes with a prefix, not with `provider`"))
        return self


class AnnounceEvent(_Origination, Carried):
    """A router starts to originate a prefix, or the CDN announces to a provider again.

    What was announced before for the prefix is replaced, with all that it carried.
    """

    announce: Announced = Field(
        description="The prefix; or the provider that all is announced to again.",
        examples=["203.0.113.0/24", {"provider": 1299}],
    )

    @model_validator(mode="after")
    def _carries_with_a_prefix(self) -> Self:
        if isinstance(self.announce, ProviderSessions):
            for name in Carried.model_fields:
                if getattr(self, name) is not None:
                    refuse(name, unknown(f"`{name}` goes with a prefix, not with `provider`"))
        return self


class WithdrawEvent(_Origination):
    """A router stops originating a prefix, or the CDN withdraws everything from a provider."""

    withdraw: Announced = Field(
        description="The prefix; or the provider that all is withdrawn from, everywhere or at one POP.",
        examples=["203.0.113.0/24", {"provider": 1299, "pop": "SIN"}],
    )


class CableCut(Shape):
    """A submarine cable, whole or one stretch of it."""

    cable: Text = Field(description="The cable's name.", examples=["SEA-ME-WE-4"])
    between: CityPair | None = Field(
        default=None,
        description="Two of its landing cities: everything between them. Default: the whole cable.",
        examples=[["Jeddah", "Djibouti"]],
    )


class SegmentCut(Shape):
    """A land route between two neighbouring cities."""

    segment: CityPair = Field(description="Its two cities.", examples=[["Paris", "Marseille"]])


CutTarget = Annotated[
    Annotated[Pair, branch("link")]
    | Annotated[CableCut, branch("cable")]
    | Annotated[SegmentCut, branch("segment")],
    by_key(
        "a link [router, router], {cable: ...} or {segment: [city, city]}", "cable", "segment", many="link"
    ),
]


class CutEvent(Event):
    """A link, cable or segment goes dark, and everything that rides on it."""

    cut: CutTarget = Field(
        description="What is severed.",
        examples=[
            ["r0", "r5"],
            {"cable": "SEA-ME-WE-4", "between": ["Jeddah", "Djibouti"]},
            {"segment": ["Paris", "Marseille"]},
        ],
    )


class RepairEvent(Shape):
    """What an earlier `cut` severed works again."""

    at: Time = Field(description="When.", examples=["20min"])
    repair: CutTarget = Field(
        description="What is repaired, named as in its cut.",
        examples=[["r0", "r5"], {"cable": "SEA-ME-WE-4"}],
    )


class OutageTarget(Shape):
    """A POP, a network or a router."""

    pop: Text | None = Field(default=None, description="All of a POP.", examples=["SIN"])
    network: Asn | None = Field(default=None, description="All routers of an AS.", examples=[1299])
    router: RouterName | None = Field(default=None, description="One router.", examples=["r3"])

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self, "pop", "network", "router")
        return self


class OutageEvent(Event):
    """Routers lose power: sessions drop, nothing is forwarded."""

    outage: OutageTarget = Field(description="What goes out.", examples=[{"pop": "SIN"}, {"router": "r3"}])


class BlackholeTarget(Shape):
    """A network or a router."""

    network: Asn | None = Field(default=None, description="All routers of an AS.", examples=[3356])
    router: RouterName | None = Field(default=None, description="One router.", examples=["r3"])

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self, "network", "router")
        return self


class BlackholeEvent(Event):
    """Routers stay in BGP and forward nothing. What is for them arrives: a CDN's POPs need an `outage`."""

    blackhole: BlackholeTarget = Field(
        description="Who drops everything.", examples=[{"network": 3356}, {"router": "r3"}]
    )


class Degradation(Shape):
    """Delay and loss added to links, in both directions."""

    network: Asn | None = Field(default=None, description="The AS whose links suffer.", examples=[1299])
    link: Pair | None = Field(default=None, description="One link.", examples=[["r1", "r2"]])
    between: CityPair | None = Field(
        default=None,
        description="With `network`: its path between these two cities. Default: every link into it.",
        examples=[["Marseille", "Singapore"]],
    )
    delay: AddedDelay | None = Field(default=None, description="Added one-way delay.", examples=["+80ms"])
    loss: Share | None = Field(default=None, description="Share of packets lost, each way.", examples=["5%"])

    @model_validator(mode="after")
    def _says_where_and_what(self) -> Self:
        _exactly_one(self, "network", "link")
        if self.delay is None and self.loss is None:
            fail("expected `delay`, `loss` or both, got none")
        if self.between and self.network is None:
            refuse("between", unknown("`between` narrows a `network`; a `link` has its ends"))
        return self


class DegradeEvent(Event):
    """Links work badly: slower, lossy, or both."""

    degrade: Degradation = Field(
        description="Where, and how badly.",
        examples=[{"network": 1299, "between": ["Marseille", "Singapore"], "delay": "+80ms", "loss": "5%"}],
    )


class ResetEvent(Shape):
    """A BGP session is reset by its operator: it drops, its link staying up, and comes back."""

    at: Time = Field(description="When.", examples=["4min"])
    reset: Pair = Field(
        description="The session's two routers; the first one's operator resets it.", examples=[["r1", "r2"]]
    )


class ShutdownEvent(Event):
    """A BGP session is shut down by its operator, and stays so."""

    shutdown: Pair = Field(
        description="The session's two routers; the first one's operator shuts it down.",
        examples=[["r1", "r2"]],
    )
    message: Annotated[str, Field(max_length=255)] = Field(
        default="",
        description="What the operator tells the peer's with it (RFC 9003), 255 octets of UTF-8 at most.",
        examples=["maintenance, back at noon"],
    )

    @model_validator(mode="after")
    def _fits_the_notification(self) -> Self:
        if len(self.message.encode()) > SHUTDOWN_TEXT_LONGEST:
            refuse("message", unknown(f"expected at most {SHUTDOWN_TEXT_LONGEST} octets of UTF-8"))
        return self


class RefreshEvent(Shape):
    """A router asks a peer to send all its routes again (RFC 2918)."""

    at: Time = Field(description="When.", examples=["4min"])
    refresh: Pair = Field(description="Who asks, and whom.", examples=[["r1", "r2"]])


class RestartEvent(Shape):
    """A router's BGP process restarts; forwarding goes on with peers that agreed on graceful restart."""

    at: Time = Field(description="When.", examples=["4min"])
    restart: RouterName = Field(description="The router.", examples=["r1"])
    takes: Period = Field(
        default=Duration(10 * SECOND), description="How long the process is gone.", examples=["10s"]
    )


class DrainTarget(Shape):
    """A router's eBGP sessions, or one session."""

    router: RouterName | None = Field(
        default=None, description="All eBGP sessions of this router.", examples=["r1"]
    )
    session: Pair | None = Field(
        default=None,
        description="One session; the first router's operator drains it.",
        examples=[["r1", "r2"]],
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self, "router", "session")
        return self


class DrainEvent(Event):
    """Graceful shutdown (RFC 8326): neighbours are asked to turn elsewhere before the session goes."""

    drain: DrainTarget = Field(
        description="What is drained.", examples=[{"router": "r1"}, {"session": ["r1", "r2"]}]
    )
    shut_after: Period | None = Field(
        default=None,
        description="Shut the drained sessions down this much later. Default: they are only drained.",
        examples=["60s"],
    )


class LeakTarget(Shape):
    """Who leaks."""

    router: RouterName = Field(description="The router.", examples=["r1"])


class LeakEvent(Event):
    """A route leak (RFC 7908): a router exports all it knows to everybody."""

    leak: LeakTarget = Field(description="Who leaks.", examples=[{"router": "r1"}])


VERBS: Final[dict[str, type[Shape]]] = {
    "announce": AnnounceEvent,
    "withdraw": WithdrawEvent,
    "cut": CutEvent,
    "repair": RepairEvent,
    "outage": OutageEvent,
    "blackhole": BlackholeEvent,
    "degrade": DegradeEvent,
    "reset": ResetEvent,
    "shutdown": ShutdownEvent,
    "refresh": RefreshEvent,
    "restart": RestartEvent,
    "drain": DrainEvent,
    "leak": LeakEvent,
}
LATER_VERBS: Final = ("surge", "bots")
"""In the format, not in this version."""


def _one_verb(value: object) -> Any:  # noqa: ANN401 - passed on as it came
    """Refuse an event that says nothing, several things or something unknown."""
    if not isinstance(value, dict):
        fail_expected("an event such as {at: 1min, cut: [r0, r5]}")
    known = ", ".join(VERBS)
    said = [name for name in value if name in VERBS]
    if len(said) > 1:
        refuse(said[1], unknown(f"expected one verb an event, got {' and '.join(said)}"))
    later = [name for name in value if name in LATER_VERBS]
    if later:
        refuse(later[0], unknown(f"{later[0]!r} is not in this version; known verbs: {known}"))
    if not said:
        beside = {"at", "repair_after", "router", "message", "takes", "shut_after", *Carried.model_fields}
        others = [name for name in value if name not in beside]
        if not others:
            fail(f"expected what happens, one of: {known}")
        hint = suggest(others[0], VERBS)
        refuse(others[0], unknown(f"unknown verb {others[0]!r}{hint}; known verbs: {known}"))
    return value


AnyEvent = Annotated[
    Annotated[AnnounceEvent, branch("announce")]
    | Annotated[WithdrawEvent, branch("withdraw")]
    | Annotated[CutEvent, branch("cut")]
    | Annotated[RepairEvent, branch("repair")]
    | Annotated[OutageEvent, branch("outage")]
    | Annotated[BlackholeEvent, branch("blackhole")]
    | Annotated[DegradeEvent, branch("degrade")]
    | Annotated[ResetEvent, branch("reset")]
    | Annotated[ShutdownEvent, branch("shutdown")]
    | Annotated[RefreshEvent, branch("refresh")]
    | Annotated[RestartEvent, branch("restart")]
    | Annotated[DrainEvent, branch("drain")]
    | Annotated[LeakEvent, branch("leak")],
    by_key("an event such as {at: 1min, cut: [r0, r5]}", *VERBS),
    BeforeValidator(_one_verb),
]


def verb(event: Shape) -> str:
    """Return what ``event`` does: the key of `VERBS` that it has."""
    return next(name for name, shape in VERBS.items() if isinstance(event, shape))


def repaired_at(event: Shape) -> Duration | None:
    """When ``event`` is undone by its own `repair_after`, or None."""
    after = getattr(event, "repair_after", None)
    return None if after is None else Duration(event.at + after)  # type: ignore[attr-defined]
