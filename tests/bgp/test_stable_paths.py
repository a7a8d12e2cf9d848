"""Random stable-paths problems (Griffin, Shepherd and Wilfong, IEEE/ACM ToN 10(2), 2002), three ways.

By brute force over all assignments, by every order of messages, and by the
timed run under random delays. What must hold between them:

- where the untimed search comes to rest there is a stable assignment, and only there;
- the timed run goes quiet only in a state that some order of messages leads to;
- a problem without a stable assignment never goes quiet, whatever the delays.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emulator.bgp.config import WithdrawalRule
from emulator.timeline import Originate
from emulator.units import MILLISECOND

from labs import M, clique, event, plan_of, r0, ranked, run
from message_orders import QUIET, explore

if TYPE_CHECKING:
    from emulator.bgp.config import SpeakerConfig

Path = tuple[int, ...]
NODES = (1, 2, 3)
WAYS = {
    node: tuple(
        (*via, 0)
        for length in range(len(NODES))
        for via in permutations([other for other in NODES if other != node], length)
    )
    for node in NODES
}
"""All simple paths from each node of a 4-clique to node 0, without the node itself."""


@dataclass(frozen=True)
class Problem:
    """The permitted paths of each node, best first."""

    ranks: dict[int, tuple[Path, ...]]

    def choice(self, node: int, others: dict[int, Path | None]) -> Path | None:
        """Give the best permitted path whose next node really uses the rest of it."""
        for path in self.ranks[node]:
            rest = () if path == (0,) else others[path[0]]
            if rest == path[1:]:
                return path
        return None

    def solutions(self) -> set[tuple[Path | None, ...]]:
        """All stable assignments, node 0's empty path first, as `explore` gives them."""
        found = set()
        for chosen in product(*((*self.ranks[node], None) for node in NODES)):
            state = dict(zip(NODES, chosen, strict=True))
            if all(self.choice(node, state) == state[node] for node in NODES):
                found.add(((), *chosen))
        return found

    def configs(self, **options: object) -> tuple[SpeakerConfig, ...]:
        """The speakers that play it."""
        return (r0(**options), *(ranked(*self.ranks[node], **options) for node in NODES))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Each node permits one to four of its five simple paths, in any order."""
    return Problem(
        {
            node: tuple(draw(st.lists(st.sampled_from(WAYS[node]), min_size=1, max_size=4, unique=True)))
            for node in NODES
        }
    )


_SETTINGS = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@_SETTINGS
@given(problems())
def test_every_state_of_rest_is_a_stable_assignment(problem: Problem) -> None:
    """Of all message orders, none rests anywhere else; without a stable assignment none rests at all."""
    rests, is_complete = explore(clique(4), problem.configs(**QUIET))
    assert is_complete
    assert rests <= problem.solutions()


@_SETTINGS
@given(problems(), st.integers(0, 2**32))
def test_timed_runs_rest_where_some_order_of_messages_does(problem: Problem, seed: int) -> None:
    """A reachable rest is found sooner or later, and never any other state.

    Sooner or later, because MRAI with a random jitter sends only the latest of
    several changes. Without it each message makes its receiver answer with
    another, and two neighbours that disagree keep both in flight for ever.
    """
    config = {
        "mrai": 100 * MILLISECOND,
        "mrai_jitter": (0.2, 1.0),
        "withdrawals": WithdrawalRule.WAIT,
    }
    plan = plan_of(
        clique(4),
        configs=problem.configs(**(QUIET | config)),
        announced=False,
        events=[event(Originate(0, 0))],
        duration=2 * M,
        seed=seed,
    )
    result = run(plan)
    rests, _ = explore(clique(4), problem.configs(**QUIET))
    assert result.quiescent == bool(rests)
    if result.quiescent:
        bests = [speaker.loc_rib.get(0) for speaker in result.emulation.speakers]
        state = tuple(best and tuple(asn - 65000 for asn in best.attributes.as_path) for best in bests)
        assert state in rests
