"""FRR's timing on cliques: as many messages as the emulator says, exactly, and as long, within 50 ms or 2 %.

A stub hangs on one of n ASes that all peer with each other; its prefix is announced and, when all is
quiet, withdrawn. Measured on FRR 8.4.4 and fitted for n of 3 to 6: announcements after the withdrawal
(n - 1) (n (n - 1) / 2 - 1), withdrawals 1 + n + (n - 1)^2, and (n - 3) MRAI + n 50 ms until the last of
them. Each round of 50 ms (its best-path queue) all take the next longer path and one AS drops out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from daemon_labs import needs, told, verified

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs("frr"), pytest.mark.slow]

MILLISECOND = 1_000_000


def clique(routers: int, mrai_s: int) -> dict[str, Any]:
    """A clique of r1..rn as FRR comes, with the stub r0 on r1."""
    names = [f"r{i}" for i in range(routers + 1)]
    pairs = [(0, 1)] + [(i, j) for i in range(1, routers + 1) for j in range(i + 1, routers + 1)]
    return {
        "version": 1,
        "name": f"clique-{routers}-{mrai_s}",
        "network": {
            "routers": {name: {"asn": 65000 + i, "like": "frr"} for i, name in enumerate(names)},
            "links": [{"ends": [names[i], names[j]], "delay": "0s"} for i, j in pairs],
        },
        "bgp": {"policy": "permit-all", "mrai": f"{mrai_s}s"},
        "duration": "1h",
        "timeline": [
            {"at": "1min", "announce": "203.0.113.0/24", "router": "r0"},
            {"at": "10min", "withdraw": "203.0.113.0/24", "router": "r0"},
        ],
    }


@pytest.mark.parametrize("mrai_s", [0, 1, 5])
@pytest.mark.parametrize("routers", [3, 4, 5, 6])
def test_clique(tmp_path: Path, routers: int, mrai_s: int) -> None:
    """Announcement: 2 rounds and 8, 14, 22, 32 messages; withdrawal: the closed forms above."""
    outcome = verified(tmp_path, clique(routers, mrai_s), "frr", measure=True)
    assert told(outcome) == []
    up, down = outcome.steps[1:]
    n = routers
    expected_down = ((n - 1) * (n * (n - 1) // 2 - 1), 1 + n + (n - 1) ** 2)
    expected_up = ({3: 8, 4: 14, 5: 22, 6: 32}[n], 0)
    for step, counts, duration_ms in (
        (up, expected_up, 100),
        (down, expected_down, (n - 3) * mrai_s * 1000 + n * 50),
    ):
        assert step.expected is not None
        assert step.measured is not None
        assert counts == (step.expected.announcements, step.expected.withdrawals)
        assert counts == (step.measured.announcements, step.measured.withdrawals)
        assert step.expected.duration_ns == duration_ms * MILLISECOND
        assert step.measured.duration_ns is not None
        late = step.measured.duration_ns - step.expected.duration_ns
        assert abs(late) <= max(50 * MILLISECOND, step.expected.duration_ns // 50)
