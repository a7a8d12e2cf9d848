"""A made-up but plausible run, to draw and measure without simulating.

Two cables are cut in the Red Sea at t = 5 min. Under plain anycast some groups
fall into a blackhole and never come back; under IPA they are steered away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from emulator.record import trace
from emulator.record.run import RunRecord, new_manifest
from emulator.record.tables import RTT_BINS, RTT_FIRST_MS, RTT_RATIO

Array = npt.NDArray[Any]

CITIES = {
    "London": ("GB", 51.5, -0.1, 6),
    "Paris": ("FR", 48.9, 2.4, 5),
    "Frankfurt": ("DE", 50.1, 8.7, 7),
    "Madrid": ("ES", 40.4, -3.7, 4),
    "Milan": ("IT", 45.5, 9.2, 4),
    "Stockholm": ("SE", 59.3, 18.1, 2),
    "Warsaw": ("PL", 52.2, 21.0, 3),
    "Istanbul": ("TR", 41.0, 29.0, 5),
    "Moscow": ("RU", 55.8, 37.6, 6),
    "Marseille": ("FR", 43.3, 5.4, 1),
    "Cairo": ("EG", 30.0, 31.2, 5),
    "Jeddah": ("SA", 21.5, 39.2, 3),
    "Riyadh": ("SA", 24.7, 46.7, 2),
    "Dubai": ("AE", 25.2, 55.3, 2),
    "Djibouti": ("DJ", 11.6, 43.1, 0.3),
    "Nairobi": ("KE", -1.3, 36.8, 2),
    "Mombasa": ("KE", -4.0, 39.7, 0.5),
    "Dar es Salaam": ("TZ", -6.8, 39.3, 1),
    "Addis Ababa": ("ET", 9.0, 38.7, 2),
    "Karachi": ("PK", 24.9, 67.0, 4),
    "Lahore": ("PK", 31.5, 74.3, 3),
    "Mumbai": ("IN", 19.1, 72.9, 12),
    "Delhi": ("IN", 28.6, 77.2, 12),
    "Chennai": ("IN", 13.1, 80.3, 8),
    "Kolkata": ("IN", 22.6, 88.4, 6),
    "Bangalore": ("IN", 13.0, 77.6, 7),
    "Colombo": ("LK", 6.9, 79.9, 1),
    "Dhaka": ("BD", 23.8, 90.4, 5),
    "Singapore": ("SG", 1.35, 103.8, 2),
    "Jakarta": ("ID", -6.2, 106.8, 9),
    "Bangkok": ("TH", 13.8, 100.5, 5),
    "Ho Chi Minh": ("VN", 10.8, 106.7, 5),
    "Manila": ("PH", 14.6, 121.0, 6),
    "Hong Kong": ("HK", 22.3, 114.2, 2),
    "Tokyo": ("JP", 35.7, 139.7, 8),
    "Seoul": ("KR", 37.6, 127.0, 4),
    "Osaka": ("JP", 34.7, 135.5, 3),
    "Sydney": ("AU", -33.9, 151.2, 2),
    "Perth": ("AU", -31.9, 115.9, 0.6),
    "Auckland": ("NZ", -36.8, 174.8, 0.6),
    "New York": ("US", 40.7, -74.0, 8),
    "Ashburn": ("US", 39.0, -77.5, 3),
    "Chicago": ("US", 41.9, -87.6, 5),
    "Dallas": ("US", 32.8, -96.8, 5),
    "Los Angeles": ("US", 34.1, -118.2, 6),
    "San Jose": ("US", 37.3, -121.9, 3),
    "Seattle": ("US", 47.6, -122.3, 2),
    "Toronto": ("CA", 43.7, -79.4, 3),
    "Mexico City": ("MX", 19.4, -99.1, 6),
    "Bogota": ("CO", 4.7, -74.1, 3),
    "Lima": ("PE", -12.0, -77.0, 2),
    "Sao Paulo": ("BR", -23.6, -46.6, 8),
    "Rio de Janeiro": ("BR", -22.9, -43.2, 4),
    "Fortaleza": ("BR", -3.7, -38.5, 2),
    "Buenos Aires": ("AR", -34.6, -58.4, 3),
    "Santiago": ("CL", -33.4, -70.7, 2),
    "Lagos": ("NG", 6.5, 3.4, 7),
    "Accra": ("GH", 5.6, -0.2, 1),
    "Johannesburg": ("ZA", -26.2, 28.0, 3),
    "Cape Town": ("ZA", -33.9, 18.4, 1),
    "Honolulu": ("US", 21.3, -157.9, 0.3),
    "Guam": ("GU", 13.5, 144.8, 0.1),
}
"""City -> country, latitude, longitude, weight of its clients."""  # fmt: skip

POPS = {
    "LHR": "London", "FRA": "Frankfurt", "MAD": "Madrid", "MXP": "Milan", "BOM": "Mumbai", "MAA": "Chennai",
    "DXB": "Dubai", "SIN": "Singapore", "HKG": "Hong Kong", "NRT": "Tokyo", "SYD": "Sydney", "IAD": "Ashburn",
    "ORD": "Chicago", "SJC": "San Jose", "GRU": "Sao Paulo", "JNB": "Johannesburg", "SCL": "Santiago",
}  # fmt: skip

CABLES = [
    ("SEA-ME-WE 4", ["Marseille", "Cairo", "Jeddah", "Djibouti", "Karachi", "Mumbai", "Colombo", "Chennai",
                     "Singapore"]),
    ("AAE-1", ["Marseille", "Cairo", "Jeddah", "Djibouti", "Dubai", "Mumbai", "Singapore", "Hong Kong"]),
    ("SEACOM", ["Mumbai", "Djibouti", "Mombasa", "Dar es Salaam", "Johannesburg"]),
    ("WACS", ["London", "Accra", "Lagos", "Cape Town"]),
    ("MAREA", ["Ashburn", "Madrid"]), ("AC-1", ["New York", "London"]),
    ("Seabras", ["New York", "Sao Paulo"]), ("EllaLink", ["Madrid", "Fortaleza"]),
    ("Unity", ["Los Angeles", "Tokyo"]), ("FASTER", ["Seattle", "Osaka"]),
    ("Southern Cross", ["Sydney", "Auckland", "Honolulu", "Los Angeles"]),
    ("SEA-US", ["Los Angeles", "Honolulu", "Guam", "Manila"]),
    ("APG", ["Tokyo", "Seoul", "Hong Kong", "Ho Chi Minh", "Singapore"]), ("ASC", ["Perth", "Singapore"]),
    ("SAm-1", ["Santiago", "Lima", "Bogota"]), ("Malbec", ["Rio de Janeiro", "Buenos Aires"]),
]  # fmt: skip
CUT = {("SEA-ME-WE 4", "Jeddah"), ("AAE-1", "Jeddah")}
PROVIDERS = (("Arelion", 1299), ("Cogent", 174), ("GTT", 3257), ("NTT", 2914), ("Tata", 6453))
STRATEGIES = (("anycast", "anycast"), ("ipa", "ipa"), ("ipa-cover", "ipa"))
FAULT_S, DURING_END_S, END_S = 300, 900, 1800


def great_circle_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance of two (latitude, longitude) on a sphere."""
    (p, q), (r, s) = (map(math.radians, a), map(math.radians, b))
    h = math.sin((r - p) / 2) ** 2 + math.cos(p) * math.cos(r) * math.sin((s - q) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(h))


def world_record(seed: int = 1, demand: float = 4000.0, per_city: int = 3) -> RunRecord:
    """A run of the Red Sea scenario that no simulation has seen. ``demand`` in requests/s."""
    rng = np.random.default_rng(seed)
    atlas = _atlas(rng, per_city)
    tables = _tables(rng, atlas, demand)
    events = [
        {
            "index": event["index"], "at_s": event["at_s"], "kind": event["kind"],
            "control_plane_convergence_s": 61.4 + event["index"],
            "data_plane_convergence_s": 61.5 + event["index"],
            "announcements": 5210, "withdrawals": 1890, "best_path_changes": 2411, "quiescent": True,
        }
        for event in atlas["events"]
    ]  # fmt: skip
    manifest = new_manifest(
        version="0.1.0", scenario="red-sea-2024", seed=seed, inputs={"red-sea-2024.yaml": "ab" * 32}
    )
    summary = {"schema": 1, "scenario": "red-sea-2024", "seed": seed, "events": events}
    records = [
        trace.event(e["at_s"], index=e["index"], kind=e["kind"], label=e["label"]) for e in atlas["events"]
    ]
    return RunRecord(manifest, summary, tables, atlas, tuple(records))


def _atlas(rng: np.random.Generator, per_city: int) -> dict[str, Any]:
    groups = []
    for city, (country, lat, lon, weight) in CITIES.items():
        parts = rng.dirichlet(np.ones(per_city)) * weight
        groups += [
            {"name": f"AS{64500 + i} {city}", "city": city, "country": country, "weight": float(part),
             "lat": lat, "lon": lon}
            for i, part in enumerate(parts)
        ]  # fmt: skip
    segments = [
        {
            "ends": [a, b], "cable": cable, "cut": (cable, a) in CUT,
            "from_s": FAULT_S if (cable, a) in CUT else None, "until_s": None,
        }
        for cable, landings in CABLES
        for a, b in pairwise(landings)
    ]  # fmt: skip
    return {
        "cities": {city: [lat, lon] for city, (_, lat, lon, _) in CITIES.items()},
        "segments": segments,
        "pops": [
            {"code": c, "city": city, "lat": CITIES[city][1], "lon": CITIES[city][2]}
            for c, city in POPS.items()
        ],
        "groups": groups,
        "strategies": [{"name": name, "kind": kind} for name, kind in STRATEGIES],
        "providers": [{"name": name, "asn": asn} for name, asn in PROVIDERS],
        "events": [
            {"index": 0, "at_s": 300.0, "kind": "cut", "label": "cut SEA-ME-WE 4, Jeddah - Djibouti"},
            {"index": 1, "at_s": 300.0, "kind": "cut", "label": "cut AAE-1, Jeddah - Djibouti"},
        ],
        "phases": {"fault_s": float(FAULT_S), "during_end_s": float(DURING_END_S), "end_s": float(END_S)},
    }


def _tables(rng: np.random.Generator, atlas: dict[str, Any], demand: float) -> dict[str, dict[str, Any]]:
    groups, pops = atlas["groups"], atlas["pops"]
    weight = np.array([group["weight"] for group in groups])
    rate = demand * weight / weight.sum()
    km = np.array(
        [[great_circle_km((g["lat"], g["lon"]), (p["lat"], p["lon"])) for p in pops] for g in groups]
    )
    order = np.argsort(km, axis=1)
    rtt = 0.0196 * km + rng.gamma(2.0, 4.0, len(groups))[:, None]
    east = np.array([25 < g["lon"] < 95 and g["lat"] < 40 for g in groups])
    out: dict[str, list[Any]] = {name: [] for name in ("requests", "rtt", "catchment", "reconvergence")}
    arrivals = rng.poisson(np.broadcast_to(rate[:, None], (len(groups), END_S)))
    for name, _ in STRATEGIES:
        fate = _fate(rng, name, order, east)
        out["requests"].append(_requests(rng, name, arrivals, fate))
        out["rtt"] += _rtts(rng, name, rtt, rate / rate.sum(), fate)
        for phase in ("before", "during", "after"):
            chosen = fate.before if phase == "before" else fate.after
            served = np.flatnonzero(~fate.dark) if phase != "before" else np.arange(len(groups))
            out["catchment"] += [
                (name, phase, g, chosen[g], int(600 * rate[g]) + 1, rtt[g, chosen[g]]) for g in served
            ]
        for g in np.flatnonzero(fate.hit):
            seconds = math.nan if fate.dark[g] else fate.back_s[g]
            out["reconvergence"].append((name, 0, g, seconds, bool(fate.dark[g]), 10))
    columns = {
        "requests": [
            "strategy",
            "group",
            "second",
            "requests",
            "good",
            "slow",
            "lost",
            "resets",
            "rtt_mean_ms",
        ],
        "rtt": ["strategy", "second", "bin", "requests"],
        "catchment": ["strategy", "phase", "group", "pop", "requests", "rtt_p50_ms"],
        "reconvergence": ["strategy", "event", "group", "seconds", "censored", "bad_requests"],
    }
    tables = {
        name: {c: _column(v) for c, v in zip(columns[name], zip(*rows, strict=True), strict=True)}
        for name, rows in out.items() if name not in ("requests", "rtt")
    }  # fmt: skip
    for name in ("requests", "rtt"):
        tables[name] = {
            c: [t for part in parts for t in part] if c == "strategy" else np.concatenate(parts)
            for c, parts in zip(columns[name], zip(*out[name], strict=True), strict=True)
        }
    return {**tables, "steering": _steering(rng), "load": _load(rng), "updates": _updates(rng)}


def _column(values: tuple[Any, ...]) -> list[str] | Array:
    return list(values) if isinstance(values[0], str) else np.array(values)


@dataclass(frozen=True)
class Fate:
    """What the cut does to each client group under one strategy; arrays by group."""

    before: Array
    """POP index."""
    after: Array
    hit: Array
    dark: Array
    """Never back."""
    back_s: Array


def _fate(rng: np.random.Generator, name: str, order: Array, east: Array) -> Fate:
    anycast = name == "anycast"
    detour = rng.random(len(east)) < (0.28 if anycast else 0.08)
    before = np.where(detour, order[:, 2], order[:, 0])
    hit = east & (rng.random(len(east)) < 0.75)
    dark = hit & (rng.random(len(east)) < 0.3) & anycast
    back_s = rng.lognormal(math.log(62 if anycast else 34), 0.45 if anycast else 0.25, len(east))
    back_s[dark] = np.inf
    return Fate(before, np.where(hit, order[:, 4 if anycast else 1], before), hit, dark, back_s)


def _requests(rng: np.random.Generator, name: str, arrivals: Array, fate: Fate) -> tuple[Any, ...]:
    group, second = np.nonzero(arrivals)
    count = arrivals[group, second]
    since = second - FAULT_S
    broken = fate.hit[group] & (since >= 0) & (since < fate.back_s[group])
    given_up = broken & (fate.dark[group] | (fate.back_s[group] - since > 97))
    lost = np.where(given_up, count, 0)
    slow = np.where(broken, count, rng.binomial(count, 0.0004)) * ~given_up
    resets = np.where((since == 0) & fate.hit[group], count // 3, 0)
    mean = np.full(len(count), 80.0)
    return [name] * len(count), group, second, count, count - lost - slow, slow, lost, resets, mean


def _rtts(
    rng: np.random.Generator, name: str, rtt: Array, weight: Array, fate: Fate
) -> list[tuple[Any, ...]]:
    groups = np.arange(len(weight))
    rows: list[tuple[Any, ...]] = []
    for second in range(0, END_S, 2):
        broken = second >= FAULT_S
        pick = rng.choice(groups, 400, p=weight)
        pick = pick[~(fate.dark[pick] & broken)]
        extra = np.where(fate.hit[pick] & broken, 55.0 if name == "anycast" else 18.0, 0.0)
        pop = fate.after[pick] if broken else fate.before[pick]
        value = (rtt[pick, pop] + extra + 3) * rng.lognormal(0.05, 0.12, len(pick))
        index = np.clip(np.log(value / RTT_FIRST_MS) / np.log(RTT_RATIO), 0, RTT_BINS - 1).astype(int)
        bins, count = np.unique(index, return_counts=True)
        rows.append(([name] * len(bins), np.full(len(bins), second), bins, count * 20))
    return rows


def _steering(rng: np.random.Generator) -> dict[str, Any]:
    start = np.array([0.34, 0.12, 0.16, 0.2, 0.18])
    final = np.array([0.28, 0.06, 0.2, 0.3, 0.16])
    rows = []
    for name in ("ipa", "ipa-cover"):
        for second in range(0, END_S, 10):
            blend = 1 / (1 + math.exp(-(second - FAULT_S - 60) / 40))
            share = start * (1 - blend) + final * blend + rng.normal(0, 0.002, 5)
            wan = np.array([14, -19, 1, 6, -2]) * (1 - blend) + np.array([6, -28, 5, 20, -3]) * blend
            rows += [
                (name, second, p, share[i], share[i], wan[i] + rng.normal(0, 0.4))
                for i, (p, _) in enumerate(PROVIDERS)
            ]
    names = ("strategy", "second", "address", "share", "in_use", "wan")
    return {c: _column(v) for c, v in zip(names, zip(*rows, strict=True), strict=True)}


def _load(rng: np.random.Generator) -> dict[str, Any]:
    rows = []
    for name, _ in STRATEGIES:
        for i, code in enumerate(POPS):
            for second in range(0, END_S, 10):
                level = (
                    0.35
                    + 0.03 * (i % 5)
                    + (0.5 * (second >= FAULT_S + 30) if code == "SIN" else 0)
                    + rng.normal(0, 0.01)
                )
                rows.append((name, second, "pop", code, level * 4000, level))
    names = ("strategy", "second", "kind", "name", "offered", "utilisation")
    return {c: _column(v) for c, v in zip(names, zip(*rows, strict=True), strict=True)}


def _updates(rng: np.random.Generator) -> dict[str, Any]:
    at = np.sort(
        FAULT_S + np.concatenate([rng.exponential(3, 2500), rng.normal(30, 2, 1400), rng.normal(58, 2, 500)])
    )
    at = at[(at > FAULT_S) & (at < FAULT_S + 61.4)]
    return {
        "at_s": at, "sender": rng.integers(0, 300, len(at)), "receiver": rng.integers(0, 300, len(at)),
        "prefix": ["203.0.113.0/24"] * len(at),
        "withdrawal": rng.random(len(at)) < 0.27 * np.exp(-(at - FAULT_S) / 20),
    }  # fmt: skip


def lab_record(n: int = 5) -> RunRecord:
    """A clique of ``n`` routers forgetting a route: rounds of MRAI, no clients."""
    at, sender, receiver, withdrawal, records = [], [], [], [], []
    names = [f"r{i}" for i in range(n)]
    events = [
        {"index": 0, "at_s": 0.0, "kind": "announce", "label": "announce 203.0.113.0/24 at r0"},
        {"index": 1, "at_s": 600.0, "kind": "withdraw", "label": "withdraw 203.0.113.0/24 at r0"},
    ]
    for event in events:
        records.append(
            trace.event(event["at_s"], index=event["index"], kind=event["kind"], label=event["label"])
        )
        start = event["at_s"]
        rounds = 1 if event["kind"] == "announce" else n - 2
        for i in range(rounds):
            now = start + 0.01 + 30 * i
            for router in range(1, n):
                path = (
                    None
                    if i == rounds - 1 and rounds > 1
                    else [65000 + (router + j) % n for j in range(i + 1)]
                )
                records.append(
                    trace.best_path(now, router=names[router], prefix="203.0.113.0/24", as_path=path,
                                    next_hop=names[0], decided_by="9.1 only route")
                )  # fmt: skip
                for other in range(n):
                    if other != router:
                        at.append(now)
                        sender.append(router)
                        receiver.append(other)
                        withdrawal.append(path is None)
    took = (n - 3) * 30 + 0.02
    announced = {
        "index": 0, "at_s": 0.0, "kind": "announce", "control_plane_convergence_s": 0.01,
        "data_plane_convergence_s": 0.01, "announcements": n * (n - 1), "withdrawals": 0,
        "best_path_changes": n, "quiescent": True,
    }  # fmt: skip
    withdrawn = {
        "index": 1, "at_s": 600.0, "kind": "withdraw", "control_plane_convergence_s": took,
        "data_plane_convergence_s": took, "announcements": (n - 2) * (n * n - 1) // 2,
        "withdrawals": n * (n - 1), "best_path_changes": 3 * n, "quiescent": True,
    }  # fmt: skip
    route = {"as_path": [65000], "next_hop": "r0", "decided_by": "9.1 only route"}
    summary = {
        "schema": 1, "scenario": f"clique-{n}-withdraw", "seed": 1, "events": [announced, withdrawn],
        "routes": {"r1": {"203.0.113.0/24": route}},
    }  # fmt: skip
    updates = {"at_s": np.array(at), "sender": np.array(sender), "receiver": np.array(receiver),
               "prefix": ["203.0.113.0/24"] * len(at), "withdrawal": np.array(withdrawal)}  # fmt: skip
    manifest = new_manifest(version="0.1.0", scenario=f"clique-{n}-withdraw", seed=1, inputs={})
    atlas = {
        "routers": names,
        "events": events,
        "phases": {"fault_s": None, "during_end_s": 900.0, "end_s": 900.0},
    }
    return RunRecord(manifest, summary, {"updates": updates}, atlas, tuple(records))


GRAPH_ASES, GRAPH_END_S, GRAPH_HIT = 400, 1200.0, 2
"""ASes that are counted, length of the run, and an AS whose POP fails at 60 s and comes back at 360 s."""


def graph_record(pops: int = 15) -> RunRecord:
    """A run on an AS graph: an anycast CDN whose fifth POP fails, with two providers' own addresses.

    AS ``64500 + i`` is served by POP ``(i * i) % pops``; those of the failing POP are without for
    ``back[i]`` seconds and then with the next one, but for the last three, which stay in a blackhole.
    """
    rng = np.random.default_rng(3)
    home = (np.arange(GRAPH_ASES) ** 2) % pops
    weight = np.round(rng.lognormal(3, 1, GRAPH_ASES))
    events = [
        {"index": 0, "at_s": 60.0, "kind": "outage", "label": "outage of POP POP05"},
        {"index": 1, "at_s": 360.0, "kind": "repair", "label": "repair of outage of POP POP05"},
    ]
    reach, sites = [], []
    moved = np.flatnonzero(home == home[GRAPH_HIT])
    back = np.round(rng.lognormal(2, 1, len(moved)), 3)
    before, after = rng.lognormal(4, 0.5, GRAPH_ASES), rng.lognormal(4.4, 0.5, GRAPH_ASES)
    hit, spare = int(home[GRAPH_HIT]), (int(home[GRAPH_HIT]) + 1) % pops
    for name in ("shared", "AS100", "AS200"):
        own = home if name == "shared" else np.full(GRAPH_ASES, hit if name == "AS100" else spare)
        for instant in (0.0, *np.round(60 + np.geomspace(0.01, 299, 60), 3), 360.0, 400.0, GRAPH_END_S):
            state = _graph_state(float(instant), own, moved, back, (hit, spare))
            for site in sorted(set(state.tolist())):
                mine = state == site
                sites.append((float(instant), name, site, int(mine.sum()), float(weight[mine].sum())))
    for i, asn in enumerate(moved):
        dark = i >= len(moved) - 3
        lost = 300.0 if dark else float(back[i])
        reach += [
            (0, "shared", 64500 + asn, lost, math.nan if dark else lost, hit, -2 if dark else spare,
             before[asn], math.nan if dark else after[asn], 2),
            (1, "shared", 64500 + asn, 0.5 if dark else 0.0, 0.5 if dark else 0.0, -2 if dark else spare, hit,
             math.nan if dark else after[asn], before[asn], 1),
        ]  # fmt: skip
    reach.sort(key=lambda row: (row[0], row[2]))
    first, final = 60 + back / 20, 60 + back
    rows = sorted(
        [(float(at), int(moved[i]), "198.18.0.0/24", 1, 3) for times in (first, final) for i, at in
         enumerate(times)]
    )  # fmt: skip
    bins = np.arange(600, 1000)
    tables = {
        "sites": _named(("at_s", "destination", "site", "ases", "weight"), sites),
        "reach": _named(
            ("event", "destination", "asn", "lost_s", "back_s", "site_before", "site_after", "rtt_before_ms",
             "rtt_after_ms", "changes"), reach,
        ),
        "best_paths": _named(("at_s", "router", "prefix", "next_hop", "length"), rows),
        "rates": {"at_s": bins / 10, "until_s": (bins + 1) / 10, "announcements": 1 + bins % 7,
                  "withdrawals": bins % 2},
        "updates": {"at_s": np.array([60.2]), "sender": np.array([1]), "receiver": np.array([2]),
                    "prefix": ["198.18.0.0/24"], "withdrawal": np.array([False])},
    }  # fmt: skip
    summaries = [
        {**event, "control_plane_convergence_s": float(back.max()) * (not event["index"]),
         "data_plane_convergence_s": 40.0, "quiescent": True,
         "announcements": 100, "withdrawals": 10, "best_path_changes": len(rows)}
        for event in events
    ]  # fmt: skip
    atlas = {
        "events": events, "ases": GRAPH_ASES + pops, "collectors": [], "strategies": [], "groups": [],
        "pops": [{"code": f"POP{i + 1:02d}", "city": ""} for i in range(pops)],
        "phases": {"fault_s": 60.0, "during_end_s": 360.0, "end_s": GRAPH_END_S},
    }  # fmt: skip
    manifest = new_manifest(version="0.1.0", scenario="graph", seed=1, inputs={"graph.yaml": "cd" * 32})
    summary = {"schema": 1, "scenario": "graph", "seed": 1, "events": summaries, "strategies": {}}
    return RunRecord(manifest, summary, tables, atlas, ())


def _graph_state(instant: float, own: Array, moved: Array, back: Array, pops: tuple[int, int]) -> Array:
    """Where each AS is served at ``instant``; only those of the shared address are ever without."""
    (hit, spare), state = pops, own.copy()
    if 60 <= instant < 360:
        if len(set(own.tolist())) == 1:
            return np.where(own == hit, spare, own)
        state[moved] = np.where(instant - 60 < back, -2, spare)
        state[moved[-3:]] = -2
    return state


def _named(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    return {c: _column(v) for c, v in zip(columns, zip(*rows, strict=True), strict=True)}
