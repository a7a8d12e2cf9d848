"""A verification from start to end: lay out, start, compare, play, compare again, take down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emulator.errors import InputError
from emulator.verify.blueprint import blueprint
from emulator.verify.expected import EmulatorView, steps_of
from emulator.verify.lab import Lab
from emulator.verify.measure import Captures
from emulator.verify.play import (
    Player,
    StepResult,
    patience_of,
    refuse_unconfigurable,
    result,
    wait_and_compare,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emulator.scenario.plan import Plan
    from emulator.verify.daemons.base import DaemonKind
    from emulator.verify.measure import Measured


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found: its steps, the daemons, and how many routers each ran."""

    scenario: str
    daemons: dict[str, int]
    steps: tuple[StepResult, ...]

    @property
    def agrees(self) -> bool:
        """Whether there was no difference at any step."""
        return not any(step.differences for step in self.steps)


def verify(
    plan: Plan,
    kinds: Sequence[DaemonKind],
    *,
    delays: bool = True,
    measure: bool = False,
    keep: Path | None = None,
    limit_s: float = 300.0,
    progress: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Run ``plan`` on real daemons, ``kinds`` one for each router, and compare after each step.

    Raises `InputError` for what a daemon cannot be configured to do, `DaemonError`
    where one fails, and what settling the emulation raises. With ``measure`` what is
    sent is captured, and small messages are not held back by TCP.
    """
    view = EmulatorView(plan)
    layout = blueprint(plan, view.wiring, delays=delays)
    refused = refuse_unconfigurable(layout, kinds)
    if refused:
        raise InputError("\n".join(refused))
    progress("settling the emulation")
    expected = view.settled(layout)
    patience = patience_of(layout, kinds, limit_s)
    steps = []
    measured: list[Measured | None] = []
    with Lab(keep) as lab:
        progress("starting daemons")
        lab.build(layout.setups, layout.wires, kinds)
        captures = Captures(lab) if measure else None
        lab.start()
        player = Player(plan, layout, lab, kinds)
        progress("start")
        outcome = wait_and_compare(lab, layout, expected, patience)
        steps.append(result("start", expected, outcome))
        for events in steps_of(plan):
            label = ", ".join(event.label for event in events)
            progress(label)
            expected = view.step(events, layout)
            if captures is not None:
                lab.without_nagle()
                lab.ahead_of_others()
                captures.mark(events[0].at)
            player.apply(events)
            outcome = wait_and_compare(lab, layout, expected, patience)
            steps.append(result(label, expected, outcome))
        if captures is not None:
            measured += captures.finish(layout)
    for number, found in enumerate(measured, 1):  # of the start nothing is measured
        steps[number] = replace(steps[number], measured=found)
    counts: dict[str, int] = {}
    for kind in kinds:
        counts[kind.name] = counts.get(kind.name, 0) + 1
    return Verification(plan.name, counts, tuple(steps))
