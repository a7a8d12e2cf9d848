"""``policies:``, import and export rules by name."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from emulator.errors import suggest
from emulator.scenario.fields import (
    Asn,
    Prefix,
    Shape,
    StrategyName,
    branch,
    by_key,
    expected,
    fail,
    full,
    refuse,
)

WELL_KNOWN: Final = ("graceful-shutdown", "blackhole", "no-export", "no-advertise", "no-export-subconfed")
"""Names of https://www.iana.org/assignments/bgp-well-known-communities/ in lower case."""
_NUMBERS: Final = re.compile(r"[0-9]{1,10}(?::[0-9]{1,10}){1,2}")
_UINT32: Final = 2**32
_UINT16: Final = 2**16
_COMMUNITY: Final = "a community such as '65000:100', or one of " + ", ".join(WELL_KNOWN)
_LARGE: Final = "a large community such as '65000:1:100'"


def _numbers(text: str, count: int, limit: int) -> tuple[int, ...] | None:
    """The numbers between colons, or None where they are not ``count`` of less than ``limit``."""
    if not _NUMBERS.fullmatch(text):
        return None
    numbers = tuple(int(part) for part in text.split(":"))
    return numbers if len(numbers) == count and max(numbers) < limit else None


def _validate_community(value: object) -> str:
    if not isinstance(value, str):
        raise expected(_COMMUNITY)
    if value in WELL_KNOWN:
        return value
    numbers = _numbers(value, 2, _UINT16)
    if numbers is None:
        wide = _numbers(value, 2, _UINT32)
        why = ": its halves end at 65535, use a large community" if wide else suggest(value, WELL_KNOWN)
        message = f"expected {_COMMUNITY}, got {value[:64]!r}{why}"
        raise full(message)
    return ":".join(map(str, numbers))


def _validate_large(value: object) -> str:
    numbers = _numbers(value, 3, _UINT32) if isinstance(value, str) else None
    if numbers is None:
        raise expected(_LARGE)
    return ":".join(map(str, numbers))


CommunityText = Annotated[
    str,
    PlainValidator(_validate_community),
    WithJsonSchema(
        {
            "title": "community",
            "anyOf": [
                {"enum": list(WELL_KNOWN)},
                {"type": "string", "pattern": "^[0-9]{1,5}:[0-9]{1,5}$"},
            ],
        }
    ),
]
"""A community (RFC 1997): two numbers of 16 bits, or a well-known one's name."""
LargeText = Annotated[
    str,
    PlainValidator(_validate_large),
    WithJsonSchema(
        {"type": "string", "pattern": "^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$", "title": "large community"}
    ),
]
"""A large community (RFC 8092): three numbers of 32 bits."""
Communities = Annotated[
    Annotated[CommunityText, branch("text")]
    | Annotated[Annotated[tuple[CommunityText, ...], Field(min_length=1)], branch("list")],
    by_key(f"{_COMMUNITY}, or a list of them", text="text", many="list"),
]
LargeCommunities = Annotated[
    Annotated[LargeText, branch("text")]
    | Annotated[Annotated[tuple[LargeText, ...], Field(min_length=1)], branch("list")],
    by_key(f"{_LARGE}, or a list of them", text="text", many="list"),
]
PolicyName = StrategyName
Uint32 = Annotated[int, Field(ge=0, lt=_UINT32)]
Length = Annotated[int, Field(ge=0, le=128)]


class PrefixRange(Shape):
    """The prefixes of a scenario that lie within one, by length."""

    in_: Prefix = Field(alias="in", description="The prefix around them.", examples=["10.0.0.0/8"])
    ge: Length | None = Field(default=None, description="Least length. Default: that of `in`.", examples=[16])
    le: Length | None = Field(
        default=None, description="Greatest length. Default: 32 for IPv4, 128 for IPv6.", examples=[24]
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        own, most = int(self.in_.rsplit("/", 1)[1]), 128 if ":" in self.in_ else 32
        for name in ("ge", "le"):
            length = getattr(self, name)
            if length is not None and not own <= length <= most:
                refuse(name, full(f"expected a length from {own} to {most}, got {length}"))
        if self.ge is not None and self.le is not None and self.ge > self.le:
            refuse("ge", full(f"expected at most `le`, {self.le}, got {self.ge}"))
        return self


PrefixOrRange = Annotated[
    Annotated[Prefix, branch("text")] | Annotated[PrefixRange, branch("in")],
    by_key(
        "a prefix such as '203.0.113.0/24', or {in: 10.0.0.0/8, ge: 16, le: 24}",
        "in",
        text="text",
        otherwise="in",
    ),
]
PrefixMatch = Annotated[
    Annotated[Prefix, branch("text")]
    | Annotated[PrefixRange, branch("in")]
    | Annotated[Annotated[tuple[PrefixOrRange, ...], Field(min_length=1)], branch("list")],
    by_key(
        "a prefix such as '203.0.113.0/24', {in: 10.0.0.0/8, ge: 16, le: 24}, or a list of these",
        "in",
        text="text",
        many="list",
        otherwise="in",
    ),
]


class AsPathMatch(Shape):
    """What an AS_PATH has; all that is given must hold."""

    neighbor: Asn | None = Field(
        default=None, description="Its first AS, the one that the route came from.", examples=[65001]
    )
    origin: Asn | None = Field(
        default=None, description="Its last AS, the one that originated the prefix.", examples=[65002]
    )
    through: Asn | None = Field(default=None, description="An AS anywhere in it.", examples=[65003])
    longer_than: Annotated[int, Field(ge=0, le=255)] | None = Field(
        default=None, description="More ASes than this, repetitions counted.", examples=[5]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            fail("expected one of `neighbor`, `origin`, `through` or `longer_than`, got none")
        return self


Relation = Literal["customer", "peer", "provider"]


class MatchSpec(Shape):
    """Which routes a rule is for: all that is given must hold; of a list, any one."""

    prefix: PrefixMatch | None = Field(
        default=None,
        description="The prefix itself, one of those in a range, or any of a list.",
        examples=["203.0.113.0/24", {"in": "10.0.0.0/8", "ge": 16, "le": 24}],
    )
    community: Communities | None = Field(
        default=None,
        description="A community that the route carries (RFC 1997).",
        examples=["65000:100", ["no-export", "blackhole"]],
    )
    large_community: LargeCommunities | None = Field(
        default=None,
        description="A large community that the route carries (RFC 8092).",
        examples=["65000:1:100"],
    )
    as_path: AsPathMatch | None = Field(
        default=None,
        description="What its AS_PATH has; on export, before the router's own AS is added.",
        examples=[{"origin": 65001}, {"longer_than": 5}],
    )
    learned_from: (
        Annotated[
            Annotated[Relation, branch("text")]
            | Annotated[Annotated[tuple[Relation, ...], Field(min_length=1)], branch("list")],
            by_key(
                "'customer', 'peer' or 'provider', or a list of these",
                text="text",
                many="list",
                words=("customer", "peer", "provider"),
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="What the AS that the route came from is to ours. Routes originated in our AS, or from"
        " an AS without a relationship, are none of them.",
        examples=["customer", ["peer", "provider"]],
    )
    validity: Literal["valid", "invalid", "not-found"] | None = Field(
        default=None,
        description="What origin validation says of it (RFC 6811); needs `rov`.",
        examples=["invalid"],
    )


class ChangeSpec(Shape):
    """What a rule changes; removals come before additions."""

    local_pref: Uint32 | None = Field(default=None, description="LOCAL_PREF, within the AS.", examples=[200])
    med: Uint32 | None = Field(default=None, description="MULTI_EXIT_DISC.", examples=[50])
    add_communities: Communities | None = Field(
        default=None, description="Communities to add.", examples=["65000:100", ["no-export"]]
    )
    remove_communities: Communities | None = Field(
        default=None, description="Communities to take off.", examples=["65000:100"]
    )
    add_large_communities: LargeCommunities | None = Field(
        default=None, description="Large communities to add.", examples=["65000:1:100"]
    )
    remove_large_communities: LargeCommunities | None = Field(
        default=None, description="Large communities to take off.", examples=["65000:1:100"]
    )
    prepend: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None,
        description="How many times our own AS is added to the path beyond the once that eBGP adds; export "
        "only.",
        examples=[2],
    )


class RuleSpec(Shape):
    """One rule: if it matches, change the route; then accept it, reject it, or go on to the next rule."""

    match: MatchSpec = Field(
        default_factory=MatchSpec,
        description="Which routes. Default: all.",
        examples=[{"prefix": "203.0.113.0/24"}],
    )
    set_: ChangeSpec = Field(
        default_factory=ChangeSpec,
        alias="set",
        description="What changes. Default: nothing.",
        examples=[{"local_pref": 200}, {"prepend": 2}],
    )
    then: Literal["accept", "reject"] | None = Field(
        default=None,
        description="The verdict, which ends the reading. Default: go on to the next rule; past the last one "
        "the route is accepted. A rule `{then: reject}` at the end turns that round.",
        examples=["accept"],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.then is None and not self.set_.model_fields_set:
            fail("a rule without `set` and `then` does nothing: give one of them")
        if self.then == "reject" and self.set_.model_fields_set:
            refuse("set", full("nothing is left to change of a route that is rejected"))
        return self


Policies = dict[PolicyName, Annotated[tuple[RuleSpec, ...], Field(min_length=1)]]
"""Rule lists by name."""
