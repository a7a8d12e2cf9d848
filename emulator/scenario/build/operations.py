"""Whether events about BGP sessions have sessions to be about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.timeline import Action, Drain, RefreshSession, ResetSession, ShutSessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.bgp.wiring import Wiring
    from emulator.network.model import Network
    from emulator.scenario.build.problems import Problems
    from emulator.timeline import Event

    Found = tuple[tuple[str, ...], str]

_SHOWN: Final = 10
"""Peers named in a message."""


def check_operations(
    network: Network, wiring: Wiring, timeline: tuple[Event, ...], count: int, problems: Problems
) -> None:
    """Note each event that would do nothing: no such session, or one that a drain leaves alone.

    The first ``count`` events are the document's, the others follow from them.
    """
    for event in timeline[:count]:
        if problems.concern("timeline", event.index):
            continue
        for action in event.actions:
            for below, message in _nothing_to_do(network, wiring, action):
                problems.add(("timeline", event.index, event.kind, *below), message)


def _nothing_to_do(network: Network, wiring: Wiring, action: Action) -> Iterator[Found]:
    """Where below the verb, and why, ``action`` has nothing to act upon."""
    match action:
        case ResetSession(pair) | RefreshSession(pair) | ShutSessions((pair,)):
            yield from _without_session(network, wiring, (), *pair)
        case Drain(router, None):
            own = network.routers[router]
            if all(peer.asn == own.asn for peer in wiring.peers[router]):
                yield ("router",), f"{own.name!r} has no session with another AS, which is what is drained"
        case Drain(router, int(peer)):
            found = list(_without_session(network, wiring, ("session",), router, peer))
            yield from found
            if not found and network.routers[router].asn == network.routers[peer].asn:
                yield ("session",), "expected routers of two ASes: only eBGP sessions are drained"
        case _:
            return


def _without_session(
    network: Network, wiring: Wiring, below: tuple[str, ...], router: int, peer: int
) -> Iterator[Found]:
    """Say so where ``router`` has no session with ``peer``, and with whom it has."""
    peers = [network.routers[each.router].name for each in wiring.peers[router]]
    first, second = network.routers[router].name, network.routers[peer].name
    if second in peers:
        return
    shown = [*dict.fromkeys(peers)]
    known = ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} others" if shown[_SHOWN:] else "")
    yield below, f"{first!r} has no session with {second!r}; it has with: {known or 'nobody'}"
