"""The gate: a run's metrics against a committed baseline, and against what its scenario expects.

Runs are deterministic, so equality is the default; a tolerance loosens the
metrics that its pattern matches. A baseline is one JSON file a scenario, made to
be read in a diff.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError, UnitError
from emulator.expectation import evaluate
from emulator.record.folder import write_text
from emulator.record.jsontext import pretty
from emulator.units import parse_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emulator.analysis.metrics import Value
    from emulator.expectation import Expectation, Outcome

BASELINE_SCHEMA: Final = 1
MOVED: Final = "moved"
GONE: Final = "gone"
NEW: Final = "new"
WITHIN: Final = "within tolerance"
_ROUNDING: Final = 1e-9
"""So that 0.021 is within 5 % of 0.02 although binary fractions say otherwise."""
_SAFE_NAME: Final = re.compile(r"\w[\w.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far metrics that match ``pattern`` may be from the baseline.

    In a pattern ``*`` stands for any text and ``?`` for any character.
    """

    pattern: str
    relative: float = 0.0
    absolute: float = 0.0

    def covers(self, metric: str) -> bool:
        """Tell whether ``metric`` matches the pattern."""
        parts = (re.escape(part).replace(r"\?", ".") for part in self.pattern.split("*"))
        return re.fullmatch(".*".join(parts), metric) is not None

    def allows(self, expected: float, found: float) -> bool:
        """Tell whether ``found`` is close enough to ``expected``."""
        limit = max(self.absolute, self.relative * abs(expected))
        return abs(found - expected) <= limit * (1 + _ROUNDING)


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric that is not as the baseline has it. ``change`` is for people: ``+4.2 %``."""

    metric: str
    kind: str
    expected: Value
    found: Value
    change: str = ""

    @property
    def is_failure(self) -> bool:
        """New metrics and small moves are reported, and fail nothing."""
        return self.kind in (MOVED, GONE)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The committed metrics of a scenario, with the tolerances that travel with them."""

    scenario: str
    seed: int
    metrics: Mapping[str, Value]
    tolerances: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that the gate has to say about one scenario. ``compared`` counts baseline metrics."""

    scenario: str
    compared: int
    differences: tuple[Difference, ...]
    outcomes: tuple[Outcome, ...]
    seconds: float = 0.0
    """Wall time of the run."""
    updated: bool = False

    @property
    def passed(self) -> bool:
        """True where nothing moved beyond tolerance (or the baseline is new) and every expectation holds."""
        return (self.updated or not self.failures) and all(outcome.passed for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[Difference, ...]:
        """The differences that fail the gate."""
        return tuple(difference for difference in self.differences if difference.is_failure)


def parse_tolerance(text: str) -> Tolerance:
    """Parse ``PATTERN=5%`` (relative) or ``PATTERN=0.5`` (absolute, in the metric's unit).

    Raises `InputError` for anything else.
    """
    pattern, separator, amount = text.rpartition("=")
    try:
        if not separator or not pattern:
            raise ValueError  # noqa: TRY301 - one message for every fault
        if amount.strip().endswith("%"):
            return Tolerance(pattern.strip(), relative=parse_share(amount.strip()))
        absolute = float(amount)
        if not 0 <= absolute < float("inf"):
            raise ValueError  # noqa: TRY301
    except (UnitError, ValueError) as error:
        message = f"expected a tolerance such as '*.rtt_ms.*=2%' or 'event*_s=0.5', got {text!r}"
        raise InputError(message) from error
    return Tolerance(pattern.strip(), absolute=absolute)


def compare(
    baseline: Mapping[str, Value], current: Mapping[str, Value], tolerances: Sequence[Tolerance] = ()
) -> tuple[Difference, ...]:
    """Return every difference, by metric name. Where several tolerances match, the last one counts."""
    found = []
    for metric in sorted({**baseline, **current}):
        if metric not in current:
            found.append(Difference(metric, GONE, baseline[metric], None))
        elif metric not in baseline:
            found.append(Difference(metric, NEW, None, current[metric]))
        else:
            difference = _difference(metric, baseline[metric], current[metric], tolerances)
            if difference is not None:
                found.append(difference)
    return tuple(found)


def _difference(
    metric: str, expected: Value, value: Value, tolerances: Sequence[Tolerance]
) -> Difference | None:
    if expected == value and isinstance(expected, bool) == isinstance(value, bool):
        return None
    if not _is_number(expected) or not _is_number(value):
        return Difference(metric, MOVED, expected, value)
    before, now = float(expected), float(value)  # type: ignore[arg-type]
    change = f"{100 * (now - before) / abs(before):+.3g} %" if before else f"{now - before:+.6g}"
    allowed = next((t for t in reversed(tolerances) if t.covers(metric)), None)
    kind = WITHIN if allowed is not None and allowed.allows(before, now) else MOVED
    return Difference(metric, kind, expected, value, change)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def baseline_path(folder: Path, scenario: str) -> Path:
    """Where the baseline of the scenario called ``scenario`` is. Raises `InputError` for an unsafe name."""
    if not _SAFE_NAME.fullmatch(scenario):
        message = f"scenario name {scenario!r} cannot name a file: use letters, digits, '.', '_' and '-'"
        raise InputError(message)
    return folder / f"{scenario}.json"


def read_baseline(folder: Path, scenario: str) -> Baseline:
    """Read a scenario's baseline. Raises `InputError` where it is missing or no baseline."""
    path = baseline_path(folder, scenario)
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{path}: there is no baseline for {scenario!r}; make one with --update, then commit it"
        raise InputError(message) from error
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be read as a baseline: {error}"
        raise InputError(message) from error
    if not isinstance(content, dict) or not isinstance(content.get("metrics"), dict):
        message = f"{path}: not a baseline: expected an object with 'metrics'"
        raise InputError(message)
    if content.get("schema") != BASELINE_SCHEMA:
        schema = content.get("schema")
        message = f"{path}: baseline of schema {schema!r}, expected {BASELINE_SCHEMA}; --update rewrites it"
        raise InputError(message)
    tolerances = content.get("tolerances", {})
    if not isinstance(tolerances, dict):
        message = f"{path}: 'tolerances' maps patterns to amounts such as \"2%\""
        raise InputError(message)
    return Baseline(
        scenario, int(content.get("seed", 0)), content["metrics"], {k: str(v) for k, v in tolerances.items()}
    )


def baseline_tolerances(baseline: Baseline) -> list[Tolerance]:
    """Return the tolerances that are written in the baseline. Raises `InputError` for a malformed one."""
    return [parse_tolerance(f"{pattern}={amount}") for pattern, amount in baseline.tolerances.items()]


def write_baseline(folder: Path, baseline: Baseline) -> Path:
    """Write ``baseline`` in one step and return its path. Raises `InputError` where that fails."""
    path = baseline_path(folder, baseline.scenario)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder}: cannot be created: {error.strerror}"
        raise InputError(message) from error
    content = {
        "schema": BASELINE_SCHEMA,
        "scenario": baseline.scenario,
        "seed": baseline.seed,
        "metrics": dict(baseline.metrics),
        **({"tolerances": dict(baseline.tolerances)} if baseline.tolerances else {}),
    }
    write_text(path, pretty(content))
    return path


def describe(difference: Difference) -> str:
    """Say in one line what moved: ``metric: expected 1, got 2 (+100 %)``."""
    change = f" ({difference.change})" if difference.change else ""
    values = f"expected {difference.expected}, got {difference.found}"
    return f"{difference.metric}: {difference.kind}, {values}{change}"


def describe_outcome(outcome: Outcome) -> str:
    """Say in one line what an expectation found: ``found 0.02``, ``found 3, compared with 4``."""
    found = "no such value" if outcome.actual is None else f"{outcome.actual}"
    if outcome.expectation.other is None:
        return f"found {found}"
    other = "no such value" if outcome.compared_with is None else f"{outcome.compared_with}"
    return f"found {found}, compared with {other}"


def evaluate_expectations(
    expectations: Sequence[Expectation], summary: Mapping[str, Any]
) -> tuple[Outcome, ...]:
    """Evaluate every expectation of a scenario against the summary of its run, in order."""
    return tuple(evaluate(expectation, summary) for expectation in expectations)
