"""The decision process, phase 2: RFC 4271 9.1.2.2 (a)..(g) by elimination, with its reason.

Elimination, not comparison in pairs: MED is compared only between routes from
the same neighbour AS, so "better than" is not transitive and a pairwise winner
would depend on arrival order (RFC 3345). When every candidate carries the same
MED the order is total, and one key comparison gives the same winner sooner.

Where this differs from the RFC: AS_SET is not modelled, so (a) is the plain
path length; a route originated here wins before the degree of preference, as
every router's weight or protocol preference makes it; the steps "oldest" and
"current best" are what several vendors put before (f) for eBGP routes, taken
only where the speaker is configured to. RFC 4456 section 9 changes (f), where
ORIGINATOR_ID stands for the identifier, and puts a step behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.bgp.attributes import Attributes


class Step(Enum):
    """What decided; the value is what the RFC calls it."""

    NO_ROUTE = "9.1 no route"
    ONLY_ROUTE = "9.1 only route"
    UNRESOLVABLE = "9.1.2 next hop not resolvable"
    LOCAL_ROUTE = "9.1 originated here"
    DEGREE_OF_PREFERENCE = "9.1.2 degree of preference"
    AS_PATH_LENGTH = "9.1.2.2 (a) AS path length"
    ORIGIN = "9.1.2.2 (b) origin"
    MED = "9.1.2.2 (c) multi-exit discriminator"
    EBGP = "9.1.2.2 (d) eBGP over iBGP"
    IGP_COST = "9.1.2.2 (e) interior cost"
    OLDEST = "oldest route"
    INCUMBENT = "current best stays"
    ROUTER_ID = "9.1.2.2 (f) router identifier"
    CLUSTER_LIST = "RFC 4456 9 CLUSTER_LIST length"
    PEER_ADDRESS = "9.1.2.2 (g) peer address"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that passed import policy, with what the steps look at.

    ``peer`` is the local index of the session it came over, negative for a route
    originated here. ``router_id`` is that peer's BGP identifier. ``neighbor_as``
    is the first AS of the path as received (RFC 4271 9.1.2.2 c), 0 for a local route.
    """

    attributes: Attributes
    peer: int
    is_ebgp: bool
    router_id: int
    received_at: int

    @property
    def neighbor_as(self) -> int:
        """The AS the route entered from."""
        path = self.attributes.as_path
        return path[0] if path else 0

    @property
    def identifier(self) -> int:
        """What (f) compares: ORIGINATOR_ID of a reflected route (RFC 4456 9), else the peer's identifier."""
        originator = self.attributes.originator_id
        return self.router_id if originator is None else originator


@dataclass(frozen=True, slots=True)
class Decision:
    """The winner, the step that left it alone, and what removed each other."""

    best: Candidate | None
    decided_by: Step
    eliminated: tuple[tuple[Candidate, Step], ...]


@dataclass(frozen=True, slots=True)
class TieBreak:
    """Options of the decision process."""

    oldest: bool = False
    """Among eBGP routes the one received first is preferred before (f): GoBGP."""
    incumbent: bool = False
    """Among eBGP routes the one over the session of the current best stays, before (f): FRR, IOS, Junos."""
    always_compare_med: bool = False
    """Compare MED between routes from different neighbour ASes too."""
    missing_med_as_worst: bool = False
    """A route without MED counts as 4,294,967,295 instead of 0 (RFC 4271 9.1.2.2 c)."""


def _lowest(left: Sequence[Candidate], value: Callable[[Candidate], int]) -> list[Candidate]:
    values = [value(candidate) for candidate in left]
    lowest = min(values)
    return [candidate for candidate, its in zip(left, values, strict=True) if its == lowest]


def _lowest_med_per_neighbor(left: Sequence[Candidate], med: Callable[[Candidate], int]) -> list[Candidate]:
    """RFC 4271 9.1.2.2 (c): only routes from one neighbour AS are comparable."""
    lowest: dict[int, int] = {}
    for candidate in left:
        neighbor, its = candidate.neighbor_as, med(candidate)
        lowest[neighbor] = min(its, lowest.get(neighbor, its))
    return [c for c in left if med(c) == lowest[c.neighbor_as]]


def _keep_incumbent(left: Sequence[Candidate], incumbent: int | None) -> list[Candidate]:
    """The eBGP route over the session ``incumbent``, if it is there to stay; all others are eBGP then too."""
    stays = [c for c in left if c.is_ebgp and c.peer == incumbent]
    return stays or list(left)


def _steps(
    igp_cost: Callable[[int], int | None], tie_break: TieBreak, incumbent: int | None
) -> tuple[tuple[Step, Callable[[Sequence[Candidate]], list[Candidate]]], ...]:
    """The steps in order, each a filter."""

    def by(value: Callable[[Candidate], int]) -> Callable[[Sequence[Candidate]], list[Candidate]]:
        return lambda left: _lowest(left, value)

    missing = WORST_MED if tie_break.missing_med_as_worst else 0

    def med_of(candidate: Candidate) -> int:
        med = candidate.attributes.med
        return missing if med is None else med

    med = by(med_of) if tie_break.always_compare_med else lambda left: _lowest_med_per_neighbor(left, med_of)
    steps = [
        (Step.LOCAL_ROUTE, by(lambda c: c.peer >= 0)),
        (Step.DEGREE_OF_PREFERENCE, by(lambda c: -c.attributes.local_pref)),
        (Step.AS_PATH_LENGTH, by(lambda c: len(c.attributes.as_path))),
        (Step.ORIGIN, by(lambda c: c.attributes.origin)),
        (Step.MED, med),
        (Step.EBGP, by(lambda c: not c.is_ebgp)),
        (Step.IGP_COST, by(lambda c: _cost(c, igp_cost))),
    ]
    if tie_break.oldest:
        steps.append((Step.OLDEST, by(lambda c: c.received_at if c.is_ebgp else 0)))
    if tie_break.incumbent:
        steps.append((Step.INCUMBENT, lambda left: _keep_incumbent(left, incumbent)))
    return (
        *steps,
        (Step.ROUTER_ID, by(lambda c: c.identifier)),
        (Step.CLUSTER_LIST, by(lambda c: len(c.attributes.cluster_list))),
        (Step.PEER_ADDRESS, by(lambda c: abs(c.peer))),  # of our own the announced before the aggregated
    )


def _cost(candidate: Candidate, igp_cost: Callable[[int], int | None]) -> int:
    """Interior cost to the next hop: 0 over eBGP, which is on a connected subnet."""
    if candidate.is_ebgp or candidate.peer < 0:
        return 0
    cost = igp_cost(candidate.attributes.next_hop)
    return 0 if cost is None else cost


WORST_MED: Final = 2**32 - 1
DEFAULT_TIE_BREAK: Final = TieBreak()


def resolvable(candidate: Candidate, igp_cost: Callable[[int], int | None]) -> bool:
    """RFC 4271 9.1.2: a route whose next hop cannot be reached is excluded."""
    return candidate.is_ebgp or candidate.peer < 0 or igp_cost(candidate.attributes.next_hop) is not None


def explain(
    candidates: Sequence[Candidate],
    igp_cost: Callable[[int], int | None],
    tie_break: TieBreak = DEFAULT_TIE_BREAK,
    incumbent: int | None = None,
) -> Decision:
    """Choose by elimination and say for every loser which step removed it.

    ``incumbent`` is the session of the current best, for `TieBreak.incumbent`.
    """
    left = [c for c in candidates if resolvable(c, igp_cost)]
    eliminated = [(c, Step.UNRESOLVABLE) for c in candidates if not resolvable(c, igp_cost)]
    if not left:
        return Decision(None, Step.NO_ROUTE, tuple(eliminated))
    decided_by = Step.ONLY_ROUTE
    for step, keep in _steps(igp_cost, tie_break, incumbent):
        if len(left) == 1:
            break
        kept = keep(left)
        if len(kept) < len(left):
            decided_by = step
            eliminated += [(c, step) for c in left if c not in kept]
            left = kept
    return Decision(left[0], decided_by, tuple(eliminated))


def select(
    candidates: Sequence[Candidate],
    igp_cost: Callable[[int], int | None],
    tie_break: TieBreak = DEFAULT_TIE_BREAK,
    incumbent: int | None = None,
) -> Candidate | None:
    """`explain`'s winner, without the reasons: the hot path."""
    best: Candidate | None = None
    best_key: tuple[int, ...] = ()
    first_med: int | None = -1
    for candidate in candidates:
        attributes = candidate.attributes
        cost = 0
        if not candidate.is_ebgp and candidate.peer >= 0:
            found = igp_cost(attributes.next_hop)
            if found is None:
                continue
            cost = found
        if first_med == -1:
            first_med = attributes.med
        elif attributes.med != first_med:
            return explain(candidates, igp_cost, tie_break, incumbent).best
        originator = attributes.originator_id
        is_ebgp = candidate.is_ebgp
        key = (
            candidate.peer >= 0,
            -attributes.local_pref,
            len(attributes.as_path),
            attributes.origin,
            not is_ebgp,
            cost,
            candidate.received_at if is_ebgp and tie_break.oldest else 0,
            not tie_break.incumbent or not is_ebgp or candidate.peer != incumbent,
            candidate.router_id if originator is None else originator,
            len(attributes.cluster_list),
            abs(candidate.peer),
        )
        if best is None or key < best_key:
            best, best_key = candidate, key
    return best
