"""Figures that the benchmarks keep beside their times, printed with what they are meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line a benchmark: its median time, its own figures, the target."""
    session = getattr(config, "_benchmarksession", None)
    done = [each for each in session.benchmarks if each] if session is not None else []
    if done:
        terminalreporter.section("figures and targets")
    for each in done:
        figures = dict(each.extra_info)
        target = figures.pop("target", "none")
        told = [f"median {each.stats.median:.3g} s", *(f"{name} {value}" for name, value in figures.items())]
        terminalreporter.write_line(f"{each.name}: {', '.join(told)} (target: {target})")
