"""A router as it was at any instant, from its journal: the same speaker, given the same again."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.decision import Candidate
from emulator.bgp.messages import Family, Notification, Update
from emulator.bgp.speaker import Speaker
from emulator.errors import InputError
from emulator.record.routes import VALUES, member_of, read_index, read_routes
from emulator.rng import ReplayedStream, stream
from emulator.sim.journal import COSTS, INPUTS
from emulator.sim.values import decode
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from emulator.bgp.attributes import Attributes
    from emulator.record.run import Json
    from emulator.units import Duration

_DAY: Final = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing the router was given, at the instant ``at``: the input's name and its arguments."""

    at: int
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class RouterHistory:
    """One router's journal, read."""

    def __init__(self, index: Json, values: list[Any], router: int, member: Json) -> None:
        """``index``, ``values`` and ``member`` are as `Journal.members` made them."""
        self.index = index
        self.router = router
        self.name, self.asn = index["routers"][router]
        self.sessions: list[list[Any]] = member["sessions"]
        """Seconds, the other router, up or down, the reason."""
        self._values = values
        self._member = member
        self._decoded: dict[int, Any] = {}

    def value(self, number: int) -> Any:  # noqa: ANN401
        """The value of that number."""
        if number not in self._decoded:
            self._decoded[number] = decode(self._values[number])
        return self._decoded[number]

    def settled(self) -> Replay:
        """The router as it stood at t = 0, before anything happened.

        First the routes that were best, then the others: where the current best
        stays, it is the current best that has to be there first.
        """
        settled = self._member["settled"]
        replay = Replay(self, dict(settled[COSTS]))
        speaker, best = replay.speaker, dict(settled["best"])
        for peer, families in settled["up"]:
            speaker.session_up(peer, None if families is None else decode(families))
        for prefix, number in settled["own"]:
            route = Candidate(self.value(number), -1, False, speaker.router_id, LONG_AGO)
            speaker.candidates.setdefault(prefix, {})[-1] = route
            speaker.is_dirty(prefix)
        routes = sorted(settled["routes"])
        for is_best in (True, False):
            for rank, peer, prefix, number in routes:
                if (best.get(prefix) == peer) == is_best:
                    speaker.receive(peer, Update(prefix, self.value(number)), LONG_AGO + rank)
            replay.settle()
        speaker.reset_timers()
        speaker.rng = ReplayedStream(self._member["draws"])
        return replay

    def new_speaker(self, costs: Mapping[int, int]) -> Speaker:
        """The router's speaker with empty tables; ``costs`` may change under it."""
        member, prefixes = self._member, self.index["prefixes"]
        families = [Family.IPV6 if ":" in text else Family.IPV4 for text in prefixes]
        return Speaker(
            self.router,
            self.asn,
            member["router_id"],
            [decode(peer) for peer in member["peers"]],
            self.value(member["config"]),
            igp_cost=costs.get,
            rng=stream(self.index["seed"], f"mrai/{self.name}"),
            family_of=families.__getitem__ if self.index["has_ipv6"] else None,
        )

    def entries(self) -> Iterator[Entry]:
        """What the router was given, in order."""
        for at, name, args, *kwargs in self._member["entries"]:
            if name == COSTS:
                yield Entry(at, name, (args,), {})
                continue
            if name not in INPUTS:
                message = f"route history: unknown input {name!r}; run the scenario again"
                raise InputError(message)
            its = {key: decode(value) for key, value in kwargs[0].items()}
            yield Entry(at, name, tuple(self._argument(arg) for arg in args), its)

    def _argument(self, written: Any) -> Any:  # noqa: ANN401
        if isinstance(written, dict) and "update" in written:
            number = written["carries"]
            attributes: Attributes | None = None if number is None else self.value(number)
            return Update(written["update"], attributes)
        return decode(written)

    def at(self, instant: int) -> Speaker:
        """The router after everything up to and including ``instant``; at 0 the settled state."""
        replay = self.settled()
        if instant > 0:
            for entry in self.entries():
                if entry.at > instant:
                    break
                replay.give(entry)
        return replay.speaker


class Replay:
    """A speaker and the host that it is alone with."""

    def __init__(self, history: RouterHistory, costs: Mapping[int, int]) -> None:
        """Every session is down, every table empty."""
        self._costs = dict(costs)
        self._wakes: list[tuple[int, int]] = []
        self.speaker = history.new_speaker(self._costs)
        self.speaker.host = self

    def give(self, entry: Entry) -> None:
        """Let the router have its next input."""
        if entry.name == COSTS:
            self._costs.clear()
            self._costs.update(dict(entry.args[0]))
        else:
            try:
                getattr(self.speaker, entry.name)(*entry.args, **entry.kwargs)
            except StopIteration:
                message = "route history: more numbers are drawn than the run drew; run the scenario again"
                raise InputError(message) from None

    def settle(self) -> None:
        """Decide, and let whatever waits for a timer have it, until nothing waits."""
        now = LONG_AGO + _DAY
        self.speaker.decide(now)
        while self._wakes:
            instant, peer = heapq.heappop(self._wakes)
            now = max(now, instant)
            self.speaker.timer(peer, instant)
            self.speaker.decide(now)

    # The speaker's host: timers are in the journal, and nobody listens --------------

    def send(self, peer: int, update: Update) -> None:
        """Nobody receives it."""

    def end_of_rib(self, peer: int, family: Family) -> None:
        """Nobody waits for it."""

    def close(self, peer: int, notification: Notification, restart_after: Duration | None) -> None:
        """The session's end follows in the journal."""

    def wake_at(self, instant: int, peer: int) -> None:
        """Note it for `settle`; later timers are in the journal."""
        heapq.heappush(self._wakes, (instant, peer))

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """Whoever asks looks into the Loc-RIB."""


def read_router(path: Path, router: int, index: Json | None = None) -> RouterHistory:
    """The journal of the router numbered ``router`` from the ``routes.zip`` at ``path``.

    Raises `InputError` where it is missing or damaged.
    """
    values, member = read_routes(path, VALUES, member_of(router))
    return RouterHistory(read_index(path) if index is None else index, values, router, member)


def history_of(members: Mapping[str, Any], router: int) -> RouterHistory:
    """The same from `Journal.members`."""
    from emulator.record.routes import INDEX

    return RouterHistory(members[INDEX], members[VALUES], router, members[member_of(router)])
