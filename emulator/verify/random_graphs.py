"""Random Internet-like networks as scenario documents: tiers, relationships, communities, prepending.

A few ASes at the top peer with each other; every other buys transit from one to
three earlier ones, the more likely the more customers they have, which gives the
Internet's heavy tail (Barabasi and Albert, Science 286, 1999); some in the
middle peer. Preferences stay within the class of a relationship, so the network
has one stable state from any start (Gao and Rexford, IEEE/ACM ToN 9(6), 2001)
and two implementations must agree on all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from emulator.rng import stream

if TYPE_CHECKING:
    import random

_TOP_SHARE: Final = 0.06
_MIDDLE_SHARE: Final = 0.35
_PROVIDERS: Final = (1, 1, 2, 2, 3)
_PEERING_PROBABILITY: Final = 0.35
_WIDE_ASN_PROBABILITY: Final = 0.2
_TAGGED_PROBABILITY: Final = 0.4
_PREPENDED_PROBABILITY: Final = 0.15
_MED_PROBABILITY: Final = 0.15
_TAGS: Final = 8
"""Communities that routes may carry and policies look for."""

POLICIES: Final[dict[str, Any]] = {
    # Preferences move within a relationship's class only: 100, 200 and 300 are the classes.
    "less-wanted": [
        {
            "match": {"community": ["64500:1", "64500:2"], "learned_from": "customer"},
            "set": {"local_pref": 290},
        },
        {"match": {"community": "64500:1", "learned_from": "peer"}, "set": {"local_pref": 190}},
    ],
    "marking": [
        {
            "match": {"as_path": {"longer_than": 2}},
            "set": {"add_communities": "64501:7", "add_large_communities": "64501:1:7"},
        },
        {"match": {"community": "64500:3"}, "set": {"remove_communities": "64500:3"}},
    ],
    "filtering": [
        {"match": {"community": "64500:4", "learned_from": ["peer", "provider"]}, "then": "reject"}
    ],
    "prepend-once": [{"set": {"prepend": 1}}],
    "prepend-thrice": [
        {"match": {"community": ["64500:5", "64500:6"]}, "set": {"prepend": 3}, "then": "accept"}
    ],
    "with-med": [{"set": {"med": 50}}],
}
"""Rule lists that routers of a random network choose from."""


def random_document(routers: int, seed: int, *, ipv6: bool = False, rules: bool = True) -> dict[str, Any]:
    """Return a scenario of ``routers`` ASes, one router and one prefix each, as the loader reads it.

    ``ipv6`` gives every fourth AS an IPv6 prefix instead; without ``rules`` there are relationships only.
    The timeline takes a stub's prefix away and brings it back, cuts a link and repairs it, resets a session.
    """
    rng = stream(seed, "verify/random-graph")
    links = _links(routers, rng)
    names = [f"as{index}" for index in range(routers)]
    identifiers = rng.sample(range(1, 1 + 4 * routers), routers)
    specs = {
        name: _router(index, identifiers[index], rng, ipv6=ipv6, rules=rules)
        for index, name in enumerate(names)
    }
    for customer, provider, relationship in links:
        if rules and relationship == "customer-provider":
            _decorate(specs[names[customer]], names[provider], rng)
    document: dict[str, Any] = {
        "version": 1,
        "name": f"random-{routers}-{seed}",
        "seed": seed,
        "network": {
            "routers": specs,
            "links": [
                {"ends": [names[first], names[second]], "delay": "0s", "relationship": relationship}
                for first, second, relationship in links
            ],
        },
        "bgp": {"policy": "gao-rexford", "mrai": "0s", "mrai_jitter": [1, 1]},
        "duration": "1h",
        "timeline": _timeline(names, specs, links, rng),
    }
    if rules:
        document["policies"] = POLICIES
    return document


def _links(routers: int, rng: random.Random) -> list[tuple[int, int, str]]:
    """Customer and provider, or two peers; earlier ASes are higher up, so nobody is its own provider."""
    top = min(max(2, round(_TOP_SHARE * routers)), routers)
    middle = max(top, round((_TOP_SHARE + _MIDDLE_SHARE) * routers))
    links = [(a, b, "peer") for a in range(top) for b in range(a + 1, top)]
    taken = {(a, b) for a, b, _ in links}
    # One entry for being there, one for each customer: drawing from it is preferential.
    weighted = list(range(top))
    for index in range(top, routers):
        candidates = [each for each in weighted if each < middle]
        providers: list[int] = []
        for _ in range(rng.choice(_PROVIDERS)):
            provider = rng.choice(candidates)
            if provider not in providers:
                providers.append(provider)
        for provider in providers:
            links.append((index, provider, "customer-provider"))
            taken.add((provider, index))
        weighted += providers
        if index < middle:
            weighted.append(index)
    for index in range(top, middle):
        if rng.random() < _PEERING_PROBABILITY:
            other = rng.randrange(top, middle)
            pair = min(index, other), max(index, other)
            if index != other and pair not in taken:
                taken.add(pair)
                links.append((*pair, "peer"))
    return links


def _router(index: int, identifier: int, rng: random.Random, *, ipv6: bool, rules: bool) -> dict[str, Any]:
    wide = rng.random() < _WIDE_ASN_PROBABILITY
    is_v6 = ipv6 and index % 4 == 0
    text = f"2001:db8:{index:x}::/48" if is_v6 else f"10.{index >> 8}.{index & 255}.0/24"
    prefix: dict[str, Any] = {"prefix": text}
    spec: dict[str, Any] = {
        "asn": (4_200_000_000 if wide else 1_000) + index,
        "router_id": ".".join(str(octet) for octet in identifier.to_bytes(4, "big")),
        "prefixes": [prefix],
    }
    if rules:
        if rng.random() < _TAGGED_PROBABILITY:
            prefix["communities"] = [f"64500:{tag}" for tag in sorted(rng.sample(range(_TAGS), 2))]
        if rng.random() < _TAGGED_PROBABILITY / 2:
            prefix["large_communities"] = [f"64500:{index}:{rng.randrange(_TAGS)}"]
        spec["import"] = rng.choice(([], ["less-wanted"], ["less-wanted", "marking"], ["filtering"]))
    return spec


def _decorate(spec: dict[str, Any], provider: str, rng: random.Random) -> None:
    """Make the customer's session with a provider less wanted: path longer, or with a MED."""
    drawn = rng.random()
    if drawn < _PREPENDED_PROBABILITY:
        lists = rng.choice((["prepend-once"], ["prepend-thrice"]))
    elif drawn < _PREPENDED_PROBABILITY + _MED_PROBABILITY:
        lists = ["with-med"]
    else:
        return
    spec.setdefault("neighbors", {})[provider] = {"export": lists}


def _timeline(
    names: list[str], specs: dict[str, Any], links: list[tuple[int, int, str]], rng: random.Random
) -> list[dict[str, Any]]:
    stub = names[-1]
    prefix = specs[stub]["prefixes"][0]["prefix"]
    cut, reset = (rng.choice(links)[:2] for _ in range(2))
    ends, broken = ([names[end] for end in pair] for pair in (cut, reset))
    return [
        {"at": "0s", "withdraw": prefix, "router": stub},
        {"at": "10min", "announce": prefix, "router": stub},
        {"at": "20min", "cut": ends, "repair_after": "10min"},
        {"at": "40min", "reset": broken},
    ]
