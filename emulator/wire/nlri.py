"""Prefixes in octets: the NLRI field of RFC 4271 section 4.3 and RFC 4760 section 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.wire.errors import EncodingError
from emulator.wire.messages import WirePrefix

if TYPE_CHECKING:
    from collections.abc import Iterable

_IPV4: Final = Family.IPV4
_SHORT: Final = "the last prefix runs over the end"
_LONG: Final = "a prefix is longer than its address"


class NlriError(ValueError):
    """Octets that are no list of prefixes; which NOTIFICATION that means depends on where they stood."""


def prefix_octets(prefix: WirePrefix) -> int:
    """The size of ``prefix`` in a message."""
    return 1 + ((prefix.length + 7) >> 3)


def encode_prefixes(prefixes: Iterable[WirePrefix]) -> bytes:
    """A list of prefixes, each as its length and as many octets of the network as that needs.

    Raises EncodingError where the numbers of a prefix fit no address.
    """
    parts = []
    for family, network, length in prefixes:
        bits = 32 if family is _IPV4 else 128
        if not 0 <= length <= bits or not 0 <= network < 1 << bits:
            message = f"no prefix: {network:#x}/{length}"
            raise EncodingError(message)
        parts.append(bytes((length,)) + network.to_bytes(bits >> 3, "big")[: (length + 7) >> 3])
    return b"".join(parts)


def decode_prefixes(data_untrusted: bytes, family: Family) -> tuple[WirePrefix, ...]:
    """The prefixes that ``data_untrusted`` consists of; bits beyond a prefix's length are taken as zero.

    Raises NlriError where it does not consist of prefixes (RFC 7606 section 5.3).
    """
    if not data_untrusted:
        return ()
    bits = 32 if family is _IPV4 else 128
    size = len(data_untrusted)
    prefixes = []
    at = 0
    while at < size:
        length = data_untrusted[at]
        end = at + 1 + ((length + 7) >> 3)
        if length > bits:
            raise NlriError(_LONG)
        if end > size:
            raise NlriError(_SHORT)
        network = int.from_bytes(data_untrusted[at + 1 : end], "big") >> (-length & 7) << (bits - length)
        prefixes.append(WirePrefix(family, network, length))
        at = end
    return tuple(prefixes)
