"""Rules brought down to what daemons can say: one address family, nothing left to look up.

`clauses` takes a session's rule list apart into `Clause` values that FRR, GoBGP
and OpenBGPD only have to spell: prefixes as text, relationships as the large
communities that stand for them, conditions on the AS path together. The limit that a route's
origin may set to who hears it is put in front of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.bgp.policy import announce_only_to, marks, own_tag
from emulator.bgp.rules import Change, Match, Rule, Validity, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.bgp.attributes import Community, LargeCommunity
    from emulator.bgp.rov import Roas
    from emulator.verify.daemons.base import Neighbor, RouterSetup

TOP_RANK: Final = 1000
"""LOCAL_PREF of the best of ranked paths."""
_NOTHING: Final = Change()
_ANY: Final = "[0-9]+"


@dataclass(frozen=True, slots=True)
class PathMatch:
    """What an AS_PATH must be like; all that is given holds."""

    first: int | None = None
    last: int | None = None
    through: int | None = None
    longer_than: int | None = None
    exact: tuple[int, ...] | None = None
    """The whole path; nothing else is given with it."""
    not_last: tuple[int, ...] = ()
    """None of these is the origin; an empty path's origin is the router's own AS."""

    @property
    def is_any(self) -> bool:
        """Whether every path will do."""
        return self == _ANY_PATH


_ANY_PATH: Final = PathMatch()


@dataclass(frozen=True, slots=True)
class Clause:
    """A rule for one address family; all conditions must hold.

    ``prefixes`` None is any. Of ``communities`` any one is enough (none given:
    any route will do), and of each group in ``large_communities`` too.
    """

    prefixes: tuple[str, ...] | None = None
    communities: tuple[Community, ...] = ()
    all_communities: tuple[Community, ...] = ()
    """Every one of these is there."""
    large_communities: tuple[tuple[LargeCommunity, ...], ...] = ()
    path: PathMatch = _ANY_PATH
    validity: Validity | None = None
    change: Change = field(default_factory=Change)
    verdict: Verdict = Verdict.NEXT


@dataclass(frozen=True, slots=True)
class Clauses:
    """A session's policy in one direction: read from the top, ``default`` for what none has judged.

    ``closing`` changes what has been accepted. ``strips_own``: at the very end
    the marks that stay inside the AS (`emulator.bgp.policy.marks`) are taken off.
    """

    clauses: tuple[Clause, ...]
    default: Verdict
    closing: tuple[Clause, ...] = ()
    strips_own: bool = False

    @property
    def does_nothing(self) -> bool:
        """Whether every route passes as it is."""
        return not (self.clauses or self.closing or self.strips_own) and self.default is not Verdict.REJECT


def imports(setup: RouterSetup, neighbor: Neighbor, family: Family) -> Clauses:
    """What is done to routes of ``family`` that ``neighbor`` sends."""
    closing = _of_rules(setup, neighbor, neighbor.closing, family, on_import=True)
    if neighbor.ranked is not None:
        ranked = tuple(
            Clause(
                path=PathMatch(exact=path), change=Change(local_pref=TOP_RANK - rank), verdict=Verdict.ACCEPT
            )
            for rank, path in enumerate(neighbor.ranked)
        )
        return Clauses(ranked, Verdict.REJECT, closing)
    found = _of_rules(setup, neighbor, neighbor.imports.rules, family, on_import=True)
    return Clauses(found, neighbor.imports.default, closing)


def exports(setup: RouterSetup, neighbor: Neighbor, family: Family) -> Clauses:
    """What is done to routes of ``family`` before they are sent to ``neighbor``."""
    rules = neighbor.exports.rules
    if neighbor.is_ebgp and setup.limits_audience:
        rules = (*_only_to(setup.asn, neighbor.config.asn), *rules)
    found = _of_rules(setup, neighbor, rules, family, on_import=False)
    return Clauses(found, neighbor.exports.default, strips_own=neighbor.is_ebgp)


def _only_to(own: int, neighbor_as: int) -> tuple[Rule, ...]:
    """Keep to the limit that a route's origin has set: its mark goes, or the route is refused."""
    mark, allowed = announce_only_to(own, (neighbor_as,))
    return (
        Rule(Match(large_communities=(allowed,)), Change(remove_large_communities=(mark,))),
        Rule(Match(large_communities=(mark,)), verdict=Verdict.REJECT),
    )


def roas_of(setup: RouterSetup, neighbor: Neighbor) -> Roas | None:
    """What origins are validated against on this session."""
    return neighbor.roas or setup.speaker.roas


def _of_rules(
    setup: RouterSetup, neighbor: Neighbor, rules: Sequence[Rule], family: Family, *, on_import: bool
) -> tuple[Clause, ...]:
    found = (_of_rule(setup, neighbor, rule, family, on_import=on_import) for rule in rules)
    return tuple(clause for clause in found if clause is not None)


def _of_rule(
    setup: RouterSetup, neighbor: Neighbor, rule: Rule, family: Family, *, on_import: bool
) -> Clause | None:
    """Return the rule as a clause, None where it can never match or does nothing."""
    match = rule.match
    if rule.verdict is Verdict.NEXT and rule.change == _NOTHING:
        return None
    prefixes = None
    if match.prefixes is not None:
        texts = (setup.prefixes[number] for number in sorted(match.prefixes))
        prefixes = tuple(text for text in texts if (":" in text) is (family is Family.IPV6))
        if not prefixes:
            return None
    groups = [match.large_communities] if match.large_communities else []
    if match.learned_from is not None:
        if on_import and neighbor.is_ebgp:
            if neighbor.config.relation not in match.learned_from:
                return None
        else:
            groups.append(tuple(own_tag(setup.asn, relation) for relation in sorted(match.learned_from)))
    validity = match.validity
    if validity is not None and roas_of(setup, neighbor) is None:
        if validity is not Validity.NOT_FOUND:
            return None
        validity = None
    path = PathMatch(match.neighbor_as, match.origin_as, match.through_as, match.longer_than)
    return Clause(
        prefixes,
        match.communities,
        large_communities=tuple(groups),
        path=path,
        validity=validity,
        change=rule.change,
        verdict=rule.verdict,
    )


def with_closing(policy: Clauses) -> tuple[Clause, ...]:
    """Work the closing changes into the clauses, for daemons in which what accepts ends it all.

    A clause that accepts becomes one for each combination of the closing
    conditions, all of them at first, none at last.
    """
    found: list[Clause] = []
    for clause in policy.clauses:
        if clause.verdict is Verdict.ACCEPT:
            found += _closed(clause, policy.closing)
        else:
            found.append(clause)
    return (*found, *policy.closing)


def _closed(clause: Clause, closing: Sequence[Clause]) -> list[Clause]:
    variants = [clause]
    for last in closing:
        if set(last.communities) & set(clause.change.add_communities):
            variants = [_merged(variant, last, ()) for variant in variants]
        elif not set(last.communities) <= set(clause.change.remove_communities):
            variants = [
                one for variant in variants for one in (_merged(variant, last, last.communities), variant)
            ]
    return variants


def _merged(clause: Clause, last: Clause, condition: tuple[Community, ...]) -> Clause:
    change, then = clause.change, last.change
    return replace(
        clause,
        all_communities=(*clause.all_communities, *condition),
        change=replace(
            change,
            local_pref=change.local_pref if then.local_pref is None else then.local_pref,
            add_communities=tuple(sorted({*change.add_communities, *then.add_communities})),
        ),
    )


# Origin validation without a validator ------------------------------------------------


def without_validity(
    given: Sequence[Clause], setup: RouterSetup, roas: Roas | None, family: Family
) -> tuple[Clause, ...]:
    """Say origin validation by prefix and origin AS, for daemons that know VRPs from an RTR server only.

    The scenario's prefixes are all there are, so a clause becomes one for each
    set of prefixes with the same answer; no route matches two of them.
    """
    found: list[Clause] = []
    for clause in given:
        if clause.validity is None or roas is None:
            found.append(clause)
        else:
            found += _by_origin(clause, setup, roas, family)
    return tuple(found)


def _by_origin(clause: Clause, setup: RouterSetup, roas: Roas, family: Family) -> list[Clause]:
    numbers = [
        number
        for number, text in enumerate(setup.prefixes)
        if (":" in text) is (family is Family.IPV6) and (clause.prefixes is None or text in clause.prefixes)
    ]
    if clause.validity is Validity.NOT_FOUND:
        wanted = tuple(setup.prefixes[n] for n in numbers if n not in roas.covered)
        return [replace(clause, prefixes=wanted, validity=None)] if wanted else []
    covered = [n for n in numbers if n in roas.covered]
    if clause.validity is Validity.VALID:
        return _with_valid_origin(clause, setup, roas, covered)
    by_origins: dict[tuple[int, ...], list[str]] = {}
    for number in covered:
        origins = tuple(sorted(roas.authorized.get(number, frozenset())))
        by_origins.setdefault(origins, []).append(setup.prefixes[number])
    return [
        replace(clause, prefixes=tuple(texts), path=replace(clause.path, not_last=origins), validity=None)
        for origins, texts in by_origins.items()
    ]


def _with_valid_origin(
    clause: Clause, setup: RouterSetup, roas: Roas, covered: Sequence[int]
) -> list[Clause]:
    by_origin: dict[int, list[str]] = {}
    for number in covered:
        for origin in sorted(roas.authorized.get(number, frozenset())):
            by_origin.setdefault(origin, []).append(setup.prefixes[number])
    found = []
    for origin, texts in by_origin.items():
        if clause.path.last in (None, origin):
            path = replace(clause.path, last=origin)
            found.append(replace(clause, prefixes=tuple(texts), path=path, validity=None))
        if origin == setup.asn and clause.path.is_any:  # RFC 6811 section 2: an empty path is our own
            path = PathMatch(exact=())
            found.append(replace(clause, prefixes=tuple(texts), path=path, validity=None))
    return found


# AS paths as regular expressions ------------------------------------------------------


def path_patterns(path: PathMatch, lead: int | None = None) -> tuple[str, ...]:
    """Extended regular expressions of which a path, as numbers with spaces between, must match any one.

    ``not_last`` is not looked at. ``lead`` is an AS that stands before the path
    that is meant. Empty where every path will do.
    """
    start = "^" if lead is None else f"^{lead} "
    if path.exact is not None:
        numbers = path.exact if lead is None else (lead, *path.exact)
        return (f"^{' '.join(map(str, numbers))}$",)
    if path.first is path.last is path.through is path.longer_than is None:
        return ()
    least = max(1, (path.longer_than or 0) + 1)
    return tuple(f"{start}{sequence}$" for sequence in _sequences(path, least))


def _sequences(path: PathMatch, least: int) -> list[str]:
    """Every shape of at least ``least`` ASes that has the wanted ones in their places."""
    first, last, through = path.first, path.last, path.through
    if through is None:
        return _ends(first, last, least)
    found: list[str] = []
    if first in (None, through):
        found += _ends(through, last, least)
    if last in (None, through):
        found += _ends(first, through, least)
    others = max(least - 3, 0)
    head, tail = _number(first), _number(last)
    for before in range(others):
        after = others - before
        found.append(f"{head}( {_ANY}){{{before}}} {through}( {_ANY}){{{after},}} {tail}")
    found.append(f"{head}{_some(others)} {through}{_some(0)} {tail}")
    return list(dict.fromkeys(found))


def _ends(first: int | None, last: int | None, least: int) -> list[str]:
    found = []
    if least == 1 and (first is None or last is None or first == last):
        found.append(_number(last if first is None else first))
    found.append(f"{_number(first)}{_some(max(least - 2, 0))} {_number(last)}")
    return found


def _number(asn: int | None) -> str:
    return _ANY if asn is None else str(asn)


def _some(least: int) -> str:
    return f"( {_ANY})*" if least == 0 else f"( {_ANY}){{{least},}}"


# Small words --------------------------------------------------------------------------


def pair(community: Community) -> str:
    """``65000:100``."""
    return f"{community >> 16}:{community & 0xFFFF}"


def triple(community: LargeCommunity) -> str:
    """``65000:1:2``."""
    return ":".join(map(str, community))


def mark_patterns(asn: int) -> tuple[str, ...]:
    """Regular expressions of the large communities, as text, that stay inside ``asn``."""
    return tuple(f"^{administrator}:{kind}:{_number(value)}$" for administrator, kind, value in marks(asn))
