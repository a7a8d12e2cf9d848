"""Made-up runs, shared by the tests of analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.analysis.metrics import with_metrics
from emulator.analysis.view import RunView

import synthetic

if TYPE_CHECKING:
    from emulator.record.run import RunRecord


@pytest.fixture(scope="session")
def world() -> RunRecord:
    """The Red Sea, small."""
    return with_metrics(synthetic.world_record(demand=300.0, per_city=1))


@pytest.fixture(scope="session")
def lab() -> RunRecord:
    """A clique that forgets a route."""
    return with_metrics(synthetic.lab_record())


@pytest.fixture(scope="session")
def graph() -> RunRecord:
    """An AS graph whose POP fails."""
    return synthetic.graph_record()


@pytest.fixture(scope="session")
def world_view(world: RunRecord) -> RunView:
    """The small Red Sea as plots see it."""
    return RunView(world)
