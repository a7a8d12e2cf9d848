"""Settle speakers by exchanging messages without a clock.

The same speakers as in the timed run, driven first in, first out: each
activation is later than any MRAI timer, so nothing ever waits. With
Gao-Rexford policies the fixed point is unique and this reaches the one that the
timed run would; where there is none it gives up and says so.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, Final

from emulator.errors import EmulatorError
from emulator.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Update
    from emulator.bgp.speaker import Speaker
    from emulator.bgp.wiring import Wiring

_STEP: Final = 24 * HOUR
_START: Final = -(2**80)
"""Logical time of the first activation: all of settling lies before t = 0."""
_ACTIVATIONS_PER_ROUTE: Final = 200


class DoesNotSettleError(EmulatorError):
    """The network has no fixed point, or does not find it. ``args``: the number of activations spent."""

    def __str__(self) -> str:
        """Say what to do about it."""
        return (
            f"the routes still change after {self.args[0]} rounds: this network has no stable state; "
            "announce its prefixes in the timeline instead, or mend the policies"
        )


class _Exchange:
    """The message queues between all speakers."""

    def __init__(self, speakers: Sequence[Speaker], wiring: Wiring) -> None:
        self.speakers = speakers
        self.now = _START
        self.active: deque[int] = deque()
        self.timers: list[tuple[int, int, int]] = []
        self._inbox: list[list[tuple[int, Update]]] = [[] for _ in speakers]
        self._far: list[list[tuple[int, int]]] = [[(-1, -1)] * len(peers) for peers in wiring.peers]
        self._is_active = [False] * len(speakers)
        for wire in wiring.wires:
            (first, second), (first_peer, second_peer) = wire.routers, wire.peers
            self._far[first][first_peer] = (second, second_peer)
            self._far[second][second_peer] = (first, first_peer)

    def activate(self, router: int) -> None:
        if not self._is_active[router]:
            self._is_active[router] = True
            self.active.append(router)

    def send(self, router: int, peer: int, update: Update) -> None:
        far, far_peer = self._far[router][peer]
        self._inbox[far].append((far_peer, update))
        self.activate(far)

    def step(self) -> None:
        """Let the router that has waited longest take its messages and decide."""
        self.now += _STEP
        if not self.active:
            instant, router, peer = heapq.heappop(self.timers)
            self.now = max(self.now, instant)
            self.speakers[router].timer(peer, instant)
        else:
            router = self.active.popleft()
            self._is_active[router] = False
        speaker = self.speakers[router]
        messages, self._inbox[router] = self._inbox[router], []
        for peer, update in messages:
            speaker.receive(peer, update, self.now)
        speaker.decide(self.now)


class _Untimed:
    """A speaker's host within an exchange."""

    def __init__(self, exchange: _Exchange, router: int) -> None:
        self._exchange = exchange
        self._router = router

    def send(self, peer: int, update: Update) -> None:
        self._exchange.send(self._router, peer, update)

    def wake_at(self, instant: int, peer: int) -> None:
        heapq.heappush(self._exchange.timers, (instant, self._router, peer))

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """Nobody watches the way to the fixed point."""


def settle(
    speakers: Sequence[Speaker],
    wiring: Wiring,
    originations: Sequence[tuple[int, int, frozenset[int] | None]],
) -> None:
    """Bring every session up, announce ``originations`` (router, prefix, only_to), run to the fixed point.

    Leaves the speakers without a host and with idle timers. Raises
    `DoesNotSettleError` where the routes keep changing.
    """
    exchange = _Exchange(speakers, wiring)
    for router, speaker in enumerate(speakers):
        speaker.host = _Untimed(exchange, router)
        for peer in range(len(speaker.peers)):
            speaker.session_up(peer)
    for router, prefix, only_to in originations:
        speakers[router].originate(prefix, _START, only_to)
        exchange.activate(router)
    budget = _ACTIVATIONS_PER_ROUTE * len(speakers) * max(1, len({p for _, p, _ in originations}))
    spent = 0
    while exchange.active or exchange.timers:
        if spent > budget:
            raise DoesNotSettleError(spent)
        spent += 1
        exchange.step()
    for speaker in speakers:
        speaker.reset_timers()
