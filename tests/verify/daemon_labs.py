"""What tests on real daemons share: when to skip, and scenarios as files."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from emulator.errors import InputError
from emulator.scenario.build import build
from emulator.scenario.loader import load
from emulator.verify.daemons import kind_of
from emulator.verify.run import verify

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.scenario.plan import Plan
    from emulator.verify.run import Verification


def needs(*daemons: str) -> pytest.MarkDecorator:
    """Mark a test that runs ``daemons``: it is skipped, with the reason, where it cannot."""
    reason = "" if sys.platform == "linux" and os.geteuid() == 0 else "needs Linux and root"
    for name in daemons:
        try:
            kind_of(name).require()
        except (InputError, ImportError) as error:
            reason = reason or str(error)
    return pytest.mark.skipif(bool(reason), reason=reason)


def scenario_file(folder: Path, document: dict[str, Any]) -> Path:
    """Write a document where the loader finds it: JSON is YAML."""
    path = folder / f"{document['name']}.yaml"
    path.write_text(json.dumps(document, indent=1))
    return path


def plan_of(folder: Path, document: dict[str, Any]) -> Plan:
    """Load and resolve a document."""
    return build(load(scenario_file(folder, document)))


def verified(folder: Path, document: dict[str, Any], *daemons: str, **options: Any) -> Verification:  # noqa: ANN401
    """Run a document on daemons, dealt out over its routers."""
    plan = plan_of(folder, document)
    kinds = [kind_of(daemons[index % len(daemons)]) for index in range(len(plan.network.routers))]
    return verify(plan, kinds, **options)


def told(outcome: Verification) -> list[str]:
    """Every difference, with its step, as text: what an assertion shows when it fails."""
    return [f"{step.label}: {difference}" for step in outcome.steps for difference in step.differences]


def triangle(**bgp: Any) -> dict[str, Any]:  # noqa: ANN401
    """Three ASes: r1 and r2 are customers of r3 and peers; each has a prefix; r1's goes and comes back."""
    return {
        "version": 1,
        "name": "triangle",
        "network": {
            "routers": {f"r{i}": {"asn": 65000 + i, "prefixes": [f"10.0.{i}.0/24"]} for i in (1, 2, 3)},
            "links": [
                {"ends": ["r1", "r3"], "delay": "0s", "relationship": "customer-provider"},
                {"ends": ["r2", "r3"], "delay": "0s", "relationship": "customer-provider"},
                {"ends": ["r1", "r2"], "delay": "0s", "relationship": "peer"},
            ],
        },
        "bgp": {"policy": "gao-rexford", "mrai": "0s", **bgp},
        "duration": "1h",
        "timeline": [
            {"at": "0s", "withdraw": "10.0.1.0/24", "router": "r1"},
            {"at": "10min", "announce": "10.0.1.0/24", "router": "r1"},
            {"at": "20min", "cut": ["r1", "r2"], "repair_after": "10min"},
            {"at": "40min", "reset": ["r1", "r3"]},
        ],
    }


def transit(**spec: Any) -> dict[str, Any]:  # noqa: ANN401
    """A transit AS of six routers with two route reflectors over a ring with a chord, and three neighbours.

    Customers c1 and c2 are the same AS at two borders and announce one prefix
    there, so every router of the transit leaves by the border that is nearest
    (hot potato, RFC 4271 9.1.2.2 e); a third one, c3, looks on. The cut makes
    t4's way to t1 longer than that to t6.
    """
    inner = [
        ("t1", "t2", 10),
        ("t2", "t3", 10),
        ("t3", "t4", 30),
        ("t4", "t5", 10),
        ("t5", "t6", 25),
        ("t6", "t1", 40),
    ]
    inner.append(("t2", "t4", 10))
    routers: dict[str, Any] = {f"t{i}": {"asn": 65000} for i in range(1, 7)}
    routers["t2"].update(reflector=True, clients=["t1", "t3", "t4", "t5", "t6"], cluster_id="9.9.9.9")
    routers["t5"].update(reflector=True, clients=["t1", "t3", "t4", "t6"], cluster_id="9.9.9.8")
    routers["c1"] = {"asn": 65001, "prefixes": ["10.1.0.0/16", "10.2.0.0/16"]}
    routers["c2"] = {"asn": 65001, "prefixes": ["10.1.0.0/16", "10.3.0.0/16"]}
    routers["c3"] = {"asn": 65003, "prefixes": ["10.4.0.0/16"]}
    links: list[dict[str, Any]] = [{"ends": [a, b], "delay": "0s", "igp_cost": cost} for a, b, cost in inner]
    links += [
        {"ends": [customer, border], "delay": "0s", "relationship": "customer-provider"}
        for customer, border in (("c1", "t1"), ("c2", "t6"), ("c3", "t3"))
    ]
    return {
        "version": 1,
        "name": "transit",
        "network": {"routers": routers, "links": links},
        "bgp": {"policy": "gao-rexford", "mrai": "0s", **spec},
        "duration": "1h",
        "timeline": [
            {"at": "0s", "cut": ["t2", "t4"], "repair_after": "10min"},
            {"at": "20min", "withdraw": "10.1.0.0/16", "router": "c1"},
            {"at": "30min", "announce": "10.1.0.0/16", "router": "c1"},
        ],
    }


def features(folder: Path) -> dict[str, Any]:
    """Five ASes in a line with a shortcut, and what else a policy can say, each at a place where it matters.

    Roles; origins validated (10.2.0.0/16 is authorised for another AS, 10.3.0.0/16 for its own); prefixes
    with NO_EXPORT, with a request for graceful shutdown, with MED; a limit on prefixes that is not reached;
    prefixes matched by range, paths by length and by the ASes in them.
    """
    (folder / "vrps.csv").write_text(
        "ASN,IP Prefix,Max Length\nAS65099,10.2.0.0/16,16\nAS65003,10.3.0.0/16,16\n"
    )
    routers: dict[str, Any] = {
        f"r{i}": {"asn": 65000 + i, "prefixes": [f"10.{i}.0.0/16"]} for i in range(1, 6)
    }
    routers["r1"]["prefixes"] += [
        {"prefix": "172.16.1.0/24", "communities": "no-export"},
        {"prefix": "172.16.2.0/24", "communities": "graceful-shutdown"},
        {"prefix": "172.16.3.0/24", "med": 70, "large_communities": "65001:5:5"},
    ]
    routers["r2"]["neighbors"] = {"r1": {"max_prefixes": {"limit": 50}}}
    routers["r3"]["import"] = ["lengths"]
    routers["r4"]["import"] = ["paths"]
    routers["r5"]["export"] = ["ours"]
    return {
        "version": 1,
        "name": "features",
        "network": {
            "routers": routers,
            "links": [
                {"ends": [a, b], "delay": "0s", "relationship": "customer-provider"}
                for a, b in (("r1", "r2"), ("r2", "r3"), ("r3", "r4"), ("r5", "r4"), ("r1", "r5"))
            ],
        },
        "policies": {
            "lengths": [
                {
                    "match": {"prefix": {"in": "172.16.0.0/12", "ge": 20, "le": 24}},
                    "set": {"local_pref": 310, "add_communities": "65003:24"},
                    "then": "accept",
                },
                {"set": {"add_large_communities": "65003:0:1"}},
            ],
            "paths": [
                {"match": {"as_path": {"origin": 65001, "longer_than": 2}}, "set": {"med": 9}},
                {"match": {"as_path": {"through": 65002}}, "set": {"add_communities": "65004:2"}},
                {"match": {"as_path": {"neighbor": 65005}}, "set": {"local_pref": 305}, "then": "accept"},
                {"match": {"validity": "valid"}, "set": {"add_communities": "65004:1"}},
            ],
            "ours": [
                {
                    "match": {"learned_from": "customer"},
                    "set": {"prepend": 2, "med": 5, "add_large_communities": ["65005:1:7", "65005:7:7"]},
                },
                {"match": {"community": "65001:9"}, "then": "reject"},
            ],
        },
        "bgp": {"policy": "gao-rexford", "mrai": "0s", "roles": True, "rov": {"vrps": "vrps.csv"}},
        "duration": "1h",
        "timeline": [
            {"at": "0s", "cut": ["r1", "r5"], "repair_after": "10min"},
            {"at": "20min", "outage": {"router": "r5"}, "repair_after": "10min"},
        ],
    }
