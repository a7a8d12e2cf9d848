"""What the codec has to know of a session, and what a sender may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import BOTH_FAMILIES

if TYPE_CHECKING:
    from emulator.bgp.messages import Family


@dataclass(frozen=True, slots=True)
class Session:
    """What both ends agreed on in their OPENs; ADD-PATH never is."""

    four_octet_as: bool = True
    """Both sent the four-octet AS number capability (RFC 6793)."""
    families: tuple[Family, ...] = BOTH_FAMILIES
    """Spoken by both; MP_REACH_NLRI and MP_UNREACH_NLRI of others are passed over."""
    is_ebgp: bool = True
    """LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST of an external peer are discarded (RFC 7606 section 7)."""


CAPABILITY_ORDER: Final = (1, 2, 9, 64, 65)


@dataclass(frozen=True, slots=True)
class Style:
    """A sender's choices that mean the same to the receiver; the default is BIRD's packing.

    Orders are lists of codes; what they do not name comes after, in ascending order.
    """

    one_parameter: bool = True
    """All capabilities in one optional parameter (BIRD); otherwise one each (FRR). Receivers take both."""
    capability_order: tuple[int, ...] = CAPABILITY_ORDER
    attribute_order: tuple[int, ...] = (14, 15)
    """MP_REACH_NLRI and MP_UNREACH_NLRI first (RFC 7606 section 5.1), then ascending (RFC 4271 section 5)."""
    extended_length: tuple[int, ...] = ()
    """Attributes whose length takes two octets even where one would do (FRR: AS_PATH)."""


DEFAULT_SESSION: Final = Session()
DEFAULT_STYLE: Final = Style()
