"""Exceptions are rebuildable from ``args``, and a problem is rendered the way compilers do it."""

from __future__ import annotations

import importlib
import pickle
import pkgutil

import pytest

import emulator
from emulator.bgp.messages import Notification
from emulator.errors import EmulatorError, Problem, ScenarioError, suggest

PROBLEM = Problem("a.yaml", 3, 5, "bgp.mrai", "wrong")
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "ScenarioError": ((PROBLEM,),),
    "PeerError": (Notification(6, 2, b"\2ok"), "wrong"),
    "NotYamlError": ((1, 2), "wrong"),
    "WorldError": ((PROBLEM,),),
    "StillChangingError": (24 * 3600 * 10**9,),
    "UnknownNameError": ("cable", "MAREAA", ("MAREA",)),
}
"""Constructor arguments of the classes that take more than a message."""


def exception_classes() -> list[type[Exception]]:
    """Every exception class that a module of the package defines."""
    found: dict[str, type[Exception]] = {}
    for module in pkgutil.walk_packages(emulator.__path__, "emulator."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            is_ours = isinstance(value, type) and value.__module__.startswith("emulator")
            if is_ours and issubclass(value, Exception):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return [found[name] for name in sorted(found)]


@pytest.mark.parametrize("kind", exception_classes(), ids=lambda kind: kind.__qualname__)
def test_every_exception_is_rebuildable_from_its_args(kind: type[Exception]) -> None:
    """SimPy re-creates what leaves a process as ``type(exc)(*exc.args)``: nothing may be lost by that."""
    error = kind(*ARGUMENTS.get(kind.__name__, ("what went wrong",)))
    again = type(error)(*error.args)

    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes


def test_the_walk_finds_the_classes() -> None:
    """The test above is not about nothing."""
    assert ScenarioError in exception_classes()
    assert EmulatorError in exception_classes()


def test_problems_are_rendered_like_a_compilers() -> None:
    """With a place, without one, and for a file as a whole."""
    assert str(PROBLEM) == "a.yaml:3:5: bgp.mrai: wrong"
    assert str(Problem("a.yaml", 3, 5, "", "wrong")) == "a.yaml:3:5: wrong"
    assert str(Problem("a.yaml", 0, 0, "", "wrong")) == "a.yaml: wrong"
    assert (
        str(ScenarioError((PROBLEM, PROBLEM))) == "a.yaml:3:5: bgp.mrai: wrong\na.yaml:3:5: bgp.mrai: wrong"
    )


def test_suggestions() -> None:
    """The nearest known name, in its own spelling, whatever the case; nothing where none is near."""
    known = ("MAREA", "SEA-ME-WE-4", "AAE-1")

    assert suggest("mareaa", known) == " (did you mean 'MAREA'?)"
    assert suggest("sea-me-we 4", known) == " (did you mean 'SEA-ME-WE-4'?)"
    assert suggest("Dunant", known) == ""
    assert suggest("x", ()) == ""
