"""What a session's ends said to each other, in octets: from a run's notes to what captures are made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from emulator.bgp.messages import Family, Keepalive, Notification, Open
from emulator.sim.transport import Segment
from emulator.wire.codec import encode
from emulator.wire.convert import to_wire
from emulator.wire.messages import parse_prefix
from emulator.wire.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulator.bgp.messages import Message
    from emulator.scenario.plan import Plan
    from emulator.sim.notes import SessionNotes
    from emulator.sim.tap import Passage
    from emulator.wire.addresses import AddressPlan
    from emulator.wire.messages import WirePrefix


@dataclass(frozen=True, slots=True)
class Said:
    """A message, or TCP opening or closing the connection; instants are nanoseconds since t = 0.

    ``data`` is empty for TCP's own. ``arrived`` None: it did not, or not
    before the end of the run. ``is_heard``: the other end's BGP took it.
    """

    side: int
    what: Segment | Message
    data: bytes
    sent: int
    arrived: int | None
    is_heard: bool


class SessionAddresses:
    """The `Addressing` of what ``speaker`` (a router) says on one session."""

    def __init__(self, plan: Plan, addresses: AddressPlan, link: int | None, speaker: int) -> None:
        """``link`` is None for iBGP."""
        self._network = plan.network
        self._addresses = addresses
        self._link = link
        self._speaker = speaker
        self._prefixes = [parse_prefix(prefix.text) for prefix in plan.prefixes]

    def prefix(self, number: int) -> WirePrefix:
        """See `Addressing`."""
        return self._prefixes[number]

    def prefix_number(self, prefix: WirePrefix) -> int:
        """See `Addressing`."""
        try:
            return self._prefixes.index(prefix)
        except ValueError:
            raise KeyError(prefix) from None

    def next_hops(self, router: int, family: Family) -> tuple[int, ...]:
        """See `Addressing`: over eBGP the interface on the link, over iBGP a loopback.

        A router of another AS that iBGP names as it is (without next-hop-self) is
        reached at its interface towards this AS: towards the speaker, if it has one.
        """
        if self._link is not None and router in self._network.links[self._link].ends:
            return (int(self._addresses.interface_address(self._link, router, family)),)
        own = self._network.routers[self._speaker].asn
        if self._network.routers[router].asn != own:
            links = [self._network.links[index] for index in self._network.links_of[router]]
            inward = [each for each in links if self._network.routers[each.other(router)].asn == own]
            inward.sort(key=lambda each: (each.other(router) != self._speaker, each.index))
            if inward:
                return (int(self._addresses.interface_address(inward[0].index, router, family)),)
        return (int(self._addresses.loopback(router, family)),)

    def router(self, family: Family, address: int) -> int:
        """See `Addressing`."""
        wanted = IPv4Address(address) if family is Family.IPV4 else IPv6Address(address)
        for router in self._network.routers:
            links = self._network.links_of[router.index]
            if wanted == self._addresses.loopback(router.index, family) or any(
                wanted == self._addresses.interface_address(link, router.index, family) for link in links
            ):
                return router.index
        raise KeyError(address)


def session_address(notes: SessionNotes, addresses: AddressPlan, side: int) -> IPv4Address:
    """The IPv4 address from which ``side`` speaks; it carries the routes of both families."""
    router = notes.routers[side]
    if notes.link is None:
        address = addresses.loopback(router, Family.IPV4)
    else:
        address = addresses.interface_address(notes.link, router, Family.IPV4)
    return IPv4Address(address)


def codec_session(notes: SessionNotes) -> Session:
    """What the ends' OPENs come to."""
    first, second = (each.capabilities for each in notes.opens)
    return Session(
        four_octet_as=first.four_octet_as is not None and second.four_octet_as is not None,
        families=tuple(family for family in first.families if family in second.families),
        is_ebgp=notes.link is not None,
    )


def conversations(notes: SessionNotes, plan: Plan, addresses: AddressPlan) -> list[list[Said]]:
    """Each TCP connection of the session that was accepted, with all that was said, by time of sending.

    KEEPALIVEs that the run derived are among it; attempts that nobody accepted are not.
    """
    session = codec_session(notes)
    books = [SessionAddresses(plan, addresses, notes.link, router) for router in notes.routers]
    talks = []
    answered = [each for each in notes.recording.connections if _is_answered(each)]
    for place, passages in enumerate(answered):
        said = [
            Said(
                each.side,
                each.what,
                b""
                if isinstance(each.what, Segment)
                else encode(to_wire(each.what, books[each.side], session), session),
                each.sent,
                each.arrived,
                each.is_heard,
            )
            for each in passages
            if each.what is not Segment.SYN or each.arrived is not None
        ]
        for side in (0, 1):
            said += _keepalives(notes, side, passages, answered[place + 1 :])
        said.sort(key=lambda each: each.sent)
        talks.append(said)
    return talks


def _is_answered(passages: Sequence[Passage]) -> bool:
    return any(each.what is Segment.SYN_ACK for each in passages)


def _first(passages: Iterable[Passage], side: int, *kinds: type | Segment) -> int | None:
    """When ``side`` first sent something of one of the ``kinds``."""
    for each in passages:
        if each.side == side and any(
            each.what is kind if isinstance(kind, Segment) else isinstance(each.what, kind) for kind in kinds
        ):
            return each.sent
    return None


def _keepalives(
    notes: SessionNotes, side: int, passages: Sequence[Passage], later: Sequence[Sequence[Passage]]
) -> list[Said]:
    """The KEEPALIVEs of ``side`` that were not simulated one by one, on this connection.

    They begin after the one that answered the OPEN and end with the connection
    at this side; those of a later connection are on that.
    """
    begun = _first(passages, side, Keepalive)
    if begun is None or _first(passages, 1 - side, Open) is None:
        return []
    ends = [_first(passages, side, Segment.FIN, Segment.RST, Notification)]
    ends += [_first(each, side, Keepalive) for each in later]
    until = min((end for end in ends if end is not None), default=None)
    instants = notes.keepalives[side]
    last = len(instants) if until is None else bisect_left(instants, until)
    told = {each.sent for each in passages if each.side == side and isinstance(each.what, Keepalive)}
    gone = _first(passages, 1 - side, Segment.FIN, Segment.RST, Notification)
    data = encode(Keepalive())
    said = []
    for sent in instants[bisect_right(instants, begun) : last]:
        if sent in told:
            continue
        arrived = _arrival(notes, sent, [end for end in (until, gone) if end is not None])
        is_heard = arrived is not None and (gone is None or arrived < gone)
        said.append(Said(side, Keepalive(), data, sent, arrived, is_heard))
    return said


def _arrival(notes: SessionNotes, sent: int, ends: Sequence[int]) -> int | None:
    """When what is sent now arrives.

    After the repair where the transport is dead now or then; None where it stays
    dead, or an end has given the connection up by then.
    """
    arrival = sent + notes.delay
    for start, end in notes.recording.dark:
        if start <= arrival and (end is None or sent < end):
            if end is None or min(ends, default=end) < end:
                return None
            arrival = max(arrival, end + notes.delay)
    return arrival
