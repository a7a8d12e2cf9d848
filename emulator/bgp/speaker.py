"""The speaker: Adj-RIB-In, decision process, Loc-RIB, Adj-RIB-Out and MRAI for one router.

The host drives it in turns, as a router's BGP process runs: `receive` any
number of messages, then `decide` once. Between the two nothing is sent. What
must wait is asked back for with `Host.wake_at`, answered by `timer`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from emulator.bgp.attributes import OWN_LOCAL_PREF, Attributes
from emulator.bgp.config import MraiScope, SpeakerConfig, WithdrawalRule
from emulator.bgp.decision import Candidate, Decision, explain, select
from emulator.bgp.messages import Update
from emulator.bgp.peer import Flaps, Peer, PeerConfig
from emulator.bgp.policy import Relation, announce_only_to, announced_to, strip_own
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence


class Host(Protocol):
    """What a speaker needs from whoever runs it."""

    def send(self, peer: int, update: Update) -> None:
        """Hand ``update`` to the session ``peer``, in order."""

    def wake_at(self, instant: int, peer: int) -> None:
        """Call `Speaker.timer` for ``peer`` at ``instant``."""

    def route_changed(self, prefix: int, best: Candidate | None) -> None:
        """The Loc-RIB's route for ``prefix`` is now ``best``."""


class Speaker:
    """BGP on one router (RFC 4271 section 3.2 and 9).

    ``igp_cost`` gives the interior cost to a router of the same AS, None when
    it cannot be reached. ``peers`` are numbered in their order.
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
    ) -> None:
        """Start with empty RIBs, every session down and nobody to send to: set `host` before use."""
        self.router = router
        self.asn = asn
        self.router_id = router_id
        self.config = config
        self.peers = [Peer(i, c, is_ebgp=c.asn != asn) for i, c in enumerate(peers)]
        self.candidates: dict[int, dict[int, Candidate]] = {}
        self.loc_rib: dict[int, Candidate] = {}
        self.host: Host
        self._forms: dict[int, tuple[Attributes, Attributes, frozenset[int] | None]] = {}
        self._dirty: dict[int, None] = {}
        self._flaps: dict[tuple[int, int], Flaps] = {}
        self._igp_cost = igp_cost
        self._wrate = config.withdrawals is WithdrawalRule.WAIT
        self._rng = rng

    # What arrives -------------------------------------------------------------

    def receive(self, peer: int, update: Update, now: int) -> None:
        """Take one UPDATE into the Adj-RIB-In; the decision waits for `decide`."""
        session = self.peers[peer]
        if not session.is_up:
            return
        prefix, attributes = update.prefix, update.attributes
        if attributes is None:
            if session.adj_rib_in.pop(prefix, None) is None:
                return
        else:
            session.adj_rib_in[prefix] = attributes
        if self.config.damping is not None and session.is_ebgp:
            self._damp(session, prefix, is_withdrawal=attributes is None, now=now)
        self._set_candidate(session, prefix, now)

    def session_up(self, peer: int) -> None:
        """The session is Established: everything is advertised to it at the next `decide`."""
        session = self.peers[peer]
        session.is_up = True
        for prefix in self.loc_rib:
            session.pending[prefix] = None

    def session_down(self, peer: int) -> None:
        """The session is lost, and with it, implicitly, all routes it brought (RFC 4271 8.2)."""
        session = self.peers[peer]
        for prefix in session.adj_rib_in:
            if self.candidates.get(prefix, {}).pop(peer, None) is not None:
                self._dirty[prefix] = None
        session.clear()

    def igp_changed(self) -> None:
        """Interior costs changed: look again at every prefix with an interior route (hot potato)."""
        for prefix, routes in self.candidates.items():
            for candidate in routes.values():
                if not candidate.is_ebgp and candidate.peer >= 0:  # not eBGP, not our own
                    self._dirty[prefix] = None
                    break

    def originate(self, prefix: int, now: int, only_to: frozenset[int] | None = None) -> None:
        """Announce ``prefix`` from here, to every peer or to those in the ASes ``only_to``.

        The other border routers of this AS keep to ``only_to`` too.
        """
        communities = () if only_to is None else announce_only_to(self.asn, only_to)
        attributes = Attributes((), self.router, OWN_LOCAL_PREF, large_communities=communities)
        route = Candidate(attributes, -1, False, self.router_id, now)
        self.candidates.setdefault(prefix, {})[-1] = route
        self._dirty[prefix] = None

    def withdraw(self, prefix: int) -> None:
        """Stop announcing ``prefix``."""
        if self.candidates.get(prefix, {}).pop(-1, None) is not None:
            self._dirty[prefix] = None

    def mute(self, asn: int, *, is_muted: bool) -> None:
        """Stop announcing anything to the peers in ``asn``, or announce everything to them again."""
        for peer in self.peers:
            if peer.config.asn == asn and peer.is_muted != is_muted:
                peer.is_muted = is_muted
                peer.pending.update(dict.fromkeys(self.loc_rib))

    # What follows -------------------------------------------------------------

    def decide(self, now: int) -> None:
        """Run the decision process for what changed, then advertise (RFC 4271 9.1 phases 2 and 3)."""
        dirty, self._dirty = self._dirty, {}
        tie_break = self.config.tie_break
        for prefix in dirty:
            old = self.loc_rib.get(prefix)
            best = select(list(self.candidates[prefix].values()), self._igp_cost, tie_break)
            if best == old:
                continue
            if best is None:
                del self.loc_rib[prefix]
            else:
                self.loc_rib[prefix] = best
                self._forms[prefix] = self._advertised_forms(best)
            self.host.route_changed(prefix, best)
            for peer in self.peers:
                if peer.is_up:
                    peer.pending[prefix] = None
        for peer in self.peers:
            if peer.pending and peer.is_up:
                self._advertise(peer, now)

    def timer(self, peer: int, now: int) -> None:
        """An instant asked for with `Host.wake_at` has come; -1 is damping's."""
        if peer < 0:
            self._release_damped(now)
            return
        session = self.peers[peer]
        if session.timer_at == now:
            session.timer_at = LONG_AGO
            if session.is_up:
                self._advertise(session, now)

    def reset_timers(self) -> None:
        """Idle every timer and forget past flaps: the network has been quiet for long."""
        self._flaps.clear()
        for peer in self.peers:
            peer.reset_timers()

    def why(self, prefix: int) -> Decision:
        """The decision for ``prefix`` with its reasons, from the routes held now."""
        routes = list(self.candidates.get(prefix, {}).values())
        return explain(routes, self._igp_cost, self.config.tie_break)

    # Import -------------------------------------------------------------------

    def _set_candidate(self, session: Peer, prefix: int, now: int) -> None:
        """Bring the candidate from ``session`` in line with its Adj-RIB-In."""
        attributes = session.adj_rib_in.get(prefix)
        accepted = None if attributes is None else self._accept(session, prefix, attributes)
        flaps = self._flaps.get((session.index, prefix))
        if flaps is not None and flaps.is_suppressed:
            accepted = None
        routes = self.candidates.setdefault(prefix, {})
        old = routes.get(session.index)
        if accepted is None:
            if old is None:
                return
            del routes[session.index]
        elif old is not None and old.attributes == accepted:
            return
        else:
            routes[session.index] = Candidate(
                accepted, session.index, session.is_ebgp, session.config.router_id, now
            )
        self._dirty[prefix] = None

    def _accept(self, session: Peer, prefix: int, attributes: Attributes) -> Attributes | None:
        """Loop check (RFC 4271 9.1.2) and import policy."""
        if self.asn in attributes.as_path:
            return None
        if not session.is_ebgp:
            return attributes
        return self.config.policy.accept(attributes, prefix, session.config, self.asn)

    def _damp(self, session: Peer, prefix: int, *, is_withdrawal: bool, now: int) -> None:
        """RFC 2439 4.4.2: a withdrawal adds its penalty; above the threshold the route is suppressed."""
        damping = self.config.damping
        if damping is None or not is_withdrawal:
            return
        flaps = self._flaps.setdefault((session.index, prefix), Flaps(at=now))
        penalty = damping.decayed(flaps.penalty, now - flaps.at) + damping.withdrawal_penalty
        flaps.penalty, flaps.at = min(penalty, damping.ceiling), now
        if flaps.is_suppressed or flaps.penalty > damping.suppress:
            flaps.is_suppressed = True
            self.host.wake_at(now + damping.time_to_reuse(flaps.penalty), -1)

    def _release_damped(self, now: int) -> None:
        """RFC 2439 4.8.7: routes whose penalty has decayed to the reuse threshold come back."""
        damping = self.config.damping
        if damping is None:
            return
        for (peer, prefix), flaps in self._flaps.items():
            if flaps.is_suppressed and flaps.at + damping.time_to_reuse(flaps.penalty) <= now:
                flaps.is_suppressed = False
                self._set_candidate(self.peers[peer], prefix, now)

    # Export -------------------------------------------------------------------

    def _advertised_forms(self, best: Candidate) -> tuple[Attributes, Attributes, frozenset[int] | None]:
        """The route as iBGP and as eBGP peers hear it, with next-hop-self, and to which ASes it may go."""
        attributes = best.attributes
        internal = replace(attributes, next_hop=self.router)
        external = Attributes(
            (self.asn, *attributes.as_path),
            self.router,
            origin=attributes.origin,
            large_communities=strip_own(attributes, self.asn),
        )
        return internal, external, announced_to(attributes, self.asn)

    def _export(self, peer: Peer, prefix: int) -> Attributes | None:
        """What ``peer`` should hear of ``prefix`` now; None for nothing."""
        best = self.loc_rib.get(prefix)
        if best is None or peer.is_muted:
            return None
        relation = peer.config.relation
        internal, external, only_to = self._forms[prefix]
        if relation is Relation.INTERNAL:
            # RFC 4271 9.2.1: what came over iBGP is not sent on over iBGP.
            return internal if best.is_ebgp or best.peer < 0 else None
        if only_to is not None and peer.config.asn not in only_to:
            return None
        if best.peer >= 0:
            allowed = self.config.policy.export(best.attributes, prefix, peer.config, self.asn)
            if allowed is None:
                return None
        if self.config.sender_side_loop_detection and peer.config.asn in external.as_path:
            return None
        return external

    def _advertise(self, peer: Peer, now: int) -> None:
        """Send what may go now, hold what must wait for MRAI (RFC 4271 9.2.1.1)."""
        waiting: dict[int, None] = {}
        started = False
        for prefix in peer.pending:
            wanted, sent = self._export(peer, prefix), peer.adj_rib_out.get(prefix)
            if wanted == sent:
                continue
            held = self._mrai_deadline(peer, prefix) > now
            if held and (wanted is not None or self._wrate):
                waiting[prefix] = None
                if self._must_flush(wanted, sent):
                    del peer.adj_rib_out[prefix]
                    self.host.send(peer.index, Update(prefix, None))
                continue
            if wanted is None:
                del peer.adj_rib_out[prefix]
            else:
                peer.adj_rib_out[prefix] = wanted
            self.host.send(peer.index, Update(prefix, wanted))
            if wanted is not None or self._wrate:
                started = True
                self._start_mrai_prefix(peer, prefix, now)
        peer.pending = waiting
        if started and self.config.mrai_scope is MraiScope.PEER:
            peer.mrai_until = now + self._mrai(peer)
        if waiting:
            self._ask_for_timer(peer)

    def _must_flush(self, wanted: Attributes | None, sent: Attributes | None) -> bool:
        """Ghost flushing: the new route waits and is longer than the one the peer still believes."""
        return (
            self.config.ghost_flushing
            and wanted is not None
            and sent is not None
            and len(wanted.as_path) > len(sent.as_path)
        )

    # MRAI ---------------------------------------------------------------------

    def _mrai(self, peer: Peer) -> int:
        """One run of the timer, jittered (RFC 4271 section 10)."""
        base = self.config.mrai if peer.is_ebgp else self.config.ibgp_mrai
        low, high = self.config.mrai_jitter
        if base == 0 or low == high:
            return round(base * low)
        return round(base * self._rng.uniform(low, high))

    def _mrai_deadline(self, peer: Peer, prefix: int) -> int:
        """When the timer that holds ``prefix`` expires."""
        if self.config.mrai_scope is MraiScope.PEER:
            return peer.mrai_until
        return peer.mrai_until_prefix.get(prefix, LONG_AGO)

    def _start_mrai_prefix(self, peer: Peer, prefix: int, now: int) -> None:
        if self.config.mrai_scope is MraiScope.PREFIX:
            peer.mrai_until_prefix[prefix] = now + self._mrai(peer)

    def _ask_for_timer(self, peer: Peer) -> None:
        """Have the host wake us when the first held prefix may go."""
        deadline = min(self._mrai_deadline(peer, prefix) for prefix in peer.pending)
        if peer.timer_at != deadline:
            peer.timer_at = deadline
            self.host.wake_at(deadline, peer.index)
