"""Numbers and findings in words, for titles, captions and the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.analysis.graphview import Loss, Window
    from emulator.record.run import Json

NO_BREAK: Final = "\N{NO-BREAK SPACE}"
NOTHING: Final = "\N{EN DASH}"
"""Stands where there is no value."""
_SAME: Final = 0.02
"""Relative change below which an RTT counts as unchanged."""
_LABEL: Final = 60
"""Characters of an event's label in a title."""


def quantity(number: float, digits: int, unit: str) -> str:
    """Return a rounded number and its unit, kept together; ``2.0`` is written ``2``."""
    text = f"{number:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{NO_BREAK}{unit}"


def percent(share: float | None) -> str:
    """Return a share as a percentage with two or three telling digits; never 0 % or 100 % by rounding."""
    if share is None or math.isnan(share):
        return NOTHING
    shown = 100 * share
    smallest = 0.01
    if 0 < shown < smallest:
        return f"under {quantity(smallest, 2, '%')}"
    if 100 - smallest < shown < 100:  # noqa: PLR2004 - of a hundred
        return f"over {quantity(100 - smallest, 2, '%')}"
    near_end = min(shown, 100 - shown) if shown <= 100 else shown  # noqa: PLR2004
    digits = 2 if near_end < 1 else 1 if near_end < 10 else 0  # noqa: PLR2004
    return quantity(shown, digits, "%")


def duration(seconds: float | None) -> str:
    """Return seconds as a person says them; "never" for None and infinity."""
    if seconds is None or math.isinf(seconds):
        return "never"
    if seconds == 0:
        return quantity(0, 0, "s")
    steps = (
        (0.001, 1e-6, 0, "µs"),
        (1, 0.001, 0, "ms"),
        (9.95, 1, 1, "s"),
        (119.5, 1, 0, "s"),
        (7200, 60, 1, "min"),
    )
    for below, unit_s, digits, unit in steps:
        if seconds < below:
            return quantity(seconds / unit_s, digits, unit)
    return quantity(seconds / 3600, 1, "h")


def milliseconds(value: float | None) -> str:
    """Return milliseconds to two or three digits."""
    return NOTHING if value is None or math.isnan(value) else f"{_ms(value)}{NO_BREAK}ms"


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"  # noqa: PLR2004


def count(value: float | None) -> str:
    """Return a count with its thousands apart, millions and billions in words."""
    if value is None:
        return NOTHING
    million = 10**6
    if value >= 1000 * million:
        return f"{value / million / 1000:.3g}{NO_BREAK}billion"
    return f"{value / million:.3g}{NO_BREAK}million" if value >= million else f"{value:,.0f}"


def listed(parts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def together(said: dict[str, str]) -> list[tuple[str, str]]:
    """Return (names, what is said of them): strategies of which the same is said share an entry."""
    by_text: dict[str, list[str]] = {}
    for name, text in said.items():
        by_text.setdefault(text, []).append(name)
    return [(listed(names), text) for text, names in by_text.items()]


def lost_finding(strategies: Json) -> str:
    """Say which share of its requests each strategy lost."""
    shares = {name: metrics["lost_requests"]["share"] or 0.0 for name, metrics in strategies.items()}
    if not any(shares.values()):
        return "No request was lost"
    said = together(
        {
            name: f"lost {percent(share)} of requests" if share else "lost none"
            for name, share in shares.items()
        }
    )
    return "; ".join(f"{names} {text}" for names, text in said)


def recovery_finding(strategies: Json) -> str:
    """Say how soon service was back for the client groups, by strategy."""
    said = {}
    for name, metrics in strategies.items():
        found = metrics.get("service_reconvergence_s") or {}
        groups, censored = found.get("affected_groups", 0), found.get("censored", 0)
        if not groups:
            said[name] = "no group noticed"
        elif censored == groups:
            said[name] = f"none of {groups} groups recovered"
        elif censored:
            said[name] = f"{censored} of {groups} groups never recovered"
        elif groups == 1:
            said[name] = f"the one group that noticed back in {duration(found.get('max'))}"
        else:
            said[name] = f"all {groups} groups back in {duration(found.get('max'))}"
    return "; ".join(f"{names}: {text}" for names, text in together(said))


def rtt_finding(strategies: Json, phases: Sequence[str]) -> str:
    """Say what the fault did to the RTT of each strategy's slowest tenth of requests."""
    last = phases[-1]
    parts = []
    for name, metrics in strategies.items():
        before, then = metrics["rtt_ms"]["before"]["p90"], metrics["rtt_ms"][last]["p90"]
        if then is None:
            continue
        same = last == "before" or before is None or abs(then - before) < _SAME * before
        parts.append(
            f"{name} {milliseconds(then)}" if same else f"{name} {_ms(before)} → {milliseconds(then)}"
        )
    return f"RTT that one request in ten exceeds: {', '.join(parts)}" if parts else "No request succeeded"


def value_text(value: Any) -> str:  # noqa: ANN401 - any metric
    """Return a metric's value for a table: short, exact enough to tell apart."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def loss_text(loss: Loss) -> str:
    """Say how many lost connectivity, for how long, and how many had not got it back."""
    of = f"{count(loss.lost)} of {count(loss.of)} {'ASes' if loss.destinations == 1 else 'pairs'}"
    never = f", {count(loss.never)} never back" if loss.never else ""
    if loss.never == loss.lost:
        return f"{of}, none back"
    median = loss.quantile_s(0.5)
    half = f"p50 {duration(median)}, " if math.isfinite(median) else ""
    return f"{of}; {half}max {duration(loss.longest_s)}{never}"


def loss_period(loss: Loss) -> str:
    """Return median and maximum of the period, as a table shows them."""
    longest = duration(loss.longest_s) if loss.longest_s else NOTHING
    return f"{duration(loss.quantile_s(0.5))} / {longest}"


def loss_finding(found: Sequence[tuple[Window, list[Loss]]]) -> str:
    """Say what the worst event did to connectivity: at plain anycast, where that suffered at all."""
    candidates = [(window, loss) for window, kinds in found for loss in kinds]
    if not candidates:
        return "No AS lost connectivity"
    single = [each for each in candidates if each[1].destinations == 1] or candidates
    faults = [each for each in single if not each[0].is_repair] or single
    window, loss = max(faults, key=lambda each: (each[1].lost, -each[0].at_s))
    label = window.label if len(window.label) <= _LABEL else f"{window.label[: _LABEL - 1]}…"
    return f"After “{label}” {lost_by(loss)}"


def lost_by(loss: Loss) -> str:
    """Say in a sentence without its start who lost what, and for how long."""
    if loss.destinations > 1:
        address = "prefix" if loss.kind == "prefix" else f"{loss.kind} address"
        who = f"{count(loss.lost)} of {count(loss.of)} pairs of AS and {address} lost connectivity"
    else:
        who = (
            f"{percent(loss.lost / loss.of)} of ASes" if loss.lost < loss.of else f"all {count(loss.of)} ASes"
        )
        who += " lost the prefix" if loss.kind == "prefix" else f" lost {loss.kind}"
    if loss.never == loss.lost:
        return f"{who}, and none had it back by the next event or the end"
    median = loss.quantile_s(0.5)
    half = f", half of them for over {duration(median)}" if math.isfinite(median) else ""
    if not loss.never and duration(median) == duration(loss.longest_s):
        return f"{who}, for {duration(median)} at most"
    if loss.never:
        return f"{who}{half}, and {count(loss.never)} did not have it back"
    return f"{who}{half} and none for over {duration(loss.longest_s)}"
