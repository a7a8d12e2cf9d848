"""`ipa-emulator explain`: what it prints, a finished run answers as the simulation does, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.cli.main import main

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PREFIX = "203.0.113.0/24"
DIAMOND = """\
version: 1
name: diamond
network:
  routers:
    customer: {asn: 65001, prefixes: [203.0.113.0/24]}
    left: {asn: 65002}
    right: {asn: 65003}
    top: {asn: 65004}
    aside: {asn: 65005}
  links:
    - {ends: [customer, left], delay: 10ms, relationship: customer-provider}
    - {ends: [customer, right], delay: 10ms, relationship: customer-provider}
    - {ends: [left, top], delay: 10ms, relationship: customer-provider}
    - {ends: [right, top], delay: 10ms, relationship: customer-provider}
    - {ends: [right, aside], delay: 10ms, relationship: peer}
    - {ends: [left, aside], delay: 10ms, relationship: peer}
bgp: {policy: gao-rexford, mrai: 30s, mrai_jitter: [1, 1]}
duration: 10min
timeline:
  - {at: 1min, cut: [customer, left]}
  - {at: 61s, repair: [customer, left]}
"""


@pytest.fixture
def diamond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A customer with two providers that share a provider and a peer; the working folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "diamond.yaml"
    path.write_text(DIAMOND)
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What ``explain`` prints."""
    assert main(["explain", *map(str, arguments), "-q"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:  # noqa: ANN401
    """What ``explain --format json`` prints, read."""
    return json.loads(told(capsys, *arguments, "--format", "json"))


def run(file: Path, *options: str) -> None:
    """Finish a run of ``file``."""
    assert main(["run", str(file), "--no-plots", "-q", *options]) == 0


def test_the_settled_state_as_a_person_reads_it(diamond: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two routes of equal length: the lower identifier wins.

    `aside` peers with `left` and `right`, so what it hears may go nowhere.
    """
    assert (
        told(capsys, diamond, "--router", "aside", "--prefix", PREFIX, "--at", "0s")
        == """\
diamond: aside (AS65005), 203.0.113.0/24 at 0s
2 candidates, decided by: 9.1.2.2 (f) router identifier
     from                   session  AS path      next hop  pref  communities      age  lost by
  >  left (AS65002), peer   eBGP     65002 65001  left       200  65005:1:2    settled
     right (AS65003), peer  eBGP     65003 65001  right      200  65005:1:2    settled  \
9.1.2.2 (f) router identifier
not announced to
  to                     session  why
  left (AS65002), peer   eBGP     valley-free export: learned from a peer, not for a peer
  right (AS65003), peer  eBGP     valley-free export: learned from a peer, not for a peer
"""
    )


def test_refused_and_announced(diamond: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`left` sends its customer's route everywhere; the customer refuses it for the loop."""
    found = answer(capsys, diamond, "--router", "left", "--prefix", PREFIX, "--at", "0s")
    assert [(each["to"]["router"], each["as_path"]) for each in found["advertised"]] == [
        ("customer", [65002, 65001]),
        ("top", [65002, 65001]),
        ("aside", [65002, 65001]),
    ]
    found = answer(capsys, diamond, "--router", "AS65001", "--prefix", PREFIX, "--at", "0s")
    assert {each["from"]["router"]: each["reason"] for each in found["refused"]} == {
        "left": "our own AS is in its AS_PATH (RFC 4271 9.1.2)",
        "right": "our own AS is in its AS_PATH (RFC 4271 9.1.2)",
    }
    assert found["candidates"][0]["from"]["session"] == "originated here"


def test_what_waits_for_the_timer_says_until_when(diamond: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`top` turned to `right` and told everybody at 60.01 s; it is back with `left` at 61.07 s.

    MRAI is 30 s, without jitter: its customers hear of that at 90.01 s, and
    believe what they were told before until then.
    """
    asked = (diamond, "--router", "top", "--prefix", PREFIX, "--at")
    assert (
        told(capsys, *asked, "61.5s")
        == """\
diamond: top (AS65004), 203.0.113.0/24 at 61.5s
2 candidates, decided by: 9.1.2.2 (f) router identifier
     from                       session  AS path      next hop  pref  communities      age  lost by
  >  left (AS65002), customer   eBGP     65002 65001  left       300  65004:1:3      0.43s
     right (AS65003), customer  eBGP     65003 65001  right      300  65004:1:3    settled  \
9.1.2.2 (f) router identifier
not announced to
  to                         session  why
  left (AS65002), customer   eBGP     it waits for the timer (RFC 4271 9.2.1.1), until 90.01s; \
the peer still has 65004 65003 65001
  right (AS65003), customer  eBGP     it waits for the timer (RFC 4271 9.2.1.1), until 90.01s; \
the peer still has 65004 65003 65001
"""
    )
    found = answer(capsys, *asked, "61.5s")
    assert [(each["until_s"], each["believes"]) for each in found["withheld"]] == 2 * [
        (90.01, [65004, 65003, 65001])
    ]
    assert answer(capsys, *asked, "90009999999ns")["advertised"] == []
    assert [each["as_path"] for each in answer(capsys, *asked, "90.01s")["advertised"]] == 2 * [
        [65004, 65002, 65001]
    ]


def test_every_change_with_its_cause(diamond: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The link is dark from 60 s to 61 s; links take 10 ms, opening the session again six of them."""
    asked = (diamond, "--router", "left", "--prefix", PREFIX, "--watch")
    assert (
        told(capsys, *asked)
        == """\
diamond: left (AS65002), 203.0.113.0/24 up to 600s
  settled: 65001 via customer
after cut customer - left (60s)
             60s  65001 via customer -> no route
                  by 9.1 no route
                  session with customer (AS65001): interface down
          60.02s  no route -> 65004 65003 65001 via top
                  by 9.1 only route
                  UPDATE from top (AS65004): 65004 65003 65001
after repair customer - left (61s)
          61.06s  65004 65003 65001 via top -> 65001 via customer
                  by 9.1.2 degree of preference
                  UPDATE from customer (AS65001): 65001
"""
    )
    found = answer(capsys, *asked, "--at", "60.5s")
    assert [each["at_s"] for each in found["changes"]] == [60.0, 60.02]
    customer = {"router": "customer", "asn": 65001, "relationship": "customer", "session": "eBGP"}
    assert found["changes"][0] == {
        "at_s": 60.0,
        "old": found["first"],
        "new": None,
        "decided_by": "9.1 no route",
        "causes": [{"kind": "session-down", "from": customer, "reason": "interface down"}],
        "event": {"index": 0, "at_s": 60.0, "label": "cut customer - left"},
    }


def test_an_igp_change_is_a_cause(capsys: pytest.CaptureFixture[str]) -> None:
    """Hot potato: when `south` loses its link to `west`, both exits are still there, and `east` is nearer.

    The cost to `west` goes from 5 to 8 + 2 + 20 + 2 = 32, past both reflectors.
    """
    file = SCENARIOS / "route-reflectors.yaml"
    found = answer(capsys, file, "--router", "south", "--prefix", PREFIX, "--watch")
    causes = [cause for change in found["changes"] for cause in change["causes"]]
    assert {"kind": "igp", "next_hop": "west", "old_cost": 5, "new_cost": 32} in causes


MOMENTS = ("0s", "60s", "60.5s", "61s", "70s", "95s", None)


@pytest.mark.parametrize("router", ["customer", "left", "right", "top", "aside"])
def test_a_finished_run_answers_as_the_simulation_does(
    diamond: Path, capsys: pytest.CaptureFixture[str], router: str
) -> None:
    """At any instant, and for the list of changes; by the file, and by the folder."""
    asked = [
        [diamond, "--router", router, "--prefix", PREFIX, *(() if at is None else ("--at", at)), *watch]
        for at in MOMENTS
        for watch in ((), ("--watch",))
    ]
    simulated = [told(capsys, *each, "--format", "json") for each in asked]
    run(diamond)
    capsys.readouterr()

    def unsimulated(*_: object, **__: object) -> None:
        pytest.fail("simulated although there is a finished run")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emulator.sim.control.control_plane", unsimulated)
        assert simulated == [told(capsys, *each, "--format", "json") for each in asked]
    for each in asked:
        each[0] = Path("out/diamond")
    assert simulated == [told(capsys, *each, "--format", "json") for each in asked]


def test_another_file_or_seed_is_simulated(diamond: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The finished run is used for its very bytes and seed alone."""
    run(diamond)
    asked = ["explain", str(diamond), "--router", "top", "--prefix", PREFIX]
    capsys.readouterr()
    assert main(asked) == 0
    assert capsys.readouterr().err == "diamond: from out/diamond\n"
    assert main([*asked, "--seed", "7"]) == 0
    assert "settling" in capsys.readouterr().err
    diamond.write_text(DIAMOND + "# another\n")
    assert main(asked) == 0
    assert "settling" in capsys.readouterr().err


def test_an_address_is_explained_by_all_that_covers_it(
    diamond: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The most specific prefix first."""
    diamond.write_text(DIAMOND.replace("[203.0.113.0/24]", "[203.0.0.0/16, 203.0.113.0/24, 198.51.100.0/24]"))
    found = answer(capsys, diamond, "--router", "top", "--prefix", "203.0.113.9")
    assert [each["prefix"] for each in found] == ["203.0.113.0/24", "203.0.0.0/16"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--router", "rihgt", "--prefix", PREFIX],
            "--router 'rihgt': no such router (did you mean 'right'?)",
        ),
        (["--router", "AS1", "--prefix", PREFIX], "there are customer, left, right, top, aside"),
        (["--router", "top", "--prefix", "203.0.112.0/24"], "did you mean '203.0.113.0/24'?"),
        (["--router", "top", "--prefix", "192.0.2.1"], "no announced prefix covers it"),
        (["--router", "top", "--prefix", "nonsense"], "expected a prefix such as"),
        (["--router", "top", "--prefix", "203.0.113.1/24"], "has host bits set"),
        (["--router", "top", "--prefix", PREFIX, "--at", "-1s"], "got the negative '-1s'"),
        (["--router", "top", "--prefix", PREFIX, "--at", "1h"], "the run ends at 10min"),
        (["--router", "top", "--prefix", PREFIX, "--at", "soon"], "expected a duration"),
        (["--prefix", PREFIX], "Missing option '--router'"),
    ],
)
@pytest.mark.parametrize("source", ["diamond.yaml", "out/diamond"])
def test_what_is_not_there(
    diamond: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str, source: str
) -> None:
    """Exit code 2 and what there is instead, from a file and from a folder."""
    run(diamond)
    capsys.readouterr()
    assert main(["explain", source, *arguments, "-q"]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""


def test_folders_without_a_history(diamond: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No run, a run without one, a damaged one: said, with what to do."""
    asked = ["explain", "out/diamond", "--router", "top", "--prefix", PREFIX]
    run(diamond, "--no-routes-history")
    capsys.readouterr()
    assert main(asked) == 2
    assert "run it again with --routes-history" in capsys.readouterr().err
    assert main(["explain", ".", *asked[2:]]) == 2
    assert "holds no run" in capsys.readouterr().err
    Path("out/diamond/routes.zip").write_bytes(b"PK")
    assert main(asked) == 2
    assert "routes.zip: cannot be read" in capsys.readouterr().err
    run(diamond)
    capsys.readouterr()
    assert main([*asked, "--seed", "5"]) == 2
    assert "the run in out/diamond has seed 1" in capsys.readouterr().err


@pytest.mark.slow
def test_the_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An AS with many routers is listed; one of them is explained alike from run and simulation."""
    monkeypatch.chdir(tmp_path)
    file = SCENARIOS / "provider-withdrawn.yaml"
    assert main(["explain", str(file), "--router", "AS3320", "--prefix", "198.18.0.1", "-q"]) == 2
    assert "AS3320@Warsaw" in capsys.readouterr().err
    asked = [file, "--router", "AS3320@Warsaw", "--prefix", "198.18.0.1", "--at", "90s"]
    simulated = [answer(capsys, *asked), answer(capsys, *asked, "--watch")]
    run(file)
    capsys.readouterr()
    assert simulated == [answer(capsys, *asked), answer(capsys, *asked, "--watch")]
    assert simulated[1][0]["changes"]
