"""Import and export policy as data: rules that match a route, change it and judge it.

A rule list is read from the top; the first rule that matches and accepts or
rejects ends it, one that does neither only changes the route and goes on. The
same lists are executed by the speaker and written out in each daemon's own
language by `emulator.verify`, so a rule holds only what all of them can say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.bgp.attributes import Community, LargeCommunity


class Validity(Enum):
    """Route origin validation (RFC 6811 section 2)."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_FOUND = "not-found"


class Verdict(Enum):
    """What a rule that matches says."""

    ACCEPT = "accept"
    REJECT = "reject"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class Match:
    """All that is given must hold; nothing given matches every route.

    ``prefixes`` are prefix numbers (None: any); the scenario has resolved
    lengths and ranges. Of a community list any one is enough.
    ``neighbor_as`` is the first AS of the path, ``origin_as`` the last.
    """

    prefixes: frozenset[int] | None = None
    communities: tuple[Community, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    neighbor_as: int | None = None
    origin_as: int | None = None
    through_as: int | None = None
    """Anywhere in the path."""
    longer_than: int | None = None
    """AS_PATH has more than so many ASes."""
    validity: Validity | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is set; removals come before additions.

    ``prepend`` is how many times our own AS is added to the path beyond the once that eBGP adds.
    """

    local_pref: int | None = None
    med: int | None = None
    remove_communities: tuple[Community, ...] = ()
    add_communities: tuple[Community, ...] = ()
    remove_large_communities: tuple[LargeCommunity, ...] = ()
    add_large_communities: tuple[LargeCommunity, ...] = ()
    prepend: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """If ``match``, then ``change`` and ``verdict``."""

    match: Match = Match()
    change: Change = Change()
    verdict: Verdict = Verdict.NEXT


@dataclass(frozen=True, slots=True)
class RuleList:
    """Rules in order; ``default`` is for a route that none has judged."""

    rules: tuple[Rule, ...] = ()
    default: Verdict = Verdict.ACCEPT
