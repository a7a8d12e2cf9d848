"""``policies:`` to rule lists, and to the policy of each session that has any."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import (
    BLACKHOLE,
    GRACEFUL_SHUTDOWN,
    NO_ADVERTISE,
    NO_EXPORT,
    NO_EXPORT_SUBCONFED,
)
from emulator.bgp.policy import Relation
from emulator.bgp.rules import Change, Match, Rule, RuleList, RulePolicy, Validity, Verdict
from emulator.errors import suggest
from emulator.scenario.schema_policy import PrefixRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulator.bgp.attributes import Community, LargeCommunity
    from emulator.scenario.build.prefixes import Addressing
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_policy import ChangeSpec, MatchSpec, RuleSpec

_WELL_KNOWN: Final = {
    "graceful-shutdown": GRACEFUL_SHUTDOWN,
    "blackhole": BLACKHOLE,
    "no-export": NO_EXPORT,
    "no-advertise": NO_ADVERTISE,
    "no-export-subconfed": NO_EXPORT_SUBCONFED,
}
_RELATIONS: Final = {
    "customer": Relation.CUSTOMER,
    "peer": Relation.PEER,
    "provider": Relation.PROVIDER,
}
_VERDICTS: Final = {None: Verdict.NEXT, "accept": Verdict.ACCEPT, "reject": Verdict.REJECT}


def build_rules(
    document: Scenario, addressing: Addressing, problems: Problems
) -> dict[str, tuple[Rule, ...]]:
    """Resolve every named list; a prefix that the scenario does not have is a problem."""
    known = [prefix.text for prefix in addressing.prefixes]
    return {
        name: tuple(
            _rule(spec, known, ("policies", name, index), problems) for index, spec in enumerate(rules)
        )
        for name, rules in document.policies.items()
    }


def joined(names: Iterable[str], rules: dict[str, tuple[Rule, ...]]) -> tuple[Rule, ...]:
    """The rules of several lists, one after the other."""
    return tuple(rule for name in names for rule in rules[name])


def _rule(spec: RuleSpec, known: Sequence[str], path: tuple[str | int, ...], problems: Problems) -> Rule:
    return Rule(
        _match(spec.match, known, (*path, "match"), problems), _change(spec.set_), _VERDICTS[spec.then]
    )


def _match(spec: MatchSpec, known: Sequence[str], path: tuple[str | int, ...], problems: Problems) -> Match:
    as_path = spec.as_path
    return Match(
        prefixes=None if spec.prefix is None else _prefixes(spec, known, (*path, "prefix"), problems),
        communities=communities(spec.community),
        large_communities=large_communities(spec.large_community),
        neighbor_as=None if as_path is None else as_path.neighbor,
        origin_as=None if as_path is None else as_path.origin,
        through_as=None if as_path is None else as_path.through,
        longer_than=None if as_path is None else as_path.longer_than,
        validity=None if spec.validity is None else Validity(spec.validity),
        learned_from=None
        if spec.learned_from is None
        else frozenset(_RELATIONS[name] for name in _listed(spec.learned_from)),
    )


def _change(spec: ChangeSpec) -> Change:
    return Change(
        local_pref=spec.local_pref,
        med=spec.med,
        remove_communities=communities(spec.remove_communities),
        add_communities=communities(spec.add_communities),
        remove_large_communities=large_communities(spec.remove_large_communities),
        add_large_communities=large_communities(spec.add_large_communities),
        prepend=spec.prepend or 0,
    )


def _prefixes(
    spec: MatchSpec, known: Sequence[str], path: tuple[str | int, ...], problems: Problems
) -> frozenset[int]:
    """The numbers of the scenario's prefixes that are meant."""
    is_list = isinstance(spec.prefix, tuple)
    meant = spec.prefix if isinstance(spec.prefix, tuple) else (spec.prefix,)
    found: list[int] = []
    for index, each in enumerate(meant):
        if isinstance(each, PrefixRange):
            found += _within(each, known)
        elif each in known:
            found.append(known.index(each))
        else:
            where = (*path, index) if is_list else path
            problems.add(
                where, f"no router announces {each}{suggest(str(each), known)}: the rule is for nothing"
            )
    return frozenset(found)


def _within(spec: PrefixRange, known: Sequence[str]) -> list[int]:
    """Indices of the prefixes inside the range."""
    around = ipaddress.ip_network(spec.in_)
    least = around.prefixlen if spec.ge is None else spec.ge
    most = around.max_prefixlen if spec.le is None else spec.le
    return [
        index
        for index, text in enumerate(known)
        if least <= (network := ipaddress.ip_network(text)).prefixlen <= most and is_within(network, around)
    ]


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_within(network: Network, around: Network) -> bool:
    """Whether ``around`` covers ``network``; families do not cover each other."""
    shift = around.max_prefixlen - around.prefixlen
    return (
        network.version == around.version
        and network.prefixlen >= around.prefixlen
        and int(network.network_address) >> shift == int(around.network_address) >> shift
    )


def _listed(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def communities(value: str | tuple[str, ...] | None) -> tuple[Community, ...]:
    """Communities as their 32 bits, sorted."""
    return tuple(sorted({_community(text) for text in _listed(value)}))


def _community(text: str) -> Community:
    if text in _WELL_KNOWN:
        return _WELL_KNOWN[text]
    upper, lower = text.split(":")
    return int(upper) << 16 | int(lower)


def large_communities(value: str | tuple[str, ...] | None) -> tuple[LargeCommunity, ...]:
    """Large communities as their three numbers, sorted."""
    triples = (tuple(map(int, text.split(":"))) for text in _listed(value))
    return tuple(sorted({(first, second, third) for first, second, third in triples}))


def rule_policy(
    imports: Sequence[Rule], exports: Sequence[Rule], *, rejects_import: bool, rejects_export: bool
) -> RulePolicy:
    """Make a policy of rules; what nobody has judged is accepted unless ``rejects`` says otherwise."""
    verdict = {False: Verdict.ACCEPT, True: Verdict.REJECT}
    return RulePolicy(
        RuleList(tuple(imports), verdict[rejects_import]), RuleList(tuple(exports), verdict[rejects_export])
    )
