"""Every order in which messages can arrive: where the gadgets of the stable-paths literature can end up."""

from __future__ import annotations

from labs import lab, r0, ranked
from message_orders import QUIET, explore

AROUND_THREE = [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3), (3, 1)]


def test_shortest_paths_have_one_state_of_rest() -> None:
    """A square with one corner announcing: whatever the order, also where two ways are equally long."""
    square = lab([(0, 1), (1, 2), (2, 3), (3, 0)], 4)
    assert explore(square, (r0(**QUIET),) * 4) == ({((), (0,), (1, 0), (0,))}, True)


def test_disagree_has_two() -> None:
    """Each of two neighbours would rather go through the other; one of them gets its way."""
    configs = (r0(**QUIET), ranked((2, 0), (0,), **QUIET), ranked((1, 0), (0,), **QUIET))
    rests = {((), (2, 0), (0,)), ((), (0,), (1, 0))}
    assert explore(lab([(0, 1), (0, 2), (1, 2)], 3), configs) == (rests, True)


def test_good_gadget_has_one() -> None:
    """Router 3 is content with the direct way, which settles 1, which settles 2."""
    configs = (
        r0(**QUIET),
        ranked((3, 0), (0,), **QUIET),
        ranked((1, 0), (0,), **QUIET),
        ranked((0,), **QUIET),
    )
    assert explore(lab(AROUND_THREE, 4), configs) == ({((), (3, 0), (0,), (0,))}, True)


def test_bad_gadget_has_none() -> None:
    """All orders were tried, and none of them comes to rest."""
    configs = (
        r0(**QUIET),
        ranked((2, 0), (0,), **QUIET),
        ranked((3, 0), (0,), **QUIET),
        ranked((1, 0), (0,), **QUIET),
    )
    assert explore(lab(AROUND_THREE, 4), configs) == (set(), True)
