"""Chance in the fleet: draws of `emulator.fleet.draws` as its loops call them, compiled or as they are."""

# mypy: allow-untyped-defs
# ruff: noqa: ANN001, ANN201 - compiled for the arrays they are given: nothing would read annotations

from __future__ import annotations

from emulator.compiled import compiled_for, inlined
from emulator.fleet import draws

uniform = compiled_for()(draws.uniform)
timer_run = compiled_for(low=0.5, high=0.5, first=0.5, second=0.5)(draws.timer_run)


@inlined
def from_table(table, chance):
    """The value of a distribution at ``chance`` in [0, 1), from its `quantiles`."""
    last = len(table) - 1
    if last == 0:
        return table[0]
    place = chance * last
    index = int(place)
    low = table[index]
    return low + int((table[index + 1] - low) * (place - index))
