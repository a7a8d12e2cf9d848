"""A router as a SimPy process: sleep until work comes, pay for it, decide, advertise.

A router that takes time over a message takes one at a time, decides and
advertises before it looks at the next, as RFC 4271 9.1 has it (an UPDATE starts
the decision process). Work done on stale messages is then what makes a short
MRAI expensive (Griffin and Premore, ICNP 2001). A router that takes no time
decides once for everything that came at one instant: what arrives together has
no order. One with a batch delay waits so long after the first change, takes in
what comes meanwhile, and decides once for all of it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Generator

    from simpy.events import Event

    from emulator.bgp.decision import Candidate
    from emulator.bgp.messages import Family, Notification, Update
    from emulator.bgp.speaker import Speaker
    from emulator.sim.engine import Engine
    from emulator.sim.half import Half
    from emulator.units import Duration


class Observer(Protocol):
    """Who is told what a router does."""

    def update_sent(self, sender: int, receiver: int, update: Update) -> None:
        """A message left ``sender``."""

    def route_changed(self, router: int, prefix: int, best: Candidate | None) -> None:
        """A Loc-RIB changed."""


class RouterProcess:
    """One router: an input queue, a speaker, and the process that joins them."""

    def __init__(self, engine: Engine, speaker: Speaker, *, observer: Observer, rng: random.Random) -> None:
        """Host ``speaker`` and start the process, asleep."""
        self.index = speaker.router
        self.engine = engine
        self.observer = observer
        self.lines: dict[int, Half] = {}
        """This router's end of each session, by peer number; an emulation sets one that makes them."""
        self.is_up = True
        self.speaker = speaker
        speaker.host = self
        self._rng = rng
        self._processing = speaker.config.processing_delay
        self._batch_delay = speaker.config.batch_delay
        self._is_collecting = False
        self._queue: deque[tuple[Callable[..., None], tuple[Any, ...], bool]] = deque()
        self._wake: Event | None = None
        engine.env.process(self._run())

    def put(self, action: Callable[..., None], *args: Any, costs: bool = False) -> None:  # noqa: ANN401
        """Queue work for the speaker; ``costs`` when it takes processing time."""
        self._queue.append((action, args, costs))
        self.engine.pending += 1
        if self._wake is not None:
            self._wake.succeed()
            self._wake = None

    def ends(self) -> list[Half]:
        """This router's ends of all its sessions, in the order of their numbers."""
        return [self.lines[peer] for peer in range(len(self.speaker.peers))]

    def deliver(self, peer: int, update: Update) -> None:
        """An UPDATE arrived on session ``peer``."""
        self.put(self._receive, peer, update, costs=True)

    def _receive(self, peer: int, update: Update) -> None:
        self.speaker.receive(peer, update, self.engine.now)

    def _timer(self, peer: int) -> None:
        self.speaker.timer(peer, self.engine.now)

    def _run(self) -> Generator[Event, None, None]:
        """Sleep, take the next message or all of this instant, pay for it, decide."""
        env, delay, queue = self.engine.env, self._processing, self._queue
        while True:
            if not queue:
                self._wake = env.event()
                yield self._wake
            if delay.is_zero:
                batch = list(queue)
                queue.clear()
            else:
                batch = [queue.popleft()]
                if batch[0][2]:
                    yield env.timeout(delay.draw(self._rng))
            for action, args, _ in batch:
                action(*args)
            self._follow_up()
            self.engine.pending -= len(batch)

    def _follow_up(self) -> None:
        """Decide and advertise, or with a batch delay have the decision wait for what else comes."""
        if not self._batch_delay:
            self.speaker.decide(self.engine.now)
            return
        self.speaker.advertise(self.engine.now)
        if self.speaker.has_work and not self._is_collecting:
            self._is_collecting = True
            self.engine.after(self._batch_delay, self.put, self._decide_batch)

    def _decide_batch(self) -> None:
        self._is_collecting = False
        self.speaker.decide(self.engine.now)

    # The speaker's host -------------------------------------------------------

    def send(self, peer: int, update: Update) -> None:
        """Put a message on its line."""
        self.observer.update_sent(self.index, self.speaker.peers[peer].config.router, update)
        self.lines[peer].transmit(update)

    def end_of_rib(self, peer: int, family: Family) -> None:
        """Mark the end of the first advertisement, where the session's end speaks graceful restart."""
        self.lines[peer].send_end_of_rib(family)

    def close(self, peer: int, notification: Notification, restart_after: Duration | None) -> None:
        """Close a session over what its peer sent."""
        self.lines[peer].close(notification, restart_after)

    def wake_at(self, instant: int, peer: int) -> None:
        """Queue the speaker's timer for ``instant``."""
        self.engine.after(instant - self.engine.now, self.put, self._timer, peer)

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """Tell the observer."""
        self.observer.route_changed(self.index, prefix, best)
