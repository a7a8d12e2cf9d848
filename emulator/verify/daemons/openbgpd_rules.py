"""Policy in OpenBGPD's language: filter rules (bgpd.conf(5)).

Rules are read to the end and the last that allows or denies wins, unless it says
``quick``; ``match`` only changes. A rule knows one condition on members of the
AS path and three communities at most, all of which must hold. What is more, or
says "any of", is told by several rules that hand a mark on, a large community of
the AS's own, which is taken off at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.bgp.policy import is_mark, marks
from emulator.bgp.rules import Change, Verdict
from emulator.verify.daemons.clauses import Clause, exports, imports, pair, triple, with_closing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emulator.verify.daemons.base import Neighbor, RouterSetup
    from emulator.verify.daemons.clauses import Clauses

_FAMILY_WORD: Final = {Family.IPV4: "inet", Family.IPV6: "inet6"}
_MARK: Final = 4_294_967_295
"""Middle part of the marks."""
_COMMUNITIES_MAX: Final = 2
"""Of the three that a rule may name one is kept for a mark."""
_NOTHING: Final = Change()


@dataclass(frozen=True, slots=True)
class _Conditions:
    """What one rule can ask at once; ``member`` is its condition on an AS in the path."""

    member: str | None = None
    communities: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def text(self) -> str:
        return " ".join([*self.others, *([self.member] if self.member else []), *self.communities])


class OpenbgpdPolicy:
    """The filter rules of one router."""

    def __init__(self, setup: RouterSetup) -> None:
        """Start with nothing."""
        self._setup = setup
        self._prefix_sets: dict[tuple[str, ...], str] = {}
        self._rules: list[str] = []
        self._marks = 0

    def lines(self) -> list[str]:
        """Sets of prefixes first, then the rules."""
        sets = [f'prefix-set "{name}" {{ {" ".join(v)} }}' for v, name in self._prefix_sets.items()]
        return sets + self._rules

    def write(self, neighbor: Neighbor, families: Sequence[Family]) -> None:
        """Write both directions of a session, for each family on its own."""
        far = neighbor.remote[neighbor.transport]
        for family in families:
            word = f" {_FAMILY_WORD[family]}" if len(families) > 1 else ""
            inward, outward = (way(self._setup, neighbor, family) for way in (imports, exports))
            if neighbor.is_ebgp and _sets_med(self._setup):
                # A MED set on import would go out to other ASes, which it must not (RFC 4271 5.1.4).
                self._rules.append(f"match to {far}{word} max-as-len 0 set med 0")
            if family is not neighbor.transport:
                # Left alone it gives the first IPv6 address of the machine, loopback's; what is set here
                # counts on sessions that may be several hops long, which `_session` therefore says.
                self._rules += [
                    f"match to {far}{word} set nexthop {neighbor.local[family]}",
                    f"match to {far}{word} set nexthop no-modify",
                ]
            for peer, policy in ((f"from {far}", inward), (f"to {far}", outward)):
                self._direction(peer, word, policy)

    def _direction(self, peer: str, word: str, policy: Clauses) -> None:
        strips = list(map(_delete, marks(self._setup.asn))) if policy.strips_own else []
        first_mark = self._marks
        start = len(self._rules)
        for clause in (*with_closing(policy), Clause(verdict=policy.default)):
            self._clause(peer, word, clause, strips)
        if self._marks > first_mark:
            extra = _delete((self._setup.asn, _MARK, None))
            self._rules[start:] = [
                _with_set(rule, extra) if rule.startswith("allow") else rule for rule in self._rules[start:]
            ]

    def _clause(self, peer: str, word: str, clause: Clause, strips: Sequence[str]) -> None:
        """One rule for each way in which the conditions may hold, or marks first and then one rule."""
        change = clause.change
        ways = list(self._ways(clause, word))
        if clause.verdict is Verdict.NEXT and len(ways) > 1 and change.prepend:
            mark = self._mark()
            for way in ways:
                self._chain(peer, way, "match", [f"large-community {mark}"])
            ways = [[_Conditions(communities=(f"large-community {mark}",))]]
        sets = self._sets(clause, strips)
        action = {Verdict.NEXT: "match", Verdict.ACCEPT: "allow quick", Verdict.REJECT: "deny quick"}
        for way in ways:
            self._chain(peer, way, action[clause.verdict], sets)

    def _chain(self, peer: str, way: list[_Conditions], action: str, sets: list[str]) -> None:
        """Rules that must match one after the other; each but the last hands on a mark."""
        mark: str | None = None
        for place, conditions in enumerate(way):
            asked = conditions
            if mark is not None:
                asked = replace(conditions, communities=(*conditions.communities, f"large-community {mark}"))
            if place == len(way) - 1:
                self._rules.append(_rule(action, peer, asked, sets))
            else:
                mark = self._mark()
                self._rules.append(_rule("match", peer, asked, [f"large-community {mark}"]))

    def _ways(self, clause: Clause, word: str) -> Iterator[list[_Conditions]]:
        """Each combination of what is enough, as conditions for rules one after the other."""
        path = clause.path
        members = [
            f"{kind} {asn}"
            for kind, asn in (("peer-as", path.first), ("source-as", path.last), ("AS", path.through))
            if asn is not None
        ]
        others = [word.strip()] if word and clause.prefixes is None else []
        if clause.prefixes is not None:
            others.append(self._prefixes(clause.prefixes))
        if clause.validity is not None:
            others.append(f"ovs {clause.validity.value}")
        if path.longer_than is not None:
            others.append(f"max-as-len {path.longer_than}")
        everywhere = [f"community {pair(c)}" for c in clause.all_communities]
        any_of = [[f"community {pair(c)}" for c in clause.communities]] if clause.communities else []
        any_of += [[f"large-community {triple(c)}" for c in group] for group in clause.large_communities]
        for choice in product(*any_of):
            communities = list(dict.fromkeys([*everywhere, *choice]))
            rules = []
            waiting = list(members)
            first = True
            while first or waiting or communities:
                rules.append(
                    _Conditions(
                        waiting.pop(0) if waiting else None,
                        tuple(communities[:_COMMUNITIES_MAX]),
                        tuple(others) if first else (),
                    )
                )
                communities = communities[_COMMUNITIES_MAX:]
                first = False
            yield rules

    def _sets(self, clause: Clause, strips: Sequence[str]) -> list[str]:
        """Attribute sets; a rule that accepts also strips, and so need not add what would be stripped."""
        if clause.verdict is Verdict.REJECT:
            return []
        change, accepts = clause.change, clause.verdict is Verdict.ACCEPT
        found = []
        if change.local_pref is not None:
            found.append(f"localpref {change.local_pref}")
        if change.med is not None:
            found.append(f"med {change.med}")
        if change.prepend:
            found.append(f"prepend-self {change.prepend}")
        kept = set(change.add_communities)
        found += [f"community delete {pair(c)}" for c in change.remove_communities if c not in kept]
        found += [f"community {pair(c)}" for c in change.add_communities]
        kept_large = set(change.add_large_communities)
        found += [
            f"large-community delete {triple(c)}"
            for c in change.remove_large_communities
            if c not in kept_large
        ]
        is_stripped = bool(strips) and accepts
        found += [
            f"large-community {triple(c)}"
            for c in change.add_large_communities
            if not (is_stripped and is_mark(c, self._setup.asn))
        ]
        return found + (list(strips) if accepts else [])

    def _prefixes(self, prefixes: tuple[str, ...]) -> str:
        if len(prefixes) == 1:
            return f"prefix {prefixes[0]}"
        return f'prefix-set "{self._prefix_sets.setdefault(prefixes, f"p{len(self._prefix_sets)}")}"'

    def _mark(self) -> str:
        self._marks += 1
        return f"{self._setup.asn}:{_MARK}:{self._marks}"


def _rule(action: str, peer: str, conditions: _Conditions, sets: Sequence[str]) -> str:
    words = [action, peer, conditions.text(), f"set {{ {' '.join(sets)} }}" if sets else ""]
    return " ".join(word for word in words if word)


def _delete(mark: tuple[int, int, int | None]) -> str:
    """Remove a large community, or all that begin so."""
    administrator, kind, value = mark
    return f"large-community delete {administrator}:{kind}:{'*' if value is None else value}"


def _with_set(rule: str, extra: str) -> str:
    """``rule`` with one more attribute set."""
    if rule.endswith(" }"):
        return f"{rule[:-2]} {extra} }}"
    return f"{rule} set {{ {extra} }}"


def _sets_med(setup: RouterSetup) -> bool:
    """Whether any import policy sets MED."""
    return any(rule.change.med is not None for n in setup.neighbors for rule in n.imports.rules)
