"""From a run's tables to the ``strategies`` part of its summary, and to flat metrics.

Terms follow RFC 4098 and RFC 7747: service reconvergence is the time from a
fault to a group's first success that no failure followed within the validation
time; *censored* means it had not come when the run ended.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.analysis.view import PHASES, RunView, histogram_quantile_ms, text_codes
from emulator.record.jsontext import canonical, compact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.analysis.view import Floats, Ints, Reconvergence, Steering
    from emulator.record.run import Json, RunRecord

Value = float | int | bool | str | None
"""A metric's value; None where there is none, and for a time that never came."""

RTT_QUANTILES: Final = {"p50": 0.50, "p90": 0.90, "p99": 0.99}
_NOT_METRICS: Final = ("schema", "scenario", "seed", "expectations")
_ROUTES_LISTED: Final = 500
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def with_metrics(record: RunRecord) -> RunRecord:
    """Return ``record`` with its summary's ``strategies`` computed from its tables.

    What the summary already said about a strategy stays, unless a metric here
    has the same name. Numbers are as ``summary.json`` will hold them.
    """
    view = RunView(record)
    given = record.summary.get("strategies", {})
    strategies = {**given, **{s: {**given.get(s, {}), **strategy_metrics(view, s)} for s in view.strategies}}
    return replace(record, summary=canonical({**record.summary, "strategies": strategies}))


def strategy_metrics(view: RunView, strategy: str) -> Json:
    """Compute the metrics of one strategy, in the layout of ``summary.json``.

    Shares are of requests unless named otherwise; a phase that the run does not
    have, or has no requests in, is None.
    """
    seconds = view.by_second[strategy]
    requests, lost, slow = (int(seconds[name].sum()) for name in ("requests", "lost", "slow"))
    metrics: Json = {
        "requests": requests,
        "lost_requests": {"count": lost, "share": share(lost, requests)},
        "slow_requests": {"count": slow, "share": share(slow, requests)},
        "resets": int(seconds["resets"].sum()),
        "success_share": _success(view, strategy),
        "rtt_ms": _rtt(view, strategy),
    }
    if view.phases.fault_s is not None:
        metrics["service_reconvergence_s"] = _service_reconvergence(view, strategy)
        metrics["catchment_shift_share"] = catchment_shift(view, strategy)
    if strategy in view.steering:
        metrics["address_share"] = _address_shares(view, view.steering[strategy])
    hosts = _hosts(view, strategy)
    if hosts:
        metrics["hosts"] = hosts
    peaks = _peak_utilisation(view, strategy)
    if peaks:
        metrics["peak_utilisation"] = peaks
    return metrics


def share(part: float, whole: float) -> float | None:
    """Return ``part / whole``, or None where there is no whole."""
    return part / whole if whole else None


def _success(view: RunView, strategy: str) -> Json:
    seconds = view.by_second[strategy]
    phase = view.phases.of_seconds(np.arange(len(seconds["requests"])))
    succeeded = seconds["good"] + seconds["slow"]
    return {
        name: share(int(succeeded[phase == i].sum()), int(seconds["requests"][phase == i].sum()))
        for i, name in enumerate(PHASES)
    }


def _rtt(view: RunView, strategy: str) -> Json:
    if strategy not in view.rtt_phases:
        return {phase: dict.fromkeys(RTT_QUANTILES) for phase in PHASES}
    histograms = view.rtt_phases[strategy]
    return {
        phase: {
            name: _number(histogram_quantile_ms(histograms[i], q), 3) for name, q in RTT_QUANTILES.items()
        }
        for i, phase in enumerate(PHASES)
    }


def _service_reconvergence(view: RunView, strategy: str) -> Json:
    """Quantiles over affected groups; a group that never recovered counts as later than any other."""
    found = view.reconvergence.get(strategy)
    if found is None or not len(found.groups):
        return {
            "p50": 0.0,
            "p95": 0.0,
            "max": 0.0,
            "censored": 0,
            "affected_groups": 0,
            "affected_demand_share": 0.0,
        }
    return {
        "p50": _number(quantile(found.seconds, 0.50), 6),
        "p95": _number(quantile(found.seconds, 0.95), 6),
        "max": _number(float(found.seconds.max()), 6),
        "censored": int(np.isinf(found.seconds).sum()),
        "affected_groups": len(found.groups),
        "affected_demand_share": _number(affected_demand(view, strategy, found), 9),
    }


def quantile(values: Floats, q: float) -> float:
    """Return the smallest of ``values`` that at least a share ``q`` of them do not exceed."""
    return float(np.sort(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1])


def affected_demand(view: RunView, strategy: str, found: Reconvergence) -> float:
    """Return the share of all requests that belong to the groups in ``found``."""
    by_group = view.by_group[strategy]["requests"].sum(axis=0)
    return float(by_group[found.groups].sum() / max(1, by_group.sum()))


def catchment_shift(view: RunView, strategy: str) -> Json:
    """Share of the demand that other POPs served than before the fault, by phase.

    Over groups, weighted by their requests in the phase: half the sum of the
    absolute differences between the POPs' shares then and before (total variation).
    """
    served = view.served_by.get(strategy)
    if served is None:
        return dict.fromkeys(PHASES[1:])
    return {phase: _number(_shift(served[0], served[i]), 9) for i, phase in enumerate(PHASES) if i}


def _shift(before: Ints, now: Ints) -> float:
    total_before, total_now = before.sum(axis=1), now.sum(axis=1)
    both = (total_before > 0) & (total_now > 0)
    if not both.any():
        return math.nan
    then = before[both] / total_before[both, None]
    today = now[both] / total_now[both, None]
    variation = np.abs(then - today).sum(axis=1) / 2
    return float((variation * total_now[both]).sum() / total_now[both].sum())


def _address_shares(view: RunView, steering: Steering) -> Json:
    """Mean share of the demand on each address (as resolvers hold it), by phase."""
    phase = view.phases.of_seconds(steering.seconds)
    return {
        address: {
            name: _number(float(row[phase == i].mean()), 6) if (phase == i).any() else None
            for i, name in enumerate(PHASES)
        }
        for address, row in zip(steering.addresses, steering.in_use, strict=True)
    }


def _hosts(view: RunView, strategy: str) -> Json:
    table = view.table("hosts")
    if table is None:
        return {}
    mine = text_codes(table["strategy"], [strategy]) == 0
    counts: dict[str, list[int]] = {}
    for row in np.flatnonzero(mine):
        requests, lost = counts.setdefault(table["host"][row], [0, 0]), int(table["lost"][row])
        requests[0] += int(table["requests"][row])
        requests[1] += lost
    return {
        host: {"requests": requests, "lost_requests": {"count": lost, "share": share(lost, requests)}}
        for host, (requests, lost) in counts.items()
    }


def _peak_utilisation(view: RunView, strategy: str) -> Json:
    """Return the highest utilisation of any POP and of any link (offered load over capacity)."""
    table = view.table("load")
    if table is None:
        return {}
    mine = text_codes(table["strategy"], [strategy]) == 0
    kinds = text_codes(table["kind"], ("pop", "link"))
    utilisation = np.asarray(table["utilisation"], float)
    peaks = {}
    for i, kind in enumerate(("pop", "link")):
        rows = mine & (kinds == i)
        if rows.any():
            peaks[kind] = _number(float(utilisation[rows].max()), 6)
    return peaks


def _number(value: float, digits: int) -> float | None:
    """Round for a file; NaN and infinity become None."""
    return round(value, digits) if math.isfinite(value) else None


def flatten(summary: Mapping[str, Any]) -> dict[str, Value]:
    """Every metric of a summary by the name that an expectation calls it, sorted.

    ``ipa.lost_requests.share``, ``event[1].announcements``,
    ``routes.r1[203.0.113.0/24].as_path``; routes stay in full up to 500 values
    and become one digest beyond.
    """
    flat: dict[str, Value] = {}
    for key, value in summary.items():
        if key == "strategies":
            _flatten("", value, flat)
        elif key == "events":
            for event in value:
                _flatten(f"event[{event['index']}]", _without(event, "index", "label"), flat)
        elif key == "routes":
            flat.update(_routes(value))
        elif key not in _NOT_METRICS:
            _flatten(key, value, flat)
    return dict(sorted(flat.items()))


def _without(mapping: Mapping[str, Any], *keys: str) -> Json:
    return {key: value for key, value in mapping.items() if key not in keys}


def _flatten(name: str, value: Any, into: dict[str, Value]) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        for key, item in value.items():
            part = str(key) if _PLAIN.fullmatch(str(key)) else f"[{key}]"
            _flatten(f"{name}.{part}" if name and part[0] != "[" else f"{name}{part}", item, into)
    elif isinstance(value, list | tuple):
        into[name] = " ".join(str(item) for item in value)
    else:
        into[name] = value


def _routes(routes: Json) -> dict[str, Value]:
    import hashlib

    flat: dict[str, Value] = {}
    _flatten("routes", routes, flat)
    if len(flat) <= _ROUTES_LISTED:
        return flat
    return {"routes.sha256": hashlib.sha256(compact(routes).encode()).hexdigest()}
