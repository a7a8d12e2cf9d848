"""The decision process, phase 2: RFC 4271 9.1.2.2 (a)..(g) by elimination, with its reason.

Elimination, not comparison in pairs: MED is compared only between routes from
the same neighbour AS, so "better than" is not transitive and a pairwise winner
would depend on arrival order (RFC 3345). When every candidate carries the same
MED the order is total, and one key comparison gives the same winner sooner.

Where this differs from the RFC: AS_SET is not modelled, so (a) is the plain
path length; a route originated here wins before the degree of preference, as
every router's weight or protocol preference makes it; the step "oldest" is what
several vendors put before (f), taken only where the speaker is configured to.
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
    ROUTER_ID = "9.1.2.2 (f) router identifier"
    PEER_ADDRESS = "9.1.2.2 (g) peer address"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that passed import policy, with what the steps look at.

    ``peer`` is the local index of the session it came over, -1 for a route
    originated here. ``neighbor_as`` is the first AS of the path as received
    (RFC 4271 9.1.2.2 c), 0 for a local route.
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
    """Prefer the route received first before (f): what several routers do for eBGP."""
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


def _steps(
    igp_cost: Callable[[int], int | None], tie_break: TieBreak
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
        (Step.OLDEST, by(lambda c: c.received_at)),
        (Step.ROUTER_ID, by(lambda c: c.router_id)),
        (Step.PEER_ADDRESS, by(lambda c: c.peer)),
    ]
    if not tie_break.oldest:
        del steps[7]
    return tuple(steps)


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
) -> Decision:
    """Choose by elimination and say for every loser which step removed it."""
    left = [c for c in candidates if resolvable(c, igp_cost)]
    eliminated = [(c, Step.UNRESOLVABLE) for c in candidates if not resolvable(c, igp_cost)]
    if not left:
        return Decision(None, Step.NO_ROUTE, tuple(eliminated))
    decided_by = Step.ONLY_ROUTE
    for step, keep in _steps(igp_cost, tie_break):
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
            return explain(candidates, igp_cost, tie_break).best
        key = (
            candidate.peer >= 0,
            -attributes.local_pref,
            len(attributes.as_path),
            attributes.origin,
            not candidate.is_ebgp,
            cost,
            candidate.received_at if tie_break.oldest else 0,
            candidate.router_id,
            candidate.peer,
        )
        if best is None or key < best_key:
            best, best_key = candidate, key
    return best
