"""All sessions of a run, each an object only once something befalls it.

A session that was Established before t = 0, and on which nothing has passed
since, is no more than what its ends agreed on. Networks have them by the ten
thousand, and an event moves few: the first message, failure or command makes
the session's objects, in the state that they have rested in since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from emulator.bgp.negotiation import AS_TRANS, Negotiated, make_open, negotiate
from emulator.sim.session import can_starve

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.bgp.liveness import SessionConfig
    from emulator.bgp.messages import Family
    from emulator.bgp.wiring import Wire, Wiring
    from emulator.network.model import Network
    from emulator.scenario.plan import Protocol
    from emulator.sim.half import Half
    from emulator.sim.session import Session


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two ends come to, as each sees it."""

    ends: tuple[Negotiated, Negotiated]
    can_starve: bool
    """A hold timer can expire although all is well."""


class Agreements:
    """What handshakes come to, worked out once for all sessions whose ends are set alike."""

    def __init__(self, network: Network, protocol: Protocol, wiring: Wiring) -> None:
        """For the sessions of ``wiring``."""
        self._routers = network.routers
        self._protocol = protocol
        self._peers = wiring.peers
        self._known: dict[tuple[object, ...], Agreement | None] = {}
        self._kinds: dict[object, int] = {}
        self._kind_of: dict[int, int] = {}

    def of(self, wire: Wire) -> Agreement | None:
        """What the ends of ``wire`` agree on; None where they have to be asked: they may refuse."""
        (first, second), (first_peer, second_peer) = wire.routers, wire.peers
        ours, theirs = self._peers[first][first_peer], self._peers[second][second_peer]
        own, far = self._routers[first], self._routers[second]
        is_expected = ours.asn == far.asn and theirs.asn == own.asn and AS_TRANS not in (own.asn, far.asn)
        if not (is_expected and own.asn and far.asn and own.router_id and far.router_id):
            return None
        is_internal = own.asn == far.asn
        if is_internal and own.router_id == far.router_id:
            return None
        # Nothing else of an end goes into what `negotiate` says.
        configs = self._protocol.session(first, first_peer), self._protocol.session(second, second_peer)
        key = (
            self._kind(configs[0]),
            self._kind(configs[1]),
            is_internal,
            self._kind(ours.families),
            self._kind(theirs.families),
            ours.role,
            theirs.role,
            ours.strict_role,
            theirs.strict_role,
        )
        if key not in self._known:
            opens = (
                make_open(own.asn, own.router_id, configs[0], ours),
                make_open(far.asn, far.router_id, configs[1], theirs),
            )
            agreed = (
                negotiate(opens[0], opens[1], configs[0], ours),
                negotiate(opens[1], opens[0], configs[1], theirs),
            )
            self._known[key] = _agreement(agreed, configs)
        return self._known[key]

    def _kind(self, value: object) -> int:
        """The same number for equal values, which the plan keeps alive so that their ids stay theirs."""
        kind = self._kind_of.get(id(value))
        if kind is None:
            kind = self._kind_of[id(value)] = self._kinds.setdefault(value, len(self._kinds))
        return kind


def _agreement(
    agreed: tuple[object, object], configs: tuple[SessionConfig, SessionConfig]
) -> Agreement | None:
    first, second = agreed
    if not (isinstance(first, Negotiated) and isinstance(second, Negotiated)):
        return None
    starving = can_starve(first, configs[0], second, configs[1]) or can_starve(
        second, configs[1], first, configs[0]
    )
    return Agreement((first, second), starving)


class Lines(dict[int, "Half"]):
    """A router's ends of sessions by peer number, made when they are first asked for."""

    def __init__(self, make: Callable[[int], Half]) -> None:
        """``make`` the end with that peer number."""
        super().__init__()
        self._make = make

    def __missing__(self, peer: int) -> Half:
        """Make it, once."""
        half = self[peer] = self._make(peer)
        return half


class Sessions(Sequence["Session"]):
    """The sessions of a wiring by their number."""

    def __init__(
        self, wiring: Wiring, make: Callable[[Wire], Session], agreements: Callable[[Wire], Agreement | None]
    ) -> None:
        """``make`` one that nothing has happened to; ``agreements`` as in `Agreements.of`."""
        self._wires = wiring.wires
        self._make = make
        self._agreement = agreements
        self._agreements: list[Agreement | None] = []
        """What was settled by number, where no messages were needed."""
        self._made: dict[int, Session] = {}
        self._is_settled = self._is_resting = False
        self._number_at = [[-1] * len(peers) for peers in wiring.peers]
        self._number_over: dict[int, int] = {}
        for number, wire in enumerate(wiring.wires):
            (first, second), (first_peer, second_peer) = wire.routers, wire.peers
            self._number_at[first][first_peer] = self._number_at[second][second_peer] = number
            if wire.link is not None:
                self._number_over[wire.link] = number

    def __len__(self) -> int:
        """How many there are, made or not."""
        return len(self._wires)

    @overload
    def __getitem__(self, number: int) -> Session: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Session]: ...
    def __getitem__(self, number: int | slice) -> Session | Sequence[Session]:
        """The session of a wire, as it stands."""
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        session = self._made.get(number)
        if session is None:
            session = self._made[number] = self._make(self._wires[number])
            if self._is_settled:
                agreement = self._agreements[number]
                session.settle(None if agreement is None else agreement.ends)
            if self._is_resting:
                session.rest()
        return session

    def made(self, number: int) -> Session | None:
        """The session of a wire; None for one that rests as it was settled."""
        return self._made.get(number)

    def over(self, link: int) -> Session:
        """The eBGP session over ``link``."""
        return self[self._number_over[link]]

    def link_at(self, router: int, peer: int) -> int | None:
        """The link that a router's session with its peer runs over, None for iBGP."""
        return self._wires[self._number_at[router][peer]].link

    def lines(self, router: int) -> Lines:
        """The ends at ``router``."""

        def make(peer: int) -> Half:
            number = self._number_at[router][peer]
            return self[number].halves[0 if self._wires[number].routers[0] == router else 1]

        return Lines(make)

    def settle(self) -> dict[tuple[int, int], tuple[Family, ...]]:
        """Have all be Established that would be; what each end, by router and peer number, then carries."""
        for number in sorted(self._made):
            self._made[number].settle()
        self._agreements = [self._agreement(wire) for wire in self._wires]
        self._is_settled = True
        families = {}
        for number, wire in enumerate(self._wires):
            (first, second), (first_peer, second_peer) = wire.routers, wire.peers
            agreement = self._agreements[number]
            if agreement is None:
                for half in self[number].halves:
                    if half.negotiated is not None:
                        families[half.router.index, half.peer] = half.negotiated.families
                continue
            ours, theirs = agreement.ends
            families[first, first_peer], families[second, second_peer] = ours.families, theirs.families
            if agreement.can_starve:
                self[number]  # its hold timers have to be watched
        return families

    def open(self) -> None:
        """Have every session opened, message by message."""
        for session in self:
            session.open()

    def rest(self) -> None:
        """Hand the settled sessions to the timeline."""
        for number in sorted(self._made):
            self._made[number].rest()
        self._is_resting = True
