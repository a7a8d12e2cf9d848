"""Policy in FRR's language: route-maps and the lists they refer to (https://docs.frrouting.org)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.bgp.rules import Verdict
from emulator.verify.daemons.clauses import mark_patterns, pair, path_patterns, triple, without_validity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from emulator.bgp.rov import Roas
    from emulator.bgp.rules import Change
    from emulator.verify.daemons.base import RouterSetup
    from emulator.verify.daemons.clauses import Clause, Clauses, PathMatch

_IP: Final = {Family.IPV4: "ip", Family.IPV6: "ipv6"}
_NAME: Final = "<name>"
"""Stands for a route-map's name until the map is known to be a new one."""


class FrrPolicy:
    """Route-maps of one router, and the named lists they share.

    `route_map` returns a map's name, None where it would change nothing;
    `lines` is all that was asked for, definitions before use. Policies that say
    the same share a map: FRR sends the same messages to all neighbours with one
    outbound map (an update-group), as it would without any.
    """

    def __init__(self, setup: RouterSetup) -> None:
        """Start with nothing."""
        self._setup = setup
        self._lists: dict[tuple[str, ...], tuple[str, list[str]]] = {}
        self._maps: dict[tuple[str, ...], str] = {}

    def lines(self) -> list[str]:
        """Lists first, then the route-maps."""
        lists = [line for _, lines in self._lists.values() for line in lines]
        return lists + [line.replace(_NAME, name) for lines, name in self._maps.items() for line in lines]

    def route_map(
        self, policy: Clauses, family: Family, roas: Roas | None, next_hop: str | None = None
    ) -> str | None:
        """Write ``policy`` as a route-map; ``next_hop`` is set on what is accepted.

        An entry that accepts jumps over the others to the closing ones, which
        all accepted routes pass.
        """
        if policy.does_nothing and next_hop is None:
            return None
        clauses = without_validity(policy.clauses, self._setup, roas, family)
        closing = without_validity(policy.closing, self._setup, roas, family)
        end = len(clauses) + 2
        lines: list[str] = []
        for order, clause in enumerate(clauses, 1):
            lines += self._entry(order, clause, family, end)
        if policy.default is Verdict.REJECT:
            lines += [f"route-map {_NAME} deny {end - 1}", "exit"]
        for order, clause in enumerate(closing, end):
            lines += self._entry(order, clause, family, end)
        lines.append(f"route-map {_NAME} permit {end + len(closing)}")
        if policy.strips_own:
            own = self._list("large-community-list expanded", "o", mark_patterns(self._setup.asn))
            lines.append(f" set large-comm-list {own} delete")
        if next_hop is not None:
            lines.append(f" set ipv6 next-hop global {next_hop}")
        lines.append("exit")
        return self._maps.setdefault(tuple(lines), f"m{len(self._maps)}")

    def _entry(self, order: int, clause: Clause, family: Family, end: int) -> list[str]:
        refuses = clause.verdict is Verdict.REJECT
        lines = [f"route-map {_NAME} {'deny' if refuses else 'permit'} {order}"]
        lines += self._matches(clause, family)
        if not refuses:
            lines += self._sets(clause.change)
            lines.append(" on-match next" if clause.verdict is Verdict.NEXT else f" on-match goto {end}")
        return [*lines, "exit"]

    def _matches(self, clause: Clause, family: Family) -> list[str]:
        found = []
        if clause.prefixes is not None:
            prefixes = self._prefix_list(clause.prefixes, family)
            found.append(f" match {_IP[family]} address prefix-list {prefixes}")
        if clause.communities:
            communities = self._list("community-list standard", "c", map(pair, clause.communities))
            found.append(f" match community {communities}")
        if clause.large_communities:
            # One line is a set that must be there whole; any line will do.
            lines = (" ".join(map(triple, dict.fromkeys(c))) for c in product(*clause.large_communities))
            found.append(f" match large-community {self._list('large-community-list standard', 'l', lines)}")
        if not clause.path.is_any:
            found.append(f" match as-path {self._path_list(clause.path)}")
        return found

    def _sets(self, change: Change) -> list[str]:
        """Removals before additions: FRR executes them in this order."""
        found = []
        if change.local_pref is not None:
            found.append(f" set local-preference {change.local_pref}")
        if change.med is not None:
            found.append(f" set metric {change.med}")
        if change.remove_communities:
            removed = self._list("community-list standard", "c", map(pair, change.remove_communities))
            found.append(f" set comm-list {removed} delete")
        if change.add_communities:
            found.append(f" set community {' '.join(map(pair, change.add_communities))} additive")
        if change.remove_large_communities:
            texts = map(triple, change.remove_large_communities)
            removed = self._list("large-community-list standard", "l", texts)
            found.append(f" set large-comm-list {removed} delete")
        if change.add_large_communities:
            found.append(
                f" set large-community {' '.join(map(triple, change.add_large_communities))} additive"
            )
        if change.prepend:
            found.append(f" set as-path prepend {' '.join([str(self._setup.asn)] * change.prepend)}")
        return found

    # Lists --------------------------------------------------------------------------

    def _list(self, kind: str, start: str, values: Iterable[str]) -> str:
        """Name of a community list of any one of ``values``."""
        return self._named(start, lambda name, value: f"bgp {kind} {name} permit {value}", kind, *values)

    def _prefix_list(self, prefixes: tuple[str, ...], family: Family) -> str:
        ip = _IP[family]
        return self._named("p", lambda name, value: f"{ip} prefix-list {name} permit {value}", ip, *prefixes)

    def _path_list(self, path: PathMatch) -> str:
        """Of an access list the first line that matches counts."""
        lines = [f"deny (^| ){asn}$" for asn in path.not_last]
        if self._setup.asn in path.not_last:
            lines.append("deny ^$")
        lines += [f"permit {pattern}" for pattern in path_patterns(path) or (".*",)]
        return self._named(
            "a", lambda name, value: f"bgp as-path access-list {name} {value}", "as-path", *lines
        )

    def _named(self, start: str, line: Callable[[str, str], str], *key: str) -> str:
        """Return the name of the list that ``key``, a kind and values, says; defined at its first use."""
        if key not in self._lists:
            name = f"{start}{len(self._lists)}"
            self._lists[key] = name, [line(name, value) for value in key[1:]]
        return self._lists[key][0]
