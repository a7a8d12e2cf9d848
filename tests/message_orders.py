"""Every order in which messages can arrive, tried out.

Speakers joined by lines and no clock. A state is what the Adj-RIBs and lines
hold; from each one every line that holds something may be served next. A router
reads all that waits on a line before it decides, so of several messages on it
the last one counts. What is found holds for any delays whatever.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from emulator.bgp.speaker import Speaker
from emulator.bgp.wiring import wire
from emulator.rng import stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.bgp.config import SpeakerConfig
    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Family, Notification, Update
    from emulator.network.model import Network

LIMIT = 20_000
"""States after which an exploration gives up."""


class Orders:
    """The speakers of a network and the messages between them."""

    def __init__(self, network: Network, configs: tuple[SpeakerConfig, ...]) -> None:
        """Bring everything up and let router 0 announce."""
        wiring = wire(network)
        self.lines: dict[tuple[int, int], Update | None] = {}
        self.far: dict[tuple[int, int], tuple[int, int]] = {}
        for each in wiring.wires:
            ends = list(zip(each.routers, each.peers, strict=True))
            self.far[ends[0]], self.far[ends[1]] = ends[1], ends[0]
            self.lines |= dict.fromkeys(ends)
        self.speakers = [
            Speaker(
                r.index,
                r.asn,
                r.router_id,
                wiring.peers[r.index],
                configs[r.index],
                igp_cost=lambda _: None,
                rng=stream(1, r.name),
            )
            for r in network.routers
        ]
        for router, speaker in enumerate(self.speakers):
            speaker.host = Line(self, router)
            for peer in range(len(speaker.peers)):
                speaker.session_up(peer)
        self.speakers[0].originate(0, 0)
        self.speakers[0].decide(0)

    def waiting(self) -> list[tuple[int, int]]:
        """Ends with something to read."""
        return [end for end, update in self.lines.items() if update is not None]

    def take(self, end: tuple[int, int]) -> Orders:
        """What comes of it when ``end`` reads its line."""
        after = copy.deepcopy(self, {id(value): value for value in self._values()})
        router, peer = end
        update, after.lines[end] = after.lines[end], None
        assert update is not None
        after.speakers[router].receive(peer, update, 0)
        after.speakers[router].decide(0)
        return after

    def _values(self) -> Iterator[object]:
        """What never changes, and need not be copied."""
        yield self.far
        yield from filter(None, self.lines.values())
        for speaker in self.speakers:
            yield speaker.config
            yield from speaker.loc_rib.values()
            for routes in speaker.candidates.values():
                yield from routes.values()
            for peer in speaker.peers:
                yield peer.config
                yield from peer.adj_rib_in.values()
                yield from peer.adj_rib_out.values()

    def key(self) -> object:
        """Equal for states that behave the same."""
        ribs = tuple(
            tuple(tuple(peer.adj_rib_in.items()) for peer in speaker.peers) for speaker in self.speakers
        )
        return ribs, tuple(self.lines.values())

    def paths(self) -> tuple[tuple[int, ...] | None, ...]:
        """Every router's best path."""
        bests = [speaker.loc_rib.get(0) for speaker in self.speakers]
        return tuple(b and tuple(asn - 65000 for asn in b.attributes.as_path) for b in bests)


class Line:
    """A speaker's host: puts what it sends on the line."""

    def __init__(self, orders: Orders, router: int) -> None:
        """For the speaker of ``router``."""
        self.orders = orders
        self.router = router

    def send(self, peer: int, update: Update) -> None:
        """It waits at the far end."""
        self.orders.lines[self.orders.far[self.router, peer]] = update

    def end_of_rib(self, peer: int, family: Family) -> None:
        """No session ever restarts here."""

    def close(self, peer: int, notification: Notification, restart_after: int | None) -> None:
        """No limit is exceeded here."""
        raise AssertionError((peer, notification, restart_after))

    def wake_at(self, instant: int, peer: int) -> None:
        """Nothing waits: there is no MRAI here."""
        raise AssertionError((instant, peer))

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """Seen in the Loc-RIB."""


def explore(
    network: Network, configs: tuple[SpeakerConfig, ...]
) -> tuple[set[tuple[tuple[int, ...] | None, ...]], bool]:
    """Best paths in every state of rest that some order leads to, and whether all orders were tried."""
    start = Orders(network, configs)
    seen, frontier, rests = {start.key()}, [start], set()
    while frontier and len(seen) < LIMIT:
        state = frontier.pop()
        ends = state.waiting()
        if not ends:
            rests.add(state.paths())
        for end in ends:
            after = state.take(end)
            key = after.key()
            if key not in seen:
                seen.add(key)
                frontier.append(after)
    return rests, not frontier


QUIET = {"mrai": 0, "sender_side_loop_detection": True}
"""Nothing waits, and no echoes: they only multiply the orders."""
