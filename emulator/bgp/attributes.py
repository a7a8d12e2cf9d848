"""Path attributes and the UPDATE message (RFC 4271 section 4.3, 5).

One `Update` carries one prefix: the emulator counts NLRI, not packets.
Prefixes are small integers handed out by the scenario; the speaker never looks
inside one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Origin(IntEnum):
    """ORIGIN (RFC 4271 5.1.1); the lower is preferred."""

    IGP = 0
    EGP = 1
    INCOMPLETE = 2


LargeCommunity = tuple[int, int, int]
"""RFC 8092: global administrator (an AS number) and two local data parts."""

DEFAULT_LOCAL_PREF = 100
OWN_LOCAL_PREF = 400
"""Of routes originated here: the whole AS prefers them to a customer's, as operators set it."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a route says of itself.

    ``next_hop`` is the index of the router whose address it is: the eBGP
    neighbour's, or with next-hop-self that of the border router. ``local_pref``
    is meaningful inside an AS only (RFC 4271 5.1.5).
    """

    as_path: tuple[int, ...]
    next_hop: int
    local_pref: int = DEFAULT_LOCAL_PREF
    med: int = 0
    origin: Origin = Origin.IGP
    large_communities: tuple[LargeCommunity, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """An announcement, or with ``attributes`` None a withdrawal, of one prefix."""

    prefix: int
    attributes: Attributes | None

    @property
    def is_withdrawal(self) -> bool:
        """Whether the prefix is withdrawn."""
        return self.attributes is None
