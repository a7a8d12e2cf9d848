"""Two routing tables held side by side, and their differences in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emulator.verify.daemons.base import RibEntry, RouterSetup
    from emulator.verify.expected import Ribs

FIELDS: Final = ("as_path", "next_hop", "local_pref", "med", "communities", "large_communities", "origin")
_LOCAL_FIELDS: Final = ("as_path", "next_hop")
"""Of a route originated here the rest is the daemon's own affair."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one route, as text for both sides; ``field`` is ``route`` where one side has none."""

    router: str
    prefix: str
    field: str
    emulator: str
    daemon: str

    def __str__(self) -> str:
        """``r1 203.0.113.0/24 as_path: emulator 65001 65000, daemon 65002 65000``."""
        return f"{self.router} {self.prefix} {self.field}: emulator {self.emulator}, daemon {self.daemon}"


def compare(setups: Sequence[RouterSetup], expected: Ribs, found: Ribs) -> list[Difference]:
    """List every difference, by router, prefix and field; empty where all agree."""
    return [
        difference
        for setup, ours, theirs in zip(setups, expected, found, strict=True)
        for difference in _of_router(setup.name, ours, theirs)
    ]


def entries(expected: Ribs) -> int:
    """How many routes are compared."""
    return sum(len(rib) for rib in expected)


def _of_router(router: str, ours: dict[str, RibEntry], theirs: dict[str, RibEntry]) -> Iterator[Difference]:
    if ours == theirs:
        return
    for prefix in sorted({*ours, *theirs}):
        our, their = ours.get(prefix), theirs.get(prefix)
        if our is None or their is None:
            yield Difference(router, prefix, "route", _route_text(our), _route_text(their))
            continue
        fields = _LOCAL_FIELDS if our.next_hop is None and their.next_hop is None else FIELDS
        for field in fields:
            left, right = getattr(our, field), getattr(their, field)
            if field == "med":
                # RFC 4271 9.1.2.2 c: no MED counts as 0, which FRR announces its own routes with, and
                # which is what OpenBGPD shows where there is none.
                left, right = left or None, right or None
            if left != right:
                yield Difference(router, prefix, field, field_text(field, left), field_text(field, right))


def _route_text(entry: RibEntry | None) -> str:
    if entry is None:
        return "none"
    return f"path {field_text('as_path', entry.as_path)} via {field_text('next_hop', entry.next_hop)}"


def field_text(field: str, value: object) -> str:
    """Write a field's value as operators do."""
    if value is None:
        return "itself" if field == "next_hop" else "absent"
    text = str(getattr(value, "name", value))
    if isinstance(value, tuple):
        match field:
            case "as_path":
                text = " ".join(map(str, value)) or "empty"
            case "communities":
                text = " ".join(f"{c >> 16}:{c & 0xFFFF}" for c in value) or "none"
            case _:
                text = " ".join(":".join(map(str, c)) for c in value) or "none"
    return text
