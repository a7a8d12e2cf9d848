"""The speaker: Adj-RIB-In, decision process, Loc-RIB and Adj-RIB-Out of one router.

The host drives it in turns, as a router's BGP process runs: `receive` any
number of messages, then `decide` once. Between the two nothing is sent. What
must wait is asked back for with `Host.wake_at`, answered by `timer`.

How a route comes in is in `importing`, how it goes out in `exporting`, and
when in `mrai`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp import aggregation, exporting, importing
from emulator.bgp.attributes import OWN_LOCAL_PREF, Attributes
from emulator.bgp.damping import Damper
from emulator.bgp.decision import Candidate, Decision, explain, select
from emulator.bgp.exporting import Forms, Withheld
from emulator.bgp.importing import Refusal
from emulator.bgp.messages import BOTH_FAMILIES, Family, Notification
from emulator.bgp.mrai import advertise
from emulator.bgp.notification import CeaseError, ErrorCode
from emulator.bgp.peer import Peer, PeerConfig, make_peers
from emulator.bgp.policy import announce_only_to
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from emulator.bgp.config import SpeakerConfig
    from emulator.bgp.host import Host
    from emulator.bgp.messages import Update


class Speaker:
    """BGP on one router (RFC 4271 section 3.2 and 9).

    ``igp_cost`` gives the interior cost to a router of the same AS, None when
    it cannot be reached. ``peers`` are numbered in their order. ``family_of``
    says of which address family a prefix is; without it all are IPv4.
    """

    def __init__(
        self,
        router: int,
        asn: int,
        router_id: int,
        peers: Sequence[PeerConfig],
        config: SpeakerConfig,
        *,
        igp_cost: Callable[[int], int | None],
        rng: random.Random,
        family_of: Callable[[int], Family] | None = None,
    ) -> None:
        """Start with empty RIBs, every session down and nobody to send to: set `host` before use."""
        self.router = router
        self.asn = asn
        self.router_id = router_id
        self.cluster_id = router_id if config.cluster_id is None else config.cluster_id
        self.config = config
        self.rng = rng
        self._family_of = family_of
        self.reflects = any(each.is_client for each in peers)
        self.peers = make_peers(peers, config, asn)
        for peer in self.peers:
            peer.is_partial = self._lacks_some(peer.families)
        self.candidates: dict[int, dict[int, Candidate]] = {}
        self.loc_rib: dict[int, Candidate] = {}
        self.forms: dict[int, Forms] = {}
        """How peers hear each route of the Loc-RIB."""
        self.suppressed: dict[int, None] = {}
        """Prefixes that an aggregate stands for."""
        self.is_leaking = False
        self.clock_phase = 0
        if config.mrai_clock:
            phase = config.mrai_clock_phase
            self.clock_phase = rng.randrange(config.mrai_clock) if phase is None else phase
        self.host: Host
        self._dirty: dict[int, None] = {}
        self._damper = None if config.damping is None else Damper(config.damping)
        self._igp_cost = igp_cost

    def _lacks_some(self, families: tuple[Family, ...]) -> bool:
        """Whether a session that carries ``families`` may not carry some prefix."""
        if families == BOTH_FAMILIES:  # as nearly all do
            return False
        spoken = BOTH_FAMILIES if self._family_of is not None else (Family.IPV4,)
        return not all(family in families for family in spoken)

    @property
    def has_work(self) -> bool:
        """Whether something has changed that `decide` has not looked at yet."""
        return bool(self._dirty)

    def speaks(self, peer: Peer, prefix: int) -> bool:
        """Whether the session with ``peer`` carries the address family of ``prefix``."""
        return self.family(prefix) in peer.families

    def family(self, prefix: int) -> Family:
        """The address family of ``prefix``."""
        return Family.IPV4 if self._family_of is None else self._family_of(prefix)

    def is_dirty(self, prefix: int) -> None:
        """Have the next decision look at ``prefix``."""
        self._dirty[prefix] = None

    # What arrives -------------------------------------------------------------

    def receive(self, peer: int, update: Update, now: int) -> None:
        """Take one UPDATE into the Adj-RIB-In; the decision waits for `decide`."""
        session = self.peers[peer]
        if not session.is_up:
            return
        prefix, attributes = update.prefix, update.attributes
        old = session.adj_rib_in.get(prefix)
        if attributes is None:
            if old is None:
                return
            del session.adj_rib_in[prefix]
        elif old is None and session.config.max_prefixes is not None and self._exceeds(session, prefix):
            return
        else:
            session.adj_rib_in[prefix] = attributes
        if session.stale:
            session.stale.pop(prefix, None)
        if self._damper is not None and session.is_ebgp:
            again_at = self._damper.heard(peer, prefix, old, attributes, now)
            if again_at is not None:
                self.host.wake_at(again_at, -1)
        self._set_candidate(session, prefix, now)

    def session_up(self, peer: int, families: tuple[Family, ...] | None = None) -> None:
        """The session is Established: everything is advertised to it at the next `decide`.

        ``families`` is what was negotiated, None for all that is configured.
        """
        session = self.peers[peer]
        session.is_up = session.is_opening = session.owes_end_of_rib = True
        if families is not None and families != session.families:
            session.families = families
            session.is_partial = self._lacks_some(families)
        session.pending.update(dict.fromkeys(self.loc_rib))

    def session_down(self, peer: int, *, retain: bool = False) -> None:
        """The session is lost, and with it, implicitly, all routes it brought (RFC 4271 8.2).

        With ``retain`` they stay in use, as stale ones (RFC 4724 4.2), until
        they are heard of again or `sweep_stale` takes them away. What was stale
        already, the peer having restarted twice, goes now.
        """
        session = self.peers[peer]
        for prefix in session.stale if retain else session.adj_rib_in:
            self._drop_candidate(peer, prefix)
        session.clear(retain=retain)

    def sweep_stale(self, peer: int, family: Family) -> None:
        """End-of-RIB came, or the restart took too long: stale routes of ``family`` are lost."""
        session = self.peers[peer]
        for prefix in [prefix for prefix in session.stale if self.family(prefix) is family]:
            del session.stale[prefix], session.adj_rib_in[prefix]
            self._drop_candidate(peer, prefix)

    def refresh(self, peer: int, family: Family) -> None:
        """The peer asks for everything of ``family`` again (RFC 2918), also what it should have."""
        session = self.peers[peer]
        again = {prefix: None for prefix in self.loc_rib if self.family(prefix) is family}
        session.resend = {**(session.resend or {}), **again}
        session.pending.update(again)

    def igp_changed(self) -> None:
        """Interior costs changed: look again at every prefix with an interior route (hot potato)."""
        for prefix, routes in self.candidates.items():
            for candidate in routes.values():
                if not candidate.is_ebgp and candidate.peer >= 0:  # not eBGP, not our own
                    self._dirty[prefix] = None
                    break

    # What the operator does ---------------------------------------------------

    def originate(
        self,
        prefix: int,
        now: int,
        only_to: frozenset[int] | None = None,
        *,
        carrying: Attributes | None = None,
    ) -> None:
        """Announce ``prefix`` from here, to every peer or to those in the ASes ``only_to``.

        The other border routers of this AS keep to ``only_to`` too. Of
        ``carrying`` the ORIGIN, MED and communities are taken over.
        """
        large = () if only_to is None else announce_only_to(self.asn, only_to)
        attributes = Attributes((), self.router, OWN_LOCAL_PREF, large_communities=large)
        if carrying is not None:
            attributes = Attributes(
                (),
                self.router,
                OWN_LOCAL_PREF,
                med=carrying.med,
                origin=carrying.origin,
                communities=carrying.communities,
                large_communities=tuple(sorted((*large, *carrying.large_communities))),
                extended_communities=carrying.extended_communities,
            )
        route = Candidate(attributes, -1, False, self.router_id, now)
        self.candidates.setdefault(prefix, {})[-1] = route
        self._dirty[prefix] = None

    def withdraw(self, prefix: int) -> None:
        """Stop announcing ``prefix``."""
        self._drop_candidate(-1, prefix)

    def mute(self, asn: int, *, is_muted: bool) -> None:
        """Stop announcing anything to the peers in ``asn``, or announce everything to them again."""
        for peer in self.peers:
            if peer.config.asn == asn and peer.is_muted != is_muted:
                peer.is_muted = is_muted
                peer.pending.update(dict.fromkeys(self.loc_rib))

    def drain(self, peer: int | None, on: bool) -> None:
        """Graceful shutdown (RFC 8326) of the session with ``peer``, None for all eBGP sessions, or its end.

        What is announced over them carries GRACEFUL_SHUTDOWN, and what came
        over them gets it too, with LOCAL_PREF 0 (section 4.2), so that both sides,
        and whoever hears of it from them, turn to other routes.
        """
        for session in self.peers if peer is None else [self.peers[peer]]:
            if session.is_ebgp and session.is_draining != on:
                session.is_draining = on
                session.pending.update(dict.fromkeys(self.loc_rib))
                for prefix in session.adj_rib_in:
                    self._set_candidate(session, prefix, None)

    def leak(self, on: bool) -> None:
        """Ignore export policy from now on, as after a slip of the pen (RFC 7908), or honour it again."""
        if self.is_leaking != on:
            self.is_leaking = on
            for session in self.peers:
                session.pending.update(dict.fromkeys(self.loc_rib))

    # What follows -------------------------------------------------------------

    def decide(self, now: int) -> None:
        """Run the decision process for what changed, then advertise (RFC 4271 9.1 phases 2 and 3)."""
        aggregates = self.config.aggregates
        while self._dirty:
            dirty, self._dirty = self._dirty, {}
            for prefix in dirty:
                self._choose(prefix)
            if aggregates:
                aggregation.refresh(self, dirty, now)
        self.advertise(now)

    def advertise(self, now: int) -> None:
        """Phase 3 alone: send what has been decided and is not held."""
        for peer in self.peers:
            if peer.is_up and (peer.pending or peer.owes_end_of_rib):
                advertise(self, peer, now)

    def _choose(self, prefix: int) -> None:
        old = self.loc_rib.get(prefix)
        tie_break = self.config.tie_break
        incumbent = old.peer if old is not None and tie_break.incumbent else None
        best = select(list(self.candidates[prefix].values()), self._igp_cost, tie_break, incumbent)
        if best is old or best == old:
            return
        if best is None:
            del self.loc_rib[prefix]
        else:
            self.loc_rib[prefix] = best
            self.forms[prefix] = exporting.forms(self, best)
        self.host.route_changed(prefix, best)
        stays_inside = not (self.reflects or _came_from_outside(old) or _came_from_outside(best))
        for peer in self.peers:
            if peer.is_up and (peer.is_ebgp or not stays_inside):
                peer.pending.setdefault(prefix)  # what is held says until then what it was

    def timer(self, peer: int, now: int) -> None:
        """An instant asked for with `Host.wake_at` has come; -1 is damping's."""
        if peer < 0:
            if self._damper is not None:
                for index, prefix in self._damper.released(now):
                    self._set_candidate(self.peers[index], prefix, now)
            return
        session = self.peers[peer]
        if session.timer_at == now:
            session.timer_at = LONG_AGO
            if session.is_up:
                advertise(self, session, now, has_expired=session.quiet_until < now)

    def reset_timers(self) -> None:
        """Idle every timer and forget past flaps: the network has been quiet for long."""
        if self._damper is not None:
            self._damper.forget()
        for peer in self.peers:
            peer.reset_timers()

    def end_of_rib_due(self, peer: Peer) -> None:
        """All that there was when the session came up has been sent."""
        for family in peer.families if self._family_of is not None else (Family.IPV4,):
            self.host.end_of_rib(peer.index, family)

    # What is asked ------------------------------------------------------------

    def interior_cost(self, router: int) -> int | None:
        """The interior cost to ``router``, None where it cannot be reached."""
        return self._igp_cost(router)

    def why(self, prefix: int) -> Decision:
        """The decision for ``prefix`` with its reasons, from the routes held now."""
        routes = list(self.candidates.get(prefix, {}).values())
        old = self.loc_rib.get(prefix)
        return explain(routes, self._igp_cost, self.config.tie_break, None if old is None else old.peer)

    def refused(self, prefix: int) -> tuple[tuple[int, Attributes, Refusal], ...]:
        """The routes for ``prefix`` that are no candidates: peer, attributes as received, the reason."""
        found = []
        for peer in self.peers:
            attributes = peer.adj_rib_in.get(prefix)
            if attributes is not None:
                accepted = self._accept(peer, prefix, attributes)
                if isinstance(accepted, Refusal):
                    found.append((peer.index, attributes, accepted))
        return tuple(found)

    def offered(self, prefix: int) -> tuple[tuple[int, Attributes | Withheld], ...]:
        """For every peer what it has been sent of ``prefix``, or why it has not been sent what is best."""
        found: list[tuple[int, Attributes | Withheld]] = []
        for peer in self.peers:
            wanted = exporting.export(self, peer, prefix)
            if not peer.is_up:
                wanted = Withheld.SESSION_DOWN
            elif not isinstance(wanted, Withheld) and peer.adj_rib_out.get(prefix) != wanted:
                wanted = Withheld.WAITING
            found.append((peer.index, wanted))
        return tuple(found)

    # Import -------------------------------------------------------------------

    def _set_candidate(self, session: Peer, prefix: int, now: int | None) -> None:
        """Bring the candidate from ``session`` in line with its Adj-RIB-In.

        ``now`` is when it was received, None for when it was before.
        """
        attributes = session.adj_rib_in.get(prefix)
        accepted = None if attributes is None else self._accept(session, prefix, attributes)
        if accepted is None or isinstance(accepted, Refusal):
            self._drop_candidate(session.index, prefix)
            return
        routes = self.candidates.setdefault(prefix, {})
        old = routes.get(session.index)
        if old is not None and (old.attributes is accepted or old.attributes == accepted):
            return
        if now is None:
            now = LONG_AGO if old is None else old.received_at
        routes[session.index] = Candidate(
            accepted, session.index, session.is_ebgp, session.config.router_id, now
        )
        self._dirty[prefix] = None

    def _accept(self, session: Peer, prefix: int, attributes: Attributes) -> Attributes | Refusal:
        accepted = importing.accept(self, session, prefix, attributes)
        if self._damper is not None and self._damper.is_suppressed(session.index, prefix):
            return accepted if isinstance(accepted, Refusal) else Refusal.DAMPED
        return accepted

    def _drop_candidate(self, peer: int, prefix: int) -> None:
        routes = self.candidates.get(prefix)
        if routes is not None and routes.pop(peer, None) is not None:
            self._dirty[prefix] = None

    def _exceeds(self, session: Peer, prefix: int) -> bool:
        """RFC 4486 section 4: one prefix too many. The session is closed unless only a warning is wanted."""
        limit, family = session.config.max_prefixes, self.family(prefix)
        if limit is None or sum(self.family(each) is family for each in session.adj_rib_in) < limit.limit:
            return False
        if limit.warn_only:
            session.excess += 1
            return False
        afi, safi = family.value
        data = afi.to_bytes(2) + safi.to_bytes(1) + limit.limit.to_bytes(4)
        self.session_down(session.index)
        self.host.close(
            session.index,
            Notification(ErrorCode.CEASE, CeaseError.MAXIMUM_PREFIXES, data),
            limit.restart_after,
        )
        return True


def _came_from_outside(route: Candidate | None) -> bool:
    """Whether iBGP peers are told of it: it came over eBGP or was originated here (RFC 4271 9.2.1)."""
    return route is not None and (route.is_ebgp or route.peer < 0)
