"""What a scenario says must come out: ``ipa.lost_requests.share < 0.1%``, parsed and evaluated.

An expectation is a path into ``summary.json``, a comparison and a value, or a
second path to compare with. The path's head is a strategy's name, ``event[1]``
(the event with that index) or any other key of the summary. Units follow the
metric's name: ``_s`` is seconds and ``_ms`` milliseconds, so ``1min`` compares
with both; ``%`` is a hundredth.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import UnitError
from emulator.units import MILLISECOND, SECOND, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Path = tuple[str | int, ...]
"""Keys, and indices where brackets hold a number: ``event[1].quiescent`` is ("event", 1, "quiescent")."""
Number = float | int
Value = Number | bool | str

OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
EXAMPLE: Final = "ipa.lost_requests.share < 0.1%"
SUMMARY_HEADS: Final = ("catchments", "event", "network", "paths", "routes")
"""Heads of paths beside the strategies' names."""
_PART: Final = re.compile(r"(?:^|\.)([A-Za-z_][A-Za-z0-9_-]*)|\[([0-9]{1,9})\]|\[\s*([^\]\s][^\]]{0,99})\]")
_NUMBER: Final = re.compile(
    r"([+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:e[+-]?[0-9]{1,2})?)\s*([%A-Za-z]*)"
)
_LONGEST_TEXT: Final = 300


class ExpectationError(UnitError):
    """An expectation that does not parse."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """``path comparison value``, or ``path comparison other`` where ``other`` is a path too.

    ``value`` is in the metric's own unit; ``text`` is what the scenario says.
    """

    text: str
    path: Path
    comparison: str
    value: Value | None
    other: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an expectation held, and what was found: None where the summary has no such value."""

    expectation: Expectation
    passed: bool
    actual: Value | None
    compared_with: Value | None

    def __str__(self) -> str:
        """One line for a person."""
        verdict = "ok" if self.passed else "FAILED"
        found = "no such value" if self.actual is None else repr(self.actual)
        return f"{verdict}: {self.expectation.text} (got {found})"


def parse_expectation(text: str) -> Expectation:
    """Parse one line of ``expect:``; `ExpectationError` says what is wrong with it."""
    if len(text) > _LONGEST_TEXT:
        message = f"expected one comparison such as {EXAMPLE!r}, got {len(text)} characters"
        raise ExpectationError(message)
    left, sign, right = _split(text)
    path = _parse_path(left, text)
    if re.fullmatch(r"true|false", right):
        return Expectation(text, path, _only_equality(sign, text), right == "true")
    if len(right) > 1 and right[0] == right[-1] and right[0] in "\"'":
        return Expectation(text, path, _only_equality(sign, text), right[1:-1])
    match = _NUMBER.fullmatch(right)
    if match:
        return Expectation(text, path, sign, _in_unit_of(path, match.group(1), match.group(2), text))
    if re.match(r"[A-Za-z_]", right) and ("." in right or "[" in right):
        return Expectation(text, path, sign, None, _parse_path(right, text))
    wanted = "a number, true, false, a quoted text or a second metric"
    message = f"expected {wanted} after {sign!r}, got {right!r} in {text!r}"
    raise ExpectationError(message)


def evaluate(expectation: Expectation, summary: Mapping[str, Any]) -> Outcome:
    """Look the value up in ``summary`` (the contents of summary.json) and compare.

    A value that is missing or None fails every comparison, ``!=`` too: an
    expectation about nothing is a mistake that must be seen.
    """
    actual = find(summary, expectation.path)
    against = expectation.value if expectation.other is None else find(summary, expectation.other)
    comparable = actual is not None and against is not None
    if comparable and expectation.comparison not in {"==", "!="}:
        comparable = _is_number(actual) and _is_number(against)
    passed = comparable and OPERATORS[expectation.comparison](actual, against)
    return Outcome(expectation, passed, actual, against)


def find(summary: Mapping[str, Any], path: Path) -> Value | None:
    """Return the value at ``path``, or None. A list is compared as its items joined by blanks."""
    head, *rest = path
    strategies = summary.get("strategies", {})
    here: Any = summary
    if head == "event" and rest and isinstance(rest[0], int):
        here = next((event for event in summary.get("events", ()) if event.get("index") == rest[0]), None)
        rest = rest[1:]
    elif head in strategies:
        here = strategies[head]
    else:
        rest = [head, *rest]
    for part in rest:
        if isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            here = here.get(str(part)) if isinstance(here, dict) else None
    if isinstance(here, list):
        return " ".join(str(item) for item in here)
    return here if isinstance(here, (int, float, str)) else None


def _split(text: str) -> tuple[str, str, str]:
    """Left side, comparison, right side."""
    match = re.fullmatch(r"([^<>=!]+?)\s*(<=|>=|==|!=|<|>)\s*([^<>=!]+)", text.strip())
    if match is None:
        hint = " (a comparison is one of <, <=, ==, !=, >=, >)"
        message = f"expected a comparison such as {EXAMPLE!r}, got {text!r}{hint}"
        raise ExpectationError(message)
    left, sign, right = match.groups()
    return left.strip(), sign, right.strip()


def _parse_path(text: str, whole: str) -> Path:
    """Split ``a.b[1][two]`` in its parts."""
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None or (position == 0 and not match.group(1)):
            message = f"expected a metric such as 'ipa.lost_requests.share', got {text!r} in {whole!r}"
            raise ExpectationError(message)
        key, index, name = match.groups()
        parts.append(int(index) if index is not None else key or name.strip(" \"'"))
        position = match.end()
    return tuple(parts)


def _only_equality(sign: str, text: str) -> str:
    if sign not in {"==", "!="}:
        message = f"expected == or != with true, false or a text, got {sign!r} in {text!r}"
        raise ExpectationError(message)
    return sign


def _in_unit_of(path: Path, number: str, unit: str, text: str) -> Number:
    """Return the number in the unit that the metric's name announces."""
    if not unit:
        return int(number) if re.fullmatch(r"[+-]?[0-9]+", number) else float(number)
    names = [part for part in path if isinstance(part, str)]
    timed = next(
        (suffix for name in reversed(names) for suffix in ("_ms", "_s") if name.endswith(suffix)), None
    )
    if unit == "%" and timed is None:
        return float(f"{number}e-2") if "e" not in number else float(number) / 100
    if unit != "%" and timed is not None:
        try:
            duration = parse_duration(f"{number}{unit}", signed=True)
        except UnitError as error:
            message = f"{error} in {text!r}"
            raise ExpectationError(message) from None
        return duration / (MILLISECOND if timed == "_ms" else SECOND)
    meant = "a time such as '60s'" if timed else "a number or a share such as '0.1%'"
    message = f"expected {meant} to compare with {names[-1]!r}, got {number + unit!r} in {text!r}"
    raise ExpectationError(message)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
