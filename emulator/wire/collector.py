"""A router's view in MRT files: what its peers sent it, and the table of what they had sent.

The tables are Adj-RIBs-In before policy, as a route collector dumps them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.bgp.fsm import State as FsmState
from emulator.bgp.messages import Family, Update
from emulator.sim.transport import Segment
from emulator.wire.attributes import encode_attribute, encode_attributes
from emulator.wire.conversation import SessionAddresses, codec_session, conversations, session_address
from emulator.wire.convert import attributes_to_wire
from emulator.wire.mrt import (
    Ends,
    LoggedMessage,
    PeerTable,
    State,
    StateChange,
    TableEntry,
    TablePeer,
    TableRoute,
    encode_file,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.bgp.attributes import Attributes
    from emulator.scenario.plan import Plan
    from emulator.sim.notes import Routes, SessionNotes
    from emulator.wire.addresses import AddressPlan
    from emulator.wire.mrt import Record

_STATES: Final = {
    FsmState.IDLE: State.IDLE,
    FsmState.CONNECT: State.CONNECT,
    FsmState.ACTIVE: State.ACTIVE,
    FsmState.OPEN_SENT: State.OPEN_SENT,
    FsmState.OPEN_CONFIRM: State.OPEN_CONFIRM,
    FsmState.ESTABLISHED: State.ESTABLISHED,
}
_MP_REACH_NLRI: Final = 14
_OPTIONAL: Final = 0x80
VIEW: Final = "Adj-RIB-In"
"""Name of the view in a table dump."""


class Collector:
    """One router's view of a run."""

    def __init__(
        self, plan: Plan, addresses: AddressPlan, router: int, notes: Sequence[SessionNotes], *, epoch: int
    ) -> None:
        """``notes`` are of all sessions of ``router``; t = 0 is ``epoch`` nanoseconds after 1970."""
        self._plan = plan
        self._addresses = addresses
        self._router = router
        self._notes = sorted((each for each in notes if router in each.routers), key=lambda n: n.number)
        self._epoch = epoch

    def updates(self, *, sent: bool = False) -> bytes:
        """BGP4MP_ET of every message that was received, with ``sent`` also those sent, and every state."""
        records: list[Record] = []
        for notes in self._notes:
            own, ends = notes.routers.index(self._router), self._ends(notes)
            for step in notes.recording.steps:
                if step.side == own:
                    before, after = _STATES[step.before], _STATES[step.after]
                    records.append(StateChange(self._epoch + step.at, ends, before, after))
            for said in (each for talk in conversations(notes, self._plan, self._addresses) for each in talk):
                if isinstance(said.what, Segment):
                    continue
                if said.side != own and said.is_heard and said.arrived is not None:
                    records.append(LoggedMessage(self._epoch + said.arrived, ends, said.data))
                elif said.side == own and sent:
                    records.append(LoggedMessage(self._epoch + said.sent, ends, said.data, sent=True))
        end = self._epoch + self._plan.duration
        # At one instant messages come before the change of state that they bring about.
        records.sort(key=lambda each: (each.at, isinstance(each, StateChange)))
        return encode_file(each for each in records if each.at <= end)

    def _ends(self, notes: SessionNotes) -> Ends:
        own = notes.routers.index(self._router)
        peer = self._plan.network.routers[notes.routers[1 - own]]
        return Ends(
            peer.asn,
            self._plan.network.routers[self._router].asn,
            session_address(notes, self._addresses, 1 - own),
            session_address(notes, self._addresses, own),
        )

    def table(self, routes: Routes, *, at: int) -> bytes:
        """TABLE_DUMP_V2 of ``routes``, what the router had received by ``at`` (nanoseconds since t = 0)."""
        network, place = self._plan.network, {notes.number: n for n, notes in enumerate(self._notes)}
        peers = []
        for notes in self._notes:
            side = 1 - notes.routers.index(self._router)
            peer = network.routers[notes.routers[side]]
            address = session_address(notes, self._addresses, side)
            peers.append(TablePeer(peer.router_id, address, peer.asn))
        instant = self._epoch + at
        records: list[Record] = [
            PeerTable(instant, network.routers[self._router].router_id, VIEW, tuple(peers))
        ]
        learned = {notes.number: self._learned(notes, at) for notes in self._notes}
        for number in self._in_order(routes):
            entries = [
                TableRoute(
                    place[session],
                    self._epoch + learned[session].get(number, at),
                    self._attributes(self._notes[place[session]], number, held[number]),
                )
                for session, held in sorted(routes.items())
                if number in held
            ]
            book = self._book(self._notes[0])
            records.append(TableEntry(instant, len(records) - 1, book.prefix(number), tuple(entries)))
        return encode_file(records)

    def _in_order(self, routes: Routes) -> list[int]:
        """The prefixes held, by family, address and length."""
        held = {number for each in routes.values() for number in each}
        if not held:
            return []
        book = self._book(self._notes[0])
        return sorted(held, key=lambda number: (book.prefix(number).family.value, book.prefix(number)[1:]))

    def _book(self, notes: SessionNotes) -> SessionAddresses:
        """Addresses as the peer of ``notes`` has them."""
        speaker = notes.routers[1 - notes.routers.index(self._router)]
        return SessionAddresses(self._plan, self._addresses, notes.link, speaker)

    def _learned(self, notes: SessionNotes, at: int) -> dict[int, int]:
        """When each prefix was last announced to the router, until ``at``."""
        own = notes.routers.index(self._router)
        return {
            each.what.prefix: each.arrived
            for passages in notes.recording.connections
            for each in passages
            if each.side != own
            and isinstance(each.what, Update)
            and not each.what.is_withdrawal
            and each.arrived is not None
            and each.arrived <= at
        }

    def _attributes(self, notes: SessionNotes, prefix: int, route: Attributes) -> bytes:
        """The attributes as received; of IPv6 the next hop is all that is left of MP_REACH_NLRI."""
        session, book = codec_session(notes), self._book(notes)
        family = book.prefix(prefix).family
        hops = book.next_hops(route.next_hop, family)
        own_field = hops[0] if family is Family.IPV4 else None
        octets = encode_attributes(attributes_to_wire(route, own_field, is_ebgp=session.is_ebgp), session)
        if family is Family.IPV4:
            return octets
        packed = b"".join(hop.to_bytes(16, "big") for hop in hops)
        return octets + encode_attribute(_MP_REACH_NLRI, bytes((len(packed),)) + packed, _OPTIONAL)
