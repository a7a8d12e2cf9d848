"""Policy in GoBGP's language (docs/sources/policy.md of its repository), as TOML.

GoBGP's policies are the router's, not the neighbour's: every statement names its
neighbour. A statement without a disposition goes on with the next one, which
sees the route as changed. Export policy sees the AS_PATH with the router's own
AS already in front, and one statement either adds communities or removes them,
so a rule that does both becomes two statements.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import NO_ADVERTISE, NO_EXPORT, NO_EXPORT_SUBCONFED
from emulator.bgp.messages import Family
from emulator.bgp.rules import Change, Verdict
from emulator.verify.daemons.clauses import (
    Clause,
    exports,
    imports,
    mark_patterns,
    pair,
    path_patterns,
    roas_of,
    triple,
    with_closing,
    without_validity,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.verify.daemons.base import Neighbor, RouterSetup
    from emulator.verify.daemons.clauses import Clauses

FAMILY_NAME: Final = {Family.IPV4: "ipv4-unicast", Family.IPV6: "ipv6-unicast"}
_DISPOSITIONS: Final = {Verdict.ACCEPT: "accept-route", Verdict.REJECT: "reject-route"}
_AT: Final = "policy-definitions.statements"
_CONDITIONS: Final = f"{_AT}.conditions"
_ACTIONS: Final = f"{_AT}.actions.bgp-actions"
_NOTHING: Final = Change()
_SCOPE: Final = (
    Clause(communities=(NO_ADVERTISE,), verdict=Verdict.REJECT),
    Clause(communities=(NO_EXPORT, NO_EXPORT_SUBCONFED), verdict=Verdict.REJECT),
)
"""RFC 1997's well-known communities, which GoBGP 3.10 does nothing about: for all peers, for eBGP peers."""


class GobgpPolicy:
    """The policy definitions of one router, and the defined sets they share."""

    def __init__(self, setup: RouterSetup) -> None:
        """Start with nothing."""
        self._setup = setup
        self._sets: dict[tuple[str, ...], str] = {}
        self._definitions: list[str] = []

    def lines(self) -> list[str]:
        """Sets first, then the definitions."""
        found: list[str] = []
        for (kind, *values), name in self._sets.items():
            found += _SETS[kind](name, values)
        return found + self._definitions

    def define(self, neighbor: Neighbor, families: Sequence[Family], *, on_import: bool) -> str:
        """Write what is done to the routes from, or to, one neighbour; return the policy's name."""
        name = f"{'in' if on_import else 'out'}{neighbor.number}"
        peer = self._named("neighbor", neighbor.remote[neighbor.transport])
        self._definitions += ["", "[[policy-definitions]]", f"name = {_quoted(name)}"]
        for family in families:
            policy = (imports if on_import else exports)(self._setup, neighbor, family)
            common = [
                f"[{_CONDITIONS}.match-neighbor-set]",
                f"neighbor-set = {_quoted(peer)}",
                f"[{_CONDITIONS}.bgp-conditions]",
                f"afi-safi-in-list = [{_quoted(FAMILY_NAME[family])}]",
            ]
            for statement in self._statements(neighbor, family, policy, on_import=on_import):
                self._definitions += [f"[[{_AT}]]", *common, *statement]
        return name

    def _statements(
        self, neighbor: Neighbor, family: Family, policy: Clauses, *, on_import: bool
    ) -> list[list[str]]:
        """One or two statements a clause, and one for what none has judged."""
        roas = roas_of(self._setup, neighbor)
        clauses = without_validity(with_closing(policy), self._setup, roas, family)
        lead = None if on_import or not neighbor.is_ebgp else self._setup.asn
        next_hop = neighbor.local[family] if not on_import and family is not neighbor.transport else None
        found = []
        scope = () if on_import else _SCOPE if neighbor.is_ebgp else _SCOPE[:1]
        for clause in (*scope, *_unmixed(clauses), Clause(verdict=policy.default)):
            added, rest = _halves(clause)
            conditions = self._conditions(clause, lead)
            if added != _NOTHING:
                found.append([*conditions, *self._actions(added, Verdict.NEXT)])
            if rest == _NOTHING and clause.verdict is Verdict.NEXT:
                continue
            accepts = clause.verdict is Verdict.ACCEPT
            found.append(
                [
                    *conditions,
                    *self._actions(
                        rest,
                        clause.verdict,
                        strip=policy.strips_own and accepts,
                        next_hop=next_hop if accepts else None,
                    ),
                ]
            )
        return found

    def _conditions(self, clause: Clause, lead: int | None) -> list[str]:
        found: list[str] = []

        def add(table: str, key: str, name: str, options: str = "any") -> None:
            lines = (
                f"[{_CONDITIONS}.{table}]",
                f"{key} = {_quoted(name)}",
                f'match-set-options = "{options}"',
            )
            found.extend(lines)

        if clause.prefixes is not None:
            add("match-prefix-set", "prefix-set", self._named("prefix", *clause.prefixes))
        communities = clause.communities or clause.all_communities
        if communities:
            options = "all" if clause.all_communities else "any"
            named = self._named("community", *map(pair, (*clause.communities, *clause.all_communities)))
            add("bgp-conditions.match-community-set", "community-set", named, options)
        if clause.large_communities:
            (group, *others) = clause.large_communities
            texts = [triple(each) for one in (group, *others) for each in one]
            add(
                "bgp-conditions.match-large-community-set",
                "large-community-set",
                self._named("large-community", *texts),
                "all" if others else "any",
            )
        patterns = path_patterns(clause.path, lead)
        if patterns:
            add("bgp-conditions.match-as-path-set", "as-path-set", self._named("as-path", *patterns))
        elif clause.path.not_last:
            named = self._named("as-path", *(f"(^| ){asn}$" for asn in clause.path.not_last))
            add("bgp-conditions.match-as-path-set", "as-path-set", named, "invert")
        return found

    def _actions(
        self, change: Change, verdict: Verdict, *, strip: bool = False, next_hop: str | None = None
    ) -> list[str]:
        """Tables of what is done; ``strip`` removes the AS's own marks as well."""
        found = [f"[{_AT}.actions]"]
        if verdict in _DISPOSITIONS:
            found.append(f"route-disposition = {_quoted(_DISPOSITIONS[verdict])}")
        if verdict is Verdict.REJECT:
            return found
        found.append(f"[{_ACTIONS}]")
        if change.local_pref is not None:
            found.append(f"set-local-pref = {change.local_pref}")
        if change.med is not None:
            found.append(f'set-med = "{change.med}"')
        if next_hop is not None:
            found.append(f"set-next-hop = {_quoted(next_hop)}")
        if change.prepend:
            found += [f"[{_ACTIONS}.set-as-path-prepend]", f'as = "{self._setup.asn}"']
            found.append(f"repeat-n = {change.prepend}")
        large = [triple(c) for c in change.remove_large_communities]
        if strip:
            large += mark_patterns(self._setup.asn)
        found += _list_action("community", "add", [pair(c) for c in change.add_communities])
        found += _list_action("community", "remove", [pair(c) for c in change.remove_communities])
        found += _list_action("large-community", "add", [triple(c) for c in change.add_large_communities])
        return found + _list_action("large-community", "remove", large)

    def _named(self, kind: str, *values: str) -> str:
        """Return the name of the defined set of ``values``."""
        return self._sets.setdefault((kind, *values), f"{kind}{len(self._sets)}")


def _unmixed(clauses: Sequence[Clause]) -> list[Clause]:
    """Break up clauses with two lists of communities: a statement knows "any of" or "all of" one list."""
    found = []
    for clause in clauses:
        groups = clause.large_communities
        choices = list(product(*groups)) if len(groups) > 1 else [None]
        pairs = clause.communities if clause.all_communities and clause.communities else [None]
        for choice in choices:
            for community in pairs:
                one = clause
                if choice is not None:
                    one = replace(one, large_communities=tuple((each,) for each in dict.fromkeys(choice)))
                if community is not None:
                    one = replace(one, communities=(community,))
                found.append(one)
    return found


def _halves(clause: Clause) -> tuple[Change, Change]:
    """Split a change into additions that must be a statement of their own, and the rest.

    Additions come first here, so what is added is not removed either.
    """
    change = clause.change
    removed = tuple(c for c in change.remove_communities if c not in change.add_communities)
    removed_large = tuple(c for c in change.remove_large_communities if c not in change.add_large_communities)
    added = Change(
        add_communities=change.add_communities if removed else (),
        add_large_communities=change.add_large_communities,
    )
    rest = replace(
        change,
        remove_communities=removed,
        remove_large_communities=removed_large,
        add_communities=() if removed else change.add_communities,
        add_large_communities=(),
    )
    return added, rest


def _list_action(kind: str, what: str, values: list[str]) -> list[str]:
    if not values:
        return []
    return [
        f"[{_ACTIONS}.set-{kind}]",
        f'options = "{what}"',
        f"[{_ACTIONS}.set-{kind}.set-{kind}-method]",
        f"communities-list = {_list(values)}",
    ]


def _quoted(text: str) -> str:
    return f'"{text}"'


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _prefix_set(name: str, values: Sequence[str]) -> list[str]:
    found = ["[[defined-sets.prefix-sets]]", f"prefix-set-name = {_quoted(name)}"]
    for value in values:
        found += ["[[defined-sets.prefix-sets.prefix-list]]", f"ip-prefix = {_quoted(value)}"]
    return found


def _neighbor_set(name: str, values: Sequence[str]) -> list[str]:
    return [
        "[[defined-sets.neighbor-sets]]",
        f"neighbor-set-name = {_quoted(name)}",
        f"neighbor-info-list = {_list(values)}",
    ]


def _bgp_set(kind: str) -> Callable[[str, Sequence[str]], list[str]]:
    return lambda name, values: [
        f"[[defined-sets.bgp-defined-sets.{kind}-sets]]",
        f"{kind}-set-name = {_quoted(name)}",
        f"{kind}-list = {_list(values)}",
    ]


_SETS: Final[dict[str, Callable[[str, Sequence[str]], list[str]]]] = {
    "prefix": _prefix_set,
    "neighbor": _neighbor_set,
    "community": _bgp_set("community"),
    "large-community": _bgp_set("large-community"),
    "as-path": _bgp_set("as-path"),
}
