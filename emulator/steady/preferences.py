"""Which ASes land at which anycast site: learned where sites announced, predicted where they have not yet.

For a CDN with collectors' paths of each site announcing alone, and, if it has
any, with measured trials of other combinations of sites. Nothing is asked of
the combination that is predicted. Three things are learned:

* next hops and path lengths of the ASes on the paths (`preferences_reach`), and
  how far relation and length decide between two sites;
* pairwise preferences: who took s rather than c in one trial, and c rather than
  t in another, takes s rather than t (AnyOpt, Zhang et al., SIGCOMM 2021), here
  in shares and through neighbours too, so that it says something of every AS;
* habits: an AS that landed where one provider did, and not where another did,
  is taken to lean on the one.

Everything else is the graph's: routes spread from neighbour to neighbour as in
Gao-Rexford, with shares in place of a tie-break (`preferences_spread`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.errors import InputError
from emulator.steady.preferences_spread import offers, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.preferences_reach import Reach

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

UNKNOWN: Final = -1
DECIDES: Final = (2.0, 1.0, 2.0)
"""`Preferences.decides` where no trial has taught it: better relation and shorter path, about alike."""
_MEASURED: Final = 4.0
"""Evidence, in log-odds, that a measured AS is where it was measured, and that it is not elsewhere."""
_FROM_BELOW: Final = 4.0
"""Most that customers together say of a provider that was not measured."""
_PREFERENCE: Final = 3.0
"""Log-odds for each third site that stands between two in an AS's preferences, up to 1.5 of them."""
_THIRDS_MAX: Final = 1.5
_HABIT: Final = 0.7
"""Weight of having landed with a neighbour: less than 1, as trials resemble each other."""
_DISAGREEMENT: Final = 0.15
"""Share of measurements in which an AS is not where the neighbour is that it leans on."""
_FIELD_ROUNDS: Final = 3
_FEATURES: Final = 3
_LONGER_MAX: Final = 12
"""ASes by which one path is longer than another that count."""
_RIDGE: Final = 1.0
_NEWTON_STEPS: Final = 50


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Sites that announced together: how each is reached alone, and who landed where.

    ``landed`` (N,) has the position of a node's site in ``reaches``, `UNKNOWN` where not measured.
    """

    reaches: tuple[Reach, ...]
    landed: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A trial carried to the ASes that were not measured: ``share`` (N, M) of each in its M sites."""

    trial: Trial
    share: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Preferences:
    """What trials teach.

    ``decides`` (3,): log-odds for a shorter path, for one that is 12 ASes shorter (in
    proportion below), for a better relation. ``habit`` (S,): log-weights of slots.
    ``beats`` has for pairs of site nodes the share (N,) that prefers the first.
    """

    decides: Floats
    habit: Floats
    beats: dict[tuple[int, int], Floats]


def carry(graph: AsGraph, trial: Trial, habit: Floats | None = None) -> Field:
    """Say of all ASes where they landed in a trial: as measured, or else as neighbours and customers did.

    ``habit`` (S,) is `Preferences.habit` where something is known already. Raises
    `InputError` where the arrays belong to another graph, and for a trial without sites.
    """
    _check_trial(graph, trial)
    if habit is not None:
        _check(graph, len(habit), of_slots=True)
    of = offers(graph, trial.reaches)
    count = len(trial.reaches)
    measured = trial.landed >= 0
    known = np.where(measured[:, None], np.eye(count)[trial.landed] * 2 - 1, 0.0) * _MEASURED
    share, weight = spread(of, known, habit)
    for _ in range(_FIELD_ROUNDS):
        below = np.stack(
            [
                np.bincount(of.neighbor, weight * np.sign(known[of.owner, at]), len(graph))
                for at in range(count)
            ],
            axis=1,
        )
        heard = np.clip(below, -_FROM_BELOW, _FROM_BELOW) / 2
        share, weight = spread(of, np.where(measured[:, None], known, heard), habit)
    return Field(trial, share)


def learn(graph: AsGraph, fields: Sequence[Field]) -> Preferences:
    """Learn from trials that were carried over the graph; from none: nothing, which is fine as well.

    Raises `InputError` where they were carried over another.
    """
    for field in fields:
        _check_trial(graph, field.trial)
        _check(graph, len(field.share))
    rows, outcomes = [np.zeros((0, _FEATURES))], [np.zeros(0)]
    pairs: dict[tuple[int, int], list[Floats]] = {}
    habit = np.zeros(graph.slot_count)
    owner = graph.slot_node()
    for field in fields:
        reaches, landed, share = field.trial.reaches, field.trial.landed, field.share
        agreed = share[graph.neighbor, landed[owner]]
        of_slot = np.log(_DISAGREEMENT + (1 - 2 * _DISAGREEMENT) * agreed)
        habit += np.where(landed[owner] >= 0, of_slot, 0.0)
        for one in range(len(reaches)):
            for two in range(len(reaches)):
                both = share[:, one] + share[:, two]
                if one != two:
                    key = (reaches[one].node, reaches[two].node)
                    pairs.setdefault(key, []).append(share[:, one] / np.maximum(both, np.finfo(float).tiny))
                if one < two:
                    at = np.flatnonzero(
                        _is_seen(reaches[one], reaches[two]) & ((landed == one) | (landed == two))
                    )
                    rows.append(_features(reaches[one], reaches[two])[at])
                    outcomes.append((landed[at] == one).astype(float))
    return Preferences(
        decides=_fitted(np.concatenate(rows), np.concatenate(outcomes)),
        habit=_HABIT * habit,
        beats={key: np.mean(found, axis=0) for key, found in pairs.items()},
    )


def predict(graph: AsGraph, reaches: Sequence[Reach], preferences: Preferences | None = None) -> Floats:
    """Shares (N, M) of each AS in the M sites that ``reaches`` lead to.

    The largest share is the prediction; what is near to even is a guess. Without
    ``preferences`` the single-site paths and the graph decide, of the decision process
    relation and length. Raises `InputError` where the arrays belong to another graph,
    and without any site.
    """
    _check_reaches(graph, reaches)
    if preferences is None:
        preferences = Preferences(np.array(DECIDES), np.zeros(graph.slot_count), {})
    _check(graph, len(preferences.habit), of_slots=True)
    of = offers(graph, reaches)
    evidence = np.zeros((len(graph), len(reaches)))
    is_seen = np.ones(len(graph), np.bool_)
    for one, first in enumerate(reaches):
        is_seen &= first.seen >= 0
        for two in range(one + 1, len(reaches)):
            odds = _between(first, reaches[two], preferences) / len(reaches)
            evidence[:, one] += odds
            evidence[:, two] -= odds
    # an AS whose next hops were seen needs no guess on whom it leans
    habit = np.where(is_seen[graph.slot_node()], 0.0, preferences.habit)
    return spread(of, evidence, habit)[0]


def _between(first: Reach, second: Reach, preferences: Preferences) -> Floats:
    """(N,) log-odds for ``first`` against ``second``, as far as anything is known of a node itself."""
    by_route = _features(first, second) @ preferences.decides
    odds = np.where(_is_seen(first, second), by_route, 0.0)
    beats, thirds = preferences.beats, np.zeros(len(odds))
    for (site, third), wins in beats.items():
        if site != first.node or third == second.node or (third, second.node) not in beats:
            continue
        passes = beats[third, second.node]
        thirds += wins * passes - (1 - wins) * (1 - passes)
    return odds + _PREFERENCE * np.clip(thirds, -_THIRDS_MAX, _THIRDS_MAX)


def _is_seen(first: Reach, second: Reach) -> npt.NDArray[np.bool_]:
    """(N,) whose routes to both sites were seen."""
    seen: npt.NDArray[np.bool_] = (first.seen >= 0) & (second.seen >= 0)
    return seen


def _features(first: Reach, second: Reach) -> Floats:
    """(N, 3) what may decide between two sites; see `Preferences.decides`."""
    longer = second.length - first.length
    return np.stack(
        (
            np.sign(longer),
            np.clip(longer, -_LONGER_MAX, _LONGER_MAX) / _LONGER_MAX,
            np.sign(first.relation - second.relation),
        ),
        axis=1,
    ).astype(np.float64)


def _fitted(rows: Floats, outcomes: Floats) -> Floats:
    """Coefficients (F,) of a logistic regression with a ridge, by Newton's method."""
    found = np.zeros(rows.shape[1])
    for _ in range(_NEWTON_STEPS):
        likely = 1 / (1 + np.exp(-(rows @ found)))
        slope = rows.T @ (outcomes - likely) - _RIDGE * found
        bend = (rows * (likely * (1 - likely))[:, None]).T @ rows + _RIDGE * np.eye(len(found))
        step = np.linalg.solve(bend, slope)
        found += step
        if float(np.abs(step).max()) < 1e-9:  # noqa: PLR2004 - converged
            break
    return found


def _check_trial(graph: AsGraph, trial: Trial) -> None:
    _check_reaches(graph, trial.reaches)
    _check(graph, len(trial.landed))


def _check_reaches(graph: AsGraph, reaches: Sequence[Reach]) -> None:
    if not reaches:
        message = "nobody can land anywhere without a site that announces"
        raise InputError(message)
    for reach in reaches:
        _check(graph, len(reach.relation))


def _check(graph: AsGraph, size: int, *, of_slots: bool = False) -> None:
    wanted = graph.slot_count if of_slots else len(graph)
    if size != wanted:
        message = f"an array of {size} belongs to another graph; this one needs {wanted}"
        raise InputError(message)
