"""Route origin validation (RFC 6811): validated ROA payloads against a prefix and its origin AS."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.bgp.rules import Validity


@dataclass(frozen=True, slots=True)
class Roas:
    """The VRPs that cover each of the scenario's prefixes, resolved to prefix numbers.

    ``covered`` are the prefixes with a covering VRP; ``authorized`` holds for
    each the origin ASes whose VRP matches its length too.
    """

    covered: frozenset[int]
    authorized: dict[int, frozenset[int]]

    def validity(self, prefix: int, origin_as: int | None) -> Validity:
        """RFC 6811 section 2; ``origin_as`` is None for a path without an origin (AS_SET, or empty)."""
        if prefix not in self.covered:
            return Validity.NOT_FOUND
        if origin_as is not None and origin_as in self.authorized.get(prefix, frozenset()):
            return Validity.VALID
        return Validity.INVALID
