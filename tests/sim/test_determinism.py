"""The same plan gives the same bytes, whatever the process hashes with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import hashlib, json
from dataclasses import replace
from labs import clique, event, plan_of, r0, run, systems
from emulator.bgp.config import Delay
from emulator.bgp.liveness import Detection, SessionConfig
from emulator.timeline import LinksDown, Originate, ResetSession, RoutersDown, StopOriginating

digest = hashlib.sha256()
slow = r0(mrai=3 * 10**9, mrai_jitter=(0.75, 1.0), processing_delay=Delay("lognormal", 10**7, sigma=0.5))
sessions = SessionConfig(Detection.HOLD_TIMER, hold_time=9 * 10**9, keepalive=3 * 10**9)
backbone = systems(
    [0, 1, 1, 1, 1, 1, 2, 2],
    [(0, 1), (1, 2), (2, 3), (3, 6), (1, 4, 2), (4, 5, 2), (5, 7), (3, 5, 10)],
)
for network, by_messages in ((clique(7), True), (backbone, False)):
    actions = (
        LinksDown((2,)), Originate(3, 1, frozenset({65000, 65001, 65002})), RoutersDown((4,)),
        ResetSession((0, 1)), StopOriginating(0, 0), RoutersDown((4,), repair=True),
    )
    events = [event(each, at=(i + 1) * 10**9, index=i) for i, each in enumerate(actions)]
    result = run(plan_of(
        network, config=slow, sessions=(sessions,) * len(network.routers), events=events, prefixes=2,
        by_messages=by_messages, seed=7, fib_install_delay=10**6,
    ))
    recorder = result.emulation.recorder
    windows = [window.summary() for window in recorder.windows]
    for part in (recorder.updates(), recorder.trace, recorder.routes(), windows):
        assert part
        digest.update(json.dumps(part).encode())
print(digest.hexdigest())
"""


def digest(hash_seed: str) -> str:
    """What another process makes of it."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_same_bytes_from_two_processes() -> None:
    """Updates, trace, routes and windows, with another PYTHONHASHSEED."""
    first, second = digest("1"), digest("4242")
    assert len(first) == 64
    assert first == second
