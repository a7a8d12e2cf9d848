"""The control plane of a run alone, up to an instant: no clients, no tables."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.units import Duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.scenario.plan import Plan
    from emulator.sim.journal import Journal


def control_plane(
    plan: Plan,
    until: int,
    *,
    journal: Journal | None = None,
    progress: Callable[[str, float], None] = lambda _stage, _done: None,
) -> Emulation:
    """The network of ``plan`` after everything up to and including ``until``; at 0 the settled state.

    Raises `DoesNotSettleError` where the network has no stable state to start from.
    """
    was_collecting = gc.isenabled()
    gc.disable()  # as `simulate` does, for the same reason
    try:
        progress("settling", 0.0)
        emulation = Emulation(replace(plan, duration=Duration(until)), journal)
        emulation.settle()
        if until > 0:
            emulation.run(Faults(emulation).apply, lambda instant: progress("control plane", instant / until))
    finally:
        if was_collecting:
            gc.enable()
    return emulation
