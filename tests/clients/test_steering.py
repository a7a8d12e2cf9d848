"""The authoritative side: rendezvous draws, health in the answers, users' strategies."""

from __future__ import annotations

import numpy as np
import pytest

from emulator.clients.config import Address, Demand, Fault, Kind, Resolvers, Strategy
from emulator.clients.requests import evaluate
from emulator.clients.steering import Authority, View, checked_shares
from emulator.errors import InputError
from emulator.units import SECOND

from client_labs import DARK, config, history, ipa, network, path

ASKERS = 40_000


def drawn(weights: list[float]) -> np.ndarray:
    """Answers of one group's resolvers under ``weights``, always with the same variates."""
    addresses = tuple(Address(f"p{i}", i) for i in range(len(weights)))
    authority = Authority(Strategy("s", Kind.IPA, addresses), ("g",), np.ones(1), None, None)
    authority.weights = np.array([weights])
    variates = np.random.default_rng(1).exponential(size=(ASKERS, len(weights)))
    zeros = np.zeros(ASKERS, dtype=np.int64)
    return authority.answer(zeros, zeros, variates, 0, 1)


def test_resolvers_are_drawn_in_proportion_to_the_weights() -> None:
    """Within 5 standard errors of 0.5, 0.3, 0.2; a zero weight is never drawn."""
    counts = np.bincount(drawn([5, 3, 2, 0]), minlength=4) / ASKERS
    for share, expected in zip(counts, [0.5, 0.3, 0.2, 0.0], strict=True):
        assert share == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / ASKERS))


def test_moving_weights_move_only_the_difference() -> None:
    """0.5/0.3/0.2 to 0.4/0.4/0.2: a tenth of resolvers change, all of them to the second address."""
    before, after = drawn([0.5, 0.3, 0.2]), drawn([0.4, 0.4, 0.2])
    changed = before != after
    assert changed.mean() == pytest.approx(0.1, abs=0.02)
    # as every share is relative, a raise for one address takes from each of the others alike
    assert (after[changed] == 1).mean() > 0.7
    raised = drawn([0.5, 0.5, 0.2])
    assert (raised[before != raised] == 1).all()


class Everything:
    """A user's strategy that sends all groups to one address and remembers what it saw."""

    seen: list[View]

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.seen = []

    def shares(self, view: View) -> np.ndarray:
        """All to the last address."""
        self.seen.append(view)
        shares = np.zeros(view.is_healthy.shape)
        shares[:, -1] = 1
        return shares


def run_user(user: type, **options: float) -> dict:
    """Tables of a user's strategy over two good addresses."""
    world = network([1.0, 3.0])
    lines = history([[(0, path(0, 10))], [(0, path(1, 30))]], end_s=40, groups=2)
    strategy = Strategy("mine", Kind.USER, (Address("a", 0, 64), Address("b", 1, 65)), user_class=user)
    return evaluate(world, lines, config(strategy, end_s=40, demand=Demand(50.0), **options), 1)


def test_user_strategy_decides() -> None:
    """Every request goes where the class says."""
    tables = run_user(Everything)
    assert set(tables["catchment"]["pop"].tolist()) == {1}
    assert tables["steering"]["share"][1::2].tolist() == [1.0] * 4


def test_user_strategy_sees_measurements_read_only() -> None:
    """Names, samples of a window, health, demand; nothing can be written."""
    made = []

    class Spy(Everything):
        def __init__(self) -> None:
            """Keep the instance for the test."""
            super().__init__()
            made.append(self)

    run_user(Spy)
    views = made[0].seen
    assert [view.now_s for view in views] == [0.0, 10.0, 20.0, 30.0]
    first = views[0]
    assert (first.groups, first.addresses, first.providers) == (("g0", "g1"), ("a", "b"), (64, 65))
    assert first.samples_ms.shape == (2, 2, 60)
    assert np.isfinite(first.samples_ms).all()
    assert first.demand.tolist() == pytest.approx([0.25, 0.75])  # sums end otherwise on another processor
    assert (first.samples_ms[:, 0] > 20).all()
    for array in (first.samples_ms, first.is_healthy, first.demand):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (np.ones((1, 2)), "expected shape"),
        (np.array([[1, np.nan], [1, 1]]), "finite"),
        (np.array([[1, -1], [1, 1]]), "negative"),
        (np.array([[1, 1], [0, 0]]), "row 1 is all zero"),
        ("many", "array of numbers"),
        (None, "finite|shape"),
    ],
)
def test_nonsense_from_a_user_strategy_names_its_class(value: object, complaint: str) -> None:
    """A kind error instead of a traceback or silent nonsense."""

    class Nonsense:
        def shares(self, view: View) -> object:
            assert view.addresses
            return value

    with pytest.raises(InputError, match=rf"Nonsense.shares: .*({complaint})"):
        run_user(Nonsense)


def test_a_class_without_shares_is_refused() -> None:
    """Before anything runs."""
    with pytest.raises(InputError, match=r"int.*shares"):
        run_user(int)


def test_shares_need_not_sum_to_one() -> None:
    """Rows are relative."""
    assert checked_shares([[2, 2], [0, 5]], (2, 2), "X").tolist() == [[1.0, 1.0], [0.0, 1.0]]


def test_dead_address_leaves_the_answers_until_it_is_back() -> None:
    """Share 0 from detection to recovery, and the others take over."""
    world = network([1.0])
    lines = history(
        [[(0, path(0, 10)), (60, DARK), (180, path(0, 10))], [(0, path(1, 30))]], end_s=300, groups=1
    )
    settings = config(
        ipa(0, 1),
        end_s=300,
        fault_s=60,
        during_end_s=180,
        faults=(Fault(0, 60 * SECOND),),
        demand=Demand(50.0),
    )
    steering = evaluate(world, lines, settings, 1)["steering"]
    first = [a == "p0" for a in steering["address"]]
    share = dict(zip(steering["second"][first].tolist(), steering["share"][first].tolist(), strict=True))
    assert share[50] > 0.4
    assert [share[s] for s in range(100, 190, 10)] == [0.0] * 9
    assert share[290] > 0.4


def test_all_addresses_dead_leaves_the_answer_unchanged() -> None:
    """Fail-open: resolvers still get an address."""
    world = network([1.0])
    dies = [(0, path(0, 10)), (30, DARK)]
    settings = config(
        ipa(0, 1), end_s=200, demand=Demand(5.0), resolvers=Resolvers(5), faults=(Fault(0, 30 * SECOND),)
    )
    tables = evaluate(world, history([dies, dies], end_s=200, groups=1), settings, 1)
    share = tables["steering"]["share"].reshape(-1, 2)
    assert share.sum(axis=1) == pytest.approx(np.ones(len(share)))
    assert tables["requests"]["lost"].sum() > 0
    assert tables["reconvergence"]["censored"].tolist() == [True]


def test_unicast_takes_the_least_measured_median() -> None:
    """POP 1 is nearer to group 1; health moves its clients while it is dead."""
    world = network([1.0, 1.0])
    lines = history(
        [
            [[(0, path(0, 10))], [(0, path(0, 60))]],
            [[(0, path(1, 50))], [(0, path(1, 5)), (100, DARK)]],
        ],
        end_s=200,
        groups=2,
    )
    strategy = Strategy("unicast", Kind.UNICAST, (Address("P0", 0), Address("P1", 1)))
    settings = config(strategy, end_s=200, fault_s=100, during_end_s=170, demand=Demand(50.0))
    tables = evaluate(world, lines, settings, 1)
    catchment = tables["catchment"]
    columns = (catchment[name].tolist() for name in ("group", "pop", "requests"))
    rows = zip(catchment["phase"], *columns, strict=True)
    # a few that started just before the fault were served after it
    served = {(phase, group, pop) for phase, group, pop, requests in rows if requests > 100}
    assert {(p, g, q) for p, g, q in served if p == "before"} == {("before", 0, 0), ("before", 1, 1)}
    assert {(p, g, q) for p, g, q in served if p == "after"} == {("after", 0, 0), ("after", 1, 0)}
