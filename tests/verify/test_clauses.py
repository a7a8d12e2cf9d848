"""Rules are spelled right in FRR's, GoBGP's and OpenBGPD's languages: by what they match, as daemons read."""

from __future__ import annotations

import itertools
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.bgp.attributes import NO_EXPORT
from emulator.bgp.config import SpeakerConfig
from emulator.bgp.liveness import SessionConfig
from emulator.bgp.messages import Family
from emulator.bgp.peer import PeerConfig
from emulator.bgp.policy import Relation
from emulator.bgp.rov import Roas
from emulator.bgp.rules import Change, Match, Rule, RuleList, Validity, Verdict
from emulator.verify.daemons import frr_config, gobgp, openbgpd
from emulator.verify.daemons.base import Neighbor, Origination, RouterSetup
from emulator.verify.daemons.clauses import PathMatch, path_patterns

from daemon_labs import needs

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHABET = (1, 2, 11)
"""AS numbers of which one is the beginning of another."""


def _is_like(path: tuple[int, ...], match: PathMatch) -> bool:
    return (
        (match.first is None or path[:1] == (match.first,))
        and (match.last is None or path[-1:] == (match.last,))
        and (match.through is None or match.through in path)
        and (match.longer_than is None or len(path) > match.longer_than)
    )


@pytest.mark.parametrize("lead", [None, 7])
@pytest.mark.parametrize("longer_than", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("ends", [(None, None), (1, None), (None, 1), (1, 1), (1, 2), (11, 1)])
def test_path_patterns_match_what_is_meant(
    ends: tuple[int | None, int | None], longer_than: int | None, lead: int | None
) -> None:
    """All paths of up to five of three ASes, every combination of conditions: patterns and rule agree."""
    for through in (None, 1, 2, 11):
        match = PathMatch(*ends, through, longer_than)
        patterns = path_patterns(match, lead)
        for length in range(6):
            for path in itertools.product(ALPHABET, repeat=length):
                text = " ".join(map(str, path if lead is None else (lead, *path)))
                found = not patterns or any(re.search(pattern, text) for pattern in patterns)
                assert _is_like(path, match) == found, (match, path, patterns)


def test_a_whole_path() -> None:
    """``exact`` matches itself alone; the empty path too."""
    assert path_patterns(PathMatch(exact=(1, 2))) == ("^1 2$",)
    assert path_patterns(PathMatch(exact=()), 7) == ("^7$",)


def everything() -> RouterSetup:
    """A router of AS 65001 with one neighbour in each direction of policy, and every feature of a rule."""
    prefixes = ("10.0.0.0/24", "10.0.1.0/24", "2001:db8::/48")
    imports = RuleList(
        (
            Rule(
                Match(
                    communities=(65000 << 16 | 1, 65000 << 16 | 2), learned_from=frozenset({Relation.PEER})
                ),
                Change(local_pref=50),
            ),
            Rule(Match(learned_from=frozenset({Relation.CUSTOMER})), verdict=Verdict.REJECT),
            Rule(Match(prefixes=frozenset({0, 2})), Change(med=7, prepend=2)),
            Rule(
                Match(neighbor_as=65002, origin_as=65009, through_as=65005, longer_than=3),
                Change(add_communities=(65001 << 16 | 9,), remove_communities=(65000 << 16 | 1,)),
                Verdict.ACCEPT,
            ),
            Rule(Match(validity=Validity.INVALID), verdict=Verdict.REJECT),
            Rule(
                Match(large_communities=((1, 2, 3), (4, 5, 6))),
                Change(
                    prepend=1, add_large_communities=((65001, 7, 7),), remove_large_communities=((1, 2, 3),)
                ),
            ),
        ),
        Verdict.REJECT,
    )
    exports = RuleList(
        (
            Rule(
                Match(
                    learned_from=frozenset({Relation.PEER, Relation.PROVIDER}), communities=(65000 << 16 | 3,)
                ),
                verdict=Verdict.REJECT,
            ),
            Rule(Match(neighbor_as=65002), Change(med=3), Verdict.ACCEPT),
        )
    )
    neighbor = Neighbor(
        number=0,
        config=PeerConfig(65002, 1, 2, Relation.PEER),
        is_ebgp=True,
        local={Family.IPV4: "100.64.0.0", Family.IPV6: "3fff::"},
        remote={Family.IPV4: "100.64.0.1", Family.IPV6: "3fff::1"},
        interface="l0",
        imports=imports,
        exports=exports,
        closing=(Rule(Match(communities=(0xFFFF029A,)), Change(add_communities=(NO_EXPORT,))),),
        roas=Roas(frozenset({0, 1}), {0: frozenset({65009}), 1: frozenset()}),
    )
    return RouterSetup(
        index=0,
        name="r0",
        asn=65001,
        router_id="0.0.0.1",
        loopback={},
        interfaces=(),
        neighbors=(neighbor,),
        families=(Family.IPV4, Family.IPV6),
        prefixes=prefixes,
        originations=(
            Origination("10.0.1.0/24", (65002,), 5, (65001 << 16 | 1,), ((65001, 9, 9),)),
            Origination("2001:db8::/48"),
        ),
        speaker=SpeakerConfig(),
        session=SessionConfig(),
    )


def _printed(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs("frr")
def test_frr_takes_what_is_written(tmp_path: Path) -> None:
    """Bgpd reads the file without a complaint."""
    file = tmp_path / "bgpd.conf"
    setup = everything()
    file.write_text(frr_config.bgpd(setup, frr_config.own_maps(setup)))
    assert "line" not in _printed(["/usr/lib/frr/bgpd", "-C", "-f", str(file)])


@needs("gobgp")
def test_gobgp_takes_what_is_written(tmp_path: Path) -> None:
    """Gobgpd's dry run reads the file."""
    file = tmp_path / "gobgpd.toml"
    file.write_text(gobgp.render(everything()))
    _printed(["gobgpd", "-d", "-f", str(file)])


@needs("openbgpd")
def test_openbgpd_takes_what_is_written(tmp_path: Path) -> None:
    """Bgpd -n reads the file."""
    file = tmp_path / "bgpd.conf"
    file.write_text(openbgpd.render(everything(), str(tmp_path / "bgpd.sock")))
    file.chmod(0o600)
    assert "configuration OK" in _printed([openbgpd.PROGRAM, "-n", "-f", str(file)])


GOLDEN: dict[str, Callable[[RouterSetup], str]] = {
    "frr.conf": lambda setup: frr_config.bgpd(setup, frr_config.own_maps(setup)),
    "gobgp.toml": gobgp.render,
    "openbgpd.conf": lambda setup: openbgpd.render(setup, "bgpd.sock"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_in_full(name: str) -> None:
    """Each daemon's whole file for `everything`: what is written changes only when somebody means it to."""
    golden = (Path(__file__).parent / "golden" / name).read_text(encoding="utf-8")
    assert golden == GOLDEN[name](everything())


def test_one_route_map_for_neighbors_of_one_policy() -> None:
    """Two neighbours with the same policy share their maps, and with them FRR's update-group."""
    setup = everything()
    first = setup.neighbors[0]
    second = replace(
        first, number=1, remote={Family.IPV4: "100.64.0.3"}, local={Family.IPV4: "100.64.0.2"}, interface="l1"
    )
    text = frr_config.bgpd(
        replace(
            setup, neighbors=(replace(first, remote=dict(first.remote)), second), families=(Family.IPV4,)
        ),
        frr_config.own_maps(setup),
    )
    maps = re.findall(r"neighbor (\S+) route-map (\S+) (in|out)", text)
    assert maps == [
        ("100.64.0.1", "m0", "in"),
        ("100.64.0.1", "m1", "out"),
        ("100.64.0.3", "m0", "in"),
        ("100.64.0.3", "m1", "out"),
    ]
