"""Names on the command line to numbers: a router, a prefix or an address, an instant."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError, UnitError, suggest
from emulator.units import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv6Address

_AS: Final = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE)
_SHOWN: Final = 12


def instant_named(text: str | None, duration: int) -> int:
    """``--at`` in nanoseconds; None is the end. Raises `InputError`."""
    if text is None:
        return duration
    try:
        instant = parse_duration(text)
    except UnitError as error:
        message = f"--at {text!r}: {error}"
        raise InputError(message) from error
    if instant > duration:
        message = f"--at {text!r}: the run ends at {format_duration(duration)}"  # type: ignore[arg-type]
        raise InputError(message)
    return instant


def router_in(routers: Sequence[Sequence[Any]], text: str) -> int:
    """The number of the router called ``text``, or alone in the AS ``text``; ``routers`` are (name, AS).

    Raises `InputError` with the nearest name, or with all routers of the AS.
    """
    names = [name for name, _ in routers]
    if text in names:
        return names.index(text)
    system = _AS.fullmatch(text)
    members = [] if system is None else [n for n, (_, asn) in enumerate(routers) if asn == int(system[1])]
    if len(members) == 1:
        return members[0]
    if members:
        listed = ", ".join(names[n] for n in members)
        message = f"--router {text!r}: the AS has {len(members)} routers: {listed}"
        raise InputError(message)
    matching = [n for n, name in enumerate(names) if name.casefold() == text.casefold()]
    if len(matching) == 1:
        return matching[0]
    hint = suggest(text, names)
    known = f"; there are {_listed(names)}" if not hint and len(names) <= _SHOWN else ""
    message = f"--router {text!r}: no such router{hint}{known}"
    raise InputError(message)


def prefixes_named(text: str) -> IPv4Address | IPv6Address | None:
    """The address in ``text``, None where it is no address (but a prefix, or neither)."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def prefixes_in(prefixes: Sequence[str], text: str) -> list[int]:
    """The number of the prefix ``text``, or of all that cover the address ``text``, most specific first.

    Raises `InputError` where there is none.
    """
    networks = [ip_network(each) for each in prefixes]
    address = prefixes_named(text)
    if address is not None:
        covering = [n for n, network in enumerate(networks) if address in network]
        if covering:
            return sorted(covering, key=lambda n: -networks[n].prefixlen)
        message = f"--prefix {text!r}: no announced prefix covers it; there are {_listed(prefixes)}"
        raise InputError(message)
    try:
        wanted = ip_network(text)
    except ValueError as error:
        message = f"--prefix {text!r}: expected a prefix such as 203.0.113.0/24 or an address ({error})"
        raise InputError(message) from error
    if wanted in networks:
        return [networks.index(wanted)]
    message = (
        f"--prefix {text!r}: never announced in this scenario{suggest(text, prefixes)}; "
        f"there are {_listed(prefixes)}"
    )
    raise InputError(message)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
