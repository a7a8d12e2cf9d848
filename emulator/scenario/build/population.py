"""``clients.population``: what each AS of a graph counts, and the client groups drawn from them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from emulator.errors import Problem
from emulator.network.model import ClientGroup
from emulator.rng import array_stream
from emulator.scenario.schema_clients import ClientsSpec

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario

    Floats = npt.NDArray[np.float64]

_PROBLEMS_MAX = 30


def weights_of(document: Scenario, graph: AsGraph, problems: Problems, inputs: dict[str, str]) -> Floats:
    """(N,) what each node counts: its customer cone, 1, or what a file says (0 where it says nothing)."""
    spec = (document.clients or ClientsSpec()).population
    if spec.weight == "uniform":
        return np.ones(len(graph))
    if spec.weight == "customer-cone":
        from emulator.network.asgraph.cones import customer_cones

        return customer_cones(graph).astype(np.float64)
    path = problems.folder / spec.weight
    where = ("clients", "population", "weight")
    try:
        data = path.read_bytes()
        text = data.decode()
    except OSError as error:
        reason = error.strerror or error
        problems.add(
            where,
            f"expected `customer-cone`, `uniform` or a CSV file; {str(path)!r} cannot be read: {reason}",
        )
        return np.ones(len(graph))
    except UnicodeDecodeError:
        problems.add(where, f"{str(path)!r} is not text in UTF-8")
        return np.ones(len(graph))
    inputs[path.name] = hashlib.sha256(data).hexdigest()
    weights = np.zeros(len(graph))
    mistakes = _read(text, path, graph, weights)
    if mistakes:
        problems.extend(mistakes, ("clients", "population", "weight"))
    if not mistakes and not weights.any():
        problems.add(where, f"none of the ASes in {str(path)!r} is in the graph")
    return weights


def _read(text: str, path: Path, graph: AsGraph, weights: Floats) -> list[Problem]:
    """Put ``AS number, weight`` of each line into ``weights``; what is wrong with it."""
    mistakes: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.split(",")]
        if not line.strip() or line.startswith("#") or (number == 1 and not cells[0].isdecimal()):
            continue
        try:
            asn, weight = int(cells[0]), float(cells[1])
            is_right = weight >= 0 and np.isfinite(weight)
        except (ValueError, IndexError):
            is_right = False
        if not is_right:
            mistakes.append(
                Problem(str(path), number, 1, "", f"expected an AS number and a weight, got {line[:40]!r}")
            )
            if len(mistakes) == _PROBLEMS_MAX:
                break
            continue
        node = graph.node(asn)
        if node is not None:
            weights[node] += weight
    return mistakes


def build_groups(document: Scenario, graph: AsGraph, weight: Floats, seed: int) -> tuple[ClientGroup, ...]:
    """Client groups: ASes drawn in proportion to ``weight``, one that is drawn twice counting twice.

    A systematic sample (Madow, 1949): a grid of equal steps over the cumulated
    weights, with a seeded start. With no more ASes than are asked for, all of them.
    """
    if not document.strategies:
        return ()
    spec = (document.clients or ClientsSpec()).population
    total = float(weight.sum())
    there = np.flatnonzero(weight > 0)
    if not total or not len(there):
        return ()
    if len(there) <= spec.count:
        nodes, mass = there, weight[there] / total
    else:
        start = float(array_stream(seed, "population").random())
        marks = (np.arange(spec.count) + start) * (total / spec.count)
        drawn = np.searchsorted(np.cumsum(weight), marks, side="right")
        nodes, times = np.unique(np.minimum(drawn, len(weight) - 1), return_counts=True)
        mass = times / spec.count
    return tuple(
        ClientGroup(
            index,
            graph.name(int(node)),
            int(node),
            int(graph.asn[node]),
            "",
            "",
            float(share),
            spec.last_mile,
        )
        for index, (node, share) in enumerate(zip(nodes, mass, strict=True))
    )
