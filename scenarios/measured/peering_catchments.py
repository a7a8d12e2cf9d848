"""PEERING's two-site catchments: model against measurement, and what limits the model.

    python scenarios/measured/peering_catchments.py [DATA]

DATA is a folder with ``ground-truth/peering-two-site`` and ``bring-your-own``,
default ``$IPA_EMULATOR_DATA``. Every experiment is predicted without a look at
what was measured in it; ``peering_catchments.md`` discusses the figures.
"""

# ruff: noqa: INP001 - a script

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING

import numpy as np
from brought import data_folder, relationships_file
from peering_data import METHODS, read_experiments
from peering_limits import agreement, behind, ceiling, decided_by_tie, hidden_links, transitive, with_provider
from peering_models import MODELS, Score, World, score

from emulator.errors import EmulatorError
from emulator.network.asgraph.cache import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Scores = dict[tuple[str, str, str], Score]
"""By experiment, model, method."""


def world_of(data: Path) -> World:
    """Everything read. Raises `InputError` where something is missing or broken."""
    experiments = read_experiments(data / "ground-truth" / "peering-two-site")
    return World(load(relationships_file(data)), experiments)


def scores_of(world: World) -> Scores:
    """Every model against every method in every experiment."""
    found: Scores = {}
    for each in world.usable:
        for model in MODELS:
            answer = world.predicted(each, model)
            for method in METHODS:
                found[each.name, model, method] = score(answer, world.landed(each, method), world.cones)
    return found


def mean(scores: Scores, model: str, method: str, what: str = "share") -> float:
    """Mean over the experiments."""
    found = [getattr(each, what) for (_, *by), each in scores.items() if by == [model, method]]
    return float(np.mean(found))


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def table(rows: Iterable[Iterable[object]]) -> str:
    """Columns as wide as they have to be, the first to the left."""
    cells = [[_cell(c) for c in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "".join(
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        + "\n"
        for row in cells
    )


def agreement_table(world: World, scores: Scores) -> str:
    """Share of measured ASes predicted right, by experiment and method, unweighted and by customer cone."""
    heads = [f"{method}{tail}" for method in METHODS for tail in ("", " w")]
    rows: list[list[object]] = [["experiment, model", "ASes pinged", *heads]]
    for each in world.usable:
        of = [scores[each.name, "graph", method] for method in METHODS]
        naming = [value for s in of for value in (s.majority, "")]
        rows.append([f"{each.name}", of[0].measured, *[""] * len(heads)])
        rows.append(["  larger site for all", "", *naming])
        for model in MODELS:
            of = [scores[each.name, model, method] for method in METHODS]
            rows.append([f"  {model}", "", *(value for s in of for value in (s.share, s.weighted))])
    rows.append(["mean", "", *[""] * len(heads)])
    naming = [v for m in METHODS for v in (mean(scores, "graph", m, "majority"), "")]
    rows.append(["  larger site for all", "", *naming])
    for model in MODELS:
        values = [mean(scores, model, m, what) for m in METHODS for what in ("share", "weighted")]
        rows.append([f"  {model}", "", *values])
    return table(rows)


def limits_table(world: World) -> str:
    """What limits a prediction, in per cent, by experiment."""
    rows: list[list[object]] = [
        [
            "experiment",
            "tied",
            "of wrong",
            "as provider",
            "ceiling",
            "third site",
            "right",
            "ping=trace",
            "ping=coll.",
        ]
    ]
    for each in world.usable:
        same = agreement(each)
        rows.append(
            [
                each.name,
                *decided_by_tie(world, each),
                with_provider(world, each),
                ceiling(world, each),
                *transitive(world, each),
                same["ping", "traceroute"][1],
                same["ping", "collectors"][1],
            ]
        )
    return table(rows)


def main() -> int:
    """Print the tables; 2 where the data cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", help="folder with the data; default: $IPA_EMULATOR_DATA")
    given = parser.parse_args()
    out = sys.stdout.write
    try:
        world = world_of(data_folder(given.data))
    except EmulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    out("Share of measured ASes whose site is predicted, per cent (w: weighted by customer cone)\n")
    out("".join(f"  {model}: sees {sees}\n" for model, sees in MODELS.items()) + "\n")
    out(agreement_table(world, scores_of(world)))
    links, hidden, share = hidden_links(world)
    out(
        f"\nLinks on single-site paths: {links}, of which CAIDA's graph lacks {hidden}; "
        f"{100 * share:.1f} % of the paths use one\n"
    )
    for site in sorted(world.paths):
        sells = ", ".join(f"AS{asn}" for asn in world.attached.transit[site]) or "nobody"
        out(f"  {site}: transit from {sells}; {len(world.attached.peers[site])} peers\n")
    out(
        "\nPer cent of pinged ASes: tied = with equally good routes to both sites, of all and of those the\n"
        "graph has wrong; as provider = of customers of one provider, those that go where most of them go;\n"
        "ceiling = stubs right if every transit AS's site were told; third site = with a preference by way\n"
        "of a third site, and how many of these are right; = : methods that agree on an AS\n\n"
    )
    out(limits_table(world) + "\n")
    for each in world.usable:
        names = ", ".join(f"AS{asn} {100 * part:.0f} %" for asn, part in behind(world, each))
        out(f"{each.name}: what the graph has wrong is behind {names}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
