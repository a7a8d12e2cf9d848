"""One client against one address: SYNs at 0, 1, 3, 7 s, pip's six attempts, resets."""

from __future__ import annotations

import numpy as np
import pytest

from emulator.clients.attempts import Attempts, Conditions, Outcome, run
from emulator.clients.config import Retry
from emulator.clients.paths import NEVER, Paths
from emulator.units import MILLISECOND, SECOND

from client_labs import DARK, history, path


def attempt(
    lines: list, start_s: float, *, number: int = 0, transfer_s: float = 0.0, count: int = 1
) -> Outcome:
    """Outcome of ``count`` equal attempts on one path."""
    paths = Paths(history([lines], end_s=100, groups=1), 1)
    start = np.full(count, round(start_s * SECOND))
    words = np.arange(count, dtype=np.uint64) * np.uint64(2**40 + 12345)
    batch = Attempts(words, np.zeros(count, np.int64), start, np.full(count, number), start)
    now = Conditions(
        paths.pass_share, paths.rtt_ms.astype(np.float32), 4.0, round((transfer_s + 10) * SECOND)
    )
    transfer = np.full(count, round(transfer_s * SECOND))
    return run(batch, np.zeros(count, np.int64), np.zeros(count, np.float32), transfer, paths, now, Retry())


def retry_starts() -> list[float]:
    """Starts (s) of pip's attempts at a dead address, and the moment it gives up."""
    retry, start, starts = Retry(), 0, []
    for number in range(retry.attempts):
        starts.append(start / SECOND)
        outcome = attempt([(0, DARK)], start / SECOND, number=number)
        assert outcome.entry.tolist() == [-1]
        start = int(outcome.failed_at[0]) + (retry.sleeps[number] if number < len(retry.sleeps) else 0)
    return [*starts, start / SECOND]


def test_one_dead_address_takes_pip_97_and_a_half_seconds() -> None:
    """Six timeouts of 15 s and sleeps of 0, 0.5, 1, 2 and 4 s."""
    assert retry_starts() == [0.0, 15.0, 30.5, 46.5, 63.5, 82.5, 97.5]
    assert Retry().budget == 97.5 * SECOND


@pytest.mark.parametrize(("back_s", "connects"), [(0.5, 1), (1.5, 3), (3.5, 7), (7.5, None)])
def test_syns_leave_at_0_1_3_and_7_seconds(back_s: float, connects: float | None) -> None:
    """A path that comes back is found by the next SYN of the attempt, or not at all."""
    outcome = attempt([(0, DARK), (20 + back_s, path(0, 10))], 20.0)
    if connects is None:
        assert outcome.failed_at.tolist() == [35 * SECOND]
    else:
        assert (outcome.entry >= 0).tolist() == [True]
        assert outcome.is_slow.tolist() == [True]
    # and it goes away again right after the SYN that should find it
    if connects is not None:
        gone = attempt([(0, DARK), (20 + connects - 0.1, path(0, 10)), (20 + connects + 0.1, DARK)], 20.0)
        missed = attempt([(0, DARK), (20 + connects + 0.05, path(0, 10)), (20 + connects + 0.1, DARK)], 20.0)
        assert gone.failed_at[0] >= (20 + connects) * SECOND
        assert missed.failed_at.tolist() == [35 * SECOND]


def test_first_syn_that_gets_through_is_good() -> None:
    """No retransmission: neither slow nor reset."""
    outcome = attempt([(0, path(0, 10))], 5.0)
    assert (outcome.is_slow.tolist(), outcome.is_reset.tolist()) == ([False], [False])
    assert outcome.failed_at.tolist() == [NEVER]


def test_loss_is_met_by_syn_and_answer() -> None:
    """With 20 % loss each way 64 % of first SYNs succeed (binomial, 5 sigma); all but 0.36^4 connect."""
    count = 20_000
    outcome = attempt([(0, path(0, 10, loss=0.2))], 5.0, count=count)
    connected = outcome.entry >= 0
    first = (connected & ~outcome.is_slow).mean()
    assert first == pytest.approx(0.64, abs=5 * np.sqrt(0.64 * 0.36 / count))
    missed = 0.36**4
    assert 1 - connected.mean() == pytest.approx(missed, abs=5 * np.sqrt(missed / count))


def test_catchment_change_resets_what_is_in_flight() -> None:
    """Four round trips of 20 ms: a request 79 ms before the move is cut, one 81 ms before is done."""
    lines = [(0, path(0, 10)), (50, path(1, 10))]
    cut, done = attempt(lines, 50 - 0.079), attempt(lines, 50 - 0.081)
    assert (cut.is_reset.tolist(), cut.failed_at.tolist()) == ([True], [50 * SECOND])
    assert (done.is_reset.tolist(), done.failed_at.tolist()) == ([False], [NEVER])


def test_rerouting_to_the_same_pop_resets_nothing() -> None:
    """The POP knows the connection; only the way there changed."""
    outcome = attempt([(0, path(0, 10)), (50, path(0, 30))], 49.95, transfer_s=1)
    assert (outcome.is_reset.tolist(), outcome.failed_at.tolist()) == ([False], [NEVER])


def test_dark_stretch_stalls_then_continues_resets_or_times_out() -> None:
    """Back at the same POP in time: slow. At another: reset then. Not in 15 s: given up."""
    before = [(0, path(0, 10)), (50, DARK)]
    same = attempt([*before, (60, path(0, 40))], 49.5, transfer_s=1)
    other = attempt([*before, (60, path(1, 10))], 49.5, transfer_s=1)
    late = attempt([*before, (66, path(0, 10))], 49.5, transfer_s=1)
    assert (same.is_slow.tolist(), same.failed_at.tolist()) == ([True], [NEVER])
    assert (other.is_reset.tolist(), other.failed_at.tolist()) == ([True], [60 * SECOND])
    assert (late.is_reset.tolist(), late.failed_at.tolist()) == ([False], [65 * SECOND])


def test_transfer_time_counts_from_the_syn_that_got_through() -> None:
    """A SYN at 7 s and a 1 s transfer are cut by a move at 7.5 s."""
    lines = [(0, DARK), (26, path(0, 10)), (27.5, path(1, 10))]
    outcome = attempt(lines, 20.0, transfer_s=1)
    assert (outcome.is_reset.tolist(), outcome.failed_at.tolist()) == ([True], [round(27.5 * SECOND)])
    assert outcome.failed_at[0] - 27_500 * MILLISECOND == 0
