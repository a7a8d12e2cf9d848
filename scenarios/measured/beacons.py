"""RIS beacons of 2019-07-01 at RouteViews: the model against what was measured.

    python scenarios/measured/beacons.py [DATA] [--seeds N] [--calibrate] [--as-sent]

DATA is a folder with ``ground-truth/ris-beacons-*.csv.gz`` and ``bring-your-own``,
default ``$IPA_EMULATOR_DATA``, or one such file of updates. ``--calibrate`` tries
`CANDIDATES` instead, tells which is best, and for each beacon how near the one
comes that is best for all others. ``beacons.md`` discusses the figures.
"""

# ruff: noqa: INP001 - a script

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from beacons_data import read_beacons
from beacons_metrics import (
    ANNOUNCE,
    QUANTILES,
    QUICK_S,
    ROUND_S,
    WITHDRAW,
    Figures,
    dumped,
    figures_of,
    first_stamps,
    pooled,
    quantiles,
)
from beacons_model import beacon_graph, beacon_plan, missing_links, run_beacons
from brought import data_folder, relationships_file

from emulator.errors import EmulatorError
from emulator.fleet.presets import INTERNET_2019, FleetPreset
from emulator.network.asgraph.cache import load
from emulator.network.asgraph.doubtful import doubtful_links
from emulator.units import SECOND, Duration

if TYPE_CHECKING:
    from beacons_data import Beacons

    from emulator.network.asgraph.graph import AsGraph

REFERENCE: Final = ((0.0, 0.0, 2.0, 13.0, 42.0), (57.0, 102.0, 143.0, 342.0, 466.0), 4.2)
"""All 15 beacons of the day: announce and withdraw quantiles (s), announcements a peer."""
WITHIN: Final = 0.25
"""Aim for the withdraw row and for path hunting: relative."""
ANNOUNCE_S: Final = 5.0
"""Aim for the announcement's p90, s."""
SEEDS: Final = 4


def _candidate(minutes: float, thirty: float, jitter: float = 1.0) -> FleetPreset:
    shares = {480: minutes, 30: thirty, 0: 1 - minutes - thirty}
    mrai = {Duration(interval * SECOND): share for interval, share in shares.items() if share}
    return replace(INTERNET_2019, mrai=mrai, mrai_jitter=(jitter, 1.0))


CANDIDATES: Final = {
    **{f"30 s {share:.0%}": _candidate(0.0, share) for share in (0.4, 0.45, 0.5, 0.55, 0.6)},
    "30 s 45%, jittered": _candidate(0.0, 0.45, 0.75),
    "30 s 45%, 480 s 0.5%": _candidate(0.005, 0.45),
}
"""What `--calibrate` tries: one share, and two things that the preset does without."""


@dataclass(frozen=True)
class Comparison:
    """Figures by prefix: of the model, of all seeds together, and measured; ``stamps`` of the collector."""

    measured: dict[str, Figures]
    model: dict[str, Figures]
    stamps: dict[str, float]

    def without(self, prefix: str) -> Comparison:
        """The same without a prefix."""
        measured, model = (
            {name: each for name, each in of.items() if name != prefix} for of in (self.measured, self.model)
        )
        return Comparison(measured, model, self.stamps)

    @property
    def distance(self) -> float:
        """How far apart, in natural logarithms: mean over p50 to p95 of the withdrawal, and path hunting.

        Infinite where either has no withdrawals.
        """
        model, measured = pooled(self.model.values()), pooled(self.measured.values())
        pairs = [*zip(quantiles(model.final)[:4], quantiles(measured.final)[:4], strict=True)]
        pairs.append((model.mean_hunting, measured.mean_hunting))
        if any(map(math.isnan, chain(*pairs))):
            return math.inf
        return sum(abs(math.log(max(one, 1.0) / max(other, 1.0))) for one, other in pairs) / len(pairs)


def compare(
    graph: AsGraph, beacons: Beacons, preset: FleetPreset, seeds: range, *, as_sent: bool = False
) -> Comparison:
    """Run the model for every seed; ``graph`` is a `beacon_graph`.

    The collector stamps late, as the one that measured did, unless all is to be taken ``as_sent``.
    """
    stamps = {} if as_sent else first_stamps(beacons.updates)
    model: dict[str, Figures] = {}
    for seed in seeds:
        updates = run_beacons(beacon_plan(graph, beacons, preset, seed))
        for prefix, each in figures_of(dumped(updates, stamps)).items():
            model[prefix] = model.get(prefix, Figures()) + each
    return Comparison(figures_of(beacons.updates), model, stamps)


def _row(name: str, cells: tuple[object, ...]) -> str:
    return f"{name:40}" + "".join(
        f"{_number(cell):>9}" if isinstance(cell, float) else f"{cell:>9}" for cell in cells
    )


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _verdict(model: float, aim: float) -> tuple[str, str]:
    """How the model stands to the aim, and whether that is near enough; nothing of nothing."""
    ratio = model / aim if aim else math.nan
    if math.isnan(ratio):
        return "-", ""
    return _number(ratio), "met" if abs(ratio - 1) <= WITHIN else "missed"


def table(title: str, model: Figures, announce: tuple[float, ...], withdraw: tuple[float, ...],
          hunting: float) -> list[str]:  # fmt: skip
    """Model against measurement, with a verdict on every aim."""
    found, final = quantiles(model.last_change), quantiles(model.final)
    far, found_hunting = abs(found[2] - announce[2]), model.mean_hunting
    p90 = "" if math.isnan(far) else f"   p90 {far:.1f} s off {'met' if far <= ANNOUNCE_S else 'missed'}"
    ratios, verdicts = zip(*map(_verdict, final, withdraw), strict=True)
    lines = [
        f"{title}: {len(model.final)} final withdrawals in the model",
        _row("", tuple(f"p{100 * each:.0f}" for each in QUANTILES)),
        _row("announce, last path change (s)", announce),
        _row("  model", found) + p90,
        _row("withdraw, final withdrawal (s)", withdraw),
        _row("  model", final),
        _row("  ratio", ratios),
        _row("", verdicts),
        f"announcements a peer: {_number(hunting)}, model {_number(found_hunting)}, "
        + " ".join(_verdict(found_hunting, hunting)).rstrip(),
    ]
    return [*lines, ""]


def _gaps(name: str, figures: Figures) -> str:
    quick, rounds = figures.share_of_gaps(0, QUICK_S), figures.share_of_gaps(*ROUND_S)
    low, high = ROUND_S
    if math.isnan(quick):
        return f"gaps, {name}: none"
    return f"gaps, {name}: under {QUICK_S:.0f} s {quick:.0%}, {low:.0f} to {high:.0f} s {rounds:.0%}"


def report(compared: Comparison) -> list[str]:
    """Everything as text: pooled against these beacons and against all 15, and each prefix."""
    measured, model = pooled(compared.measured.values()), pooled(compared.model.values())
    stamps = ", ".join(f"{phase} {compared.stamps.get(phase, 0):.0f} s" for phase in (ANNOUNCE, WITHDRAW))
    lines = [f"the model's collector is busy at first: {stamps}", ""]
    own = quantiles(measured.last_change), quantiles(measured.final), measured.mean_hunting
    lines += table(f"these {len(compared.measured)} beacons", model, *own)
    lines += table("all 15 beacons of the day", model, *REFERENCE)
    lines += [_gaps("measured", measured), _gaps("model", model), ""]
    lines.append(_row("beacon: measured / model", (*(f"p{100 * each:.0f}" for each in QUANTILES), "hunting")))
    for prefix, each in compared.measured.items():
        its = compared.model.get(prefix, Figures())
        lines.append(_row(prefix, (*quantiles(each.final), each.mean_hunting)))
        lines.append(_row("", (*quantiles(its.final), its.mean_hunting)))
    return lines


def calibrate(graph: AsGraph, beacons: Beacons, seeds: range) -> list[str]:
    """Every candidate, and what it is worth for beacons that did not choose it."""
    found = {name: compare(graph, beacons, preset, seeds) for name, preset in CANDIDATES.items()}
    lines = [_row("candidate", (*(f"p{100 * each:.0f}" for each in QUANTILES), "hunting", "distance"))]
    for name, each in found.items():
        model = pooled(each.model.values())
        lines.append(_row(name, (*quantiles(model.final), model.mean_hunting, each.distance)))
    best = min(found, key=lambda name: found[name].distance)
    if math.isinf(found[best].distance):
        return [*lines, "best: none, there are no withdrawals to compare"]
    lines += [f"best: {best}", "", _row("left out: measured / model", ("p50", "p75", "p90", "hunting"))]
    left: list[Figures] = []
    for prefix in beacons.prefixes:
        chosen = min(found, key=lambda name: found[name].without(prefix).distance)
        if math.isinf(found[chosen].without(prefix).distance):
            continue  # there is no other to choose by
        measured, model = found[chosen].measured[prefix], found[chosen].model.get(prefix, Figures())
        left.append(model)
        lines.append(_row(prefix, (*quantiles(measured.final)[:3], measured.mean_hunting)))
        lines.append(_row(f"  {chosen}", (*quantiles(model.final)[:3], model.mean_hunting)))
    all_left, measured = pooled(left), pooled(found[best].measured.values())
    own = quantiles(measured.last_change), quantiles(measured.final), measured.mean_hunting
    return [*lines, "", *table("every beacon left out in turn", all_left, *own)]


def _seeds(text: str) -> int:
    """A number of seeds; what `argparse` complains of where it is none."""
    if not text.isdecimal() or not int(text):
        message = f"expected a whole number from 1 on, found {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def main() -> int:
    """Print it all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", help="folder with the data, or one file of updates")
    parser.add_argument("--seeds", type=_seeds, default=SEEDS, help="how many seeds, from 1 on")
    parser.add_argument("--calibrate", action="store_true", help="try the candidates")
    parser.add_argument("--as-sent", action="store_true", help="let the model's collector dump no table")
    given = parser.parse_args()
    where = data_folder(given.data)
    try:
        beacons = read_beacons(where)
        base = load(relationships_file(where))
    except EmulatorError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a script
        return 2
    graph = beacon_graph(base, beacons, is_cleaned=INTERNET_2019.doubtful_as_peerings)
    seeds = range(1, given.seeds + 1)
    added, turned = len(missing_links(base, beacons)), int(doubtful_links(base).sum())
    lines = [
        f"{len(beacons.prefixes)} beacons, {len(beacons.feeds)} feeds, {len(beacons.updates)} updates",
        f"{len(base)} ASes, {base.link_count} links, {added} added, {turned} turned into peerings",
        f"{given.seeds} seeds",
    ]
    if given.calibrate:
        lines += calibrate(graph, beacons, seeds)
    else:
        lines += report(compare(graph, beacons, INTERNET_2019, seeds, as_sent=given.as_sent))
    print("\n".join(lines))  # noqa: T201 - a script
    return 0


if __name__ == "__main__":
    sys.exit(main())
