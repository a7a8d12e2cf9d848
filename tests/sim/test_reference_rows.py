"""Numbers known in closed form: what one event does to a line, star, ring or clique.

Conventions of `labs`: every link takes D, no processing time, MRAI M per peer
without jitter, withdrawals bypass it. T is exact to the nanosecond, A and W are
exact counts; none depends on the order of simultaneous events.
"""

from __future__ import annotations

import pytest

from labs import D, M, Result, announce, clique, line, r0, ring, star, withdraw

SIZES = range(3, 10)


def counted(result: Result) -> tuple[int, int, int]:
    """T in ns, A, W; the run must have come to rest."""
    assert result.quiescent
    return result.time, result.announcements, result.withdrawals


@pytest.fixture(params=[False, True], ids=["settle-solve", "settle-simulate"])
def by_messages(request: pytest.FixtureRequest) -> bool:
    """Both ways to the settled network."""
    return bool(request.param)


@pytest.mark.parametrize("ssld", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_line_withdraw(n: int, ssld: bool, by_messages: bool) -> None:
    """The withdrawal travels n - 1 links; without SSLD every router also hears an echo's withdrawal."""
    config = r0(sender_side_loop_detection=ssld)
    result = withdraw(line(n), config=config, by_messages=by_messages)
    assert counted(result) == ((n - 1) * D, 0, (n - 1) if ssld else 2 * (n - 1))


@pytest.mark.parametrize("ssld", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_line_announce(n: int, ssld: bool, by_messages: bool) -> None:
    """The announcement travels n - 1 links, and back over each where nobody looks for loops first."""
    config = r0(sender_side_loop_detection=ssld)
    result = announce(line(n), config=config, by_messages=by_messages)
    assert counted(result) == ((n - 1) * D, (n - 1) if ssld else 2 * (n - 1), 0)


@pytest.mark.parametrize("ssld", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_star_leaf_withdraws(n: int, ssld: bool, by_messages: bool) -> None:
    """Leaf to centre to the other leaves: two links."""
    config = r0(sender_side_loop_detection=ssld)
    result = withdraw(star(n), origin=1, config=config, by_messages=by_messages)
    assert counted(result) == (2 * D, 0, (n - 1) if ssld else 2 * (n - 1))


@pytest.mark.parametrize("n", [n for n in SIZES if n % 2])
def test_ring_announce(n: int, by_messages: bool) -> None:
    """Both ways round meet half way."""
    assert counted(announce(ring(n), by_messages=by_messages)) == ((n - 1) // 2 * D, 2 * n, 0)


@pytest.mark.parametrize("n", [n for n in SIZES if n % 2])
def test_ring_withdraw(n: int, by_messages: bool) -> None:
    """Each half tries the way through the other half before it gives up."""
    result = withdraw(ring(n), by_messages=by_messages)
    assert counted(result) == ((n - 1) * D, 2 * (n - 1), 4 * n - 6)


@pytest.mark.parametrize("n", SIZES)
def test_clique_announce(n: int, by_messages: bool) -> None:
    """Everybody hears the origin at once, and tells everybody."""
    assert counted(announce(clique(n), by_messages=by_messages)) == (D, n * (n - 1), 0)


@pytest.mark.parametrize("n", SIZES)
def test_clique_withdraw_takes_n_minus_3_rounds(n: int, by_messages: bool) -> None:
    """Labovitz et al. (SIGCOMM 2000): path hunting through n - 3 rounds of MRAI."""
    result = withdraw(clique(n), by_messages=by_messages)
    assert counted(result) == ((n - 3) * M + 2 * D, (n - 2) * (n * n - 1) // 2, n * (n - 1))


@pytest.mark.parametrize("origin", [1, 3, 4])
def test_clique_withdraw_from_anywhere(origin: int) -> None:
    """Which router identifier withdraws does not matter."""
    result = withdraw(clique(5), origin=origin)
    assert counted(result) == (2 * M + 2 * D, 36, 20)


@pytest.mark.parametrize("seed", range(12))
def test_clique_withdraw_with_jitter(seed: int) -> None:
    """RFC 4271 section 10 jitter [0.75, 1]: strictly between 0.5 and 1.0 of the rounds.

    A round lasts at least 0.75 M, but a router that is behind the others can
    skip one; in a clique of 10 with its 7 rounds this never halves the time.
    """
    result = withdraw(clique(10), config=r0(mrai_jitter=(0.75, 1.0)), seed=seed)
    assert result.quiescent
    assert 0.5 < result.time / (7 * M) < 1.0


@pytest.mark.parametrize("n", [5, 6, 7, 8])
def test_clique_withdraw_with_jitter_on_average(n: int) -> None:
    """The same bounds hold of the mean in small cliques, where skipping one of two rounds weighs more."""
    times = [withdraw(clique(n), config=r0(mrai_jitter=(0.75, 1.0)), seed=s).time for s in range(20)]
    assert 0.5 < sum(times) / 20 / ((n - 3) * M) < 1.0
    assert max(times) < (n - 3) * M


@pytest.mark.parametrize("n", [4, 6, 8])
def test_equal_jitter_scales_the_rounds(n: int) -> None:
    """A jitter that always comes out at 0.75 keeps everybody in step: exactly 0.75 of the rounds."""
    result = withdraw(clique(n), config=r0(mrai_jitter=(0.75, 0.75)))
    assert counted(result) == ((n - 3) * M * 3 // 4 + 2 * D, (n - 2) * (n * n - 1) // 2, n * (n - 1))


def test_jitter_differs_by_seed() -> None:
    """Another seed draws other timers, the same seed the same ones."""
    times = [withdraw(clique(6), config=r0(mrai_jitter=(0.75, 1.0)), seed=s).time for s in (1, 1, 2)]
    assert times[0] == times[1]
    assert times[0] != times[2]
